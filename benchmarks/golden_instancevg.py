"""Run the cases of an InstanceVG golden folder through our model and compare every stage.

All prompts of a case run as one batch, as the predictor runs them. Its points are an argmax: they
are compared as well, and every later stage of the same run with them.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from benchmarks.golden import (
    Arrays,
    Check,
    GoldenModel,
    load_arrays,
    relative,
    statistics,
    subsampled,
    uncompared,
    worst_relative,
)
from benchmarks.golden_cases import (
    PAD,
    TOLERANCES,
    outputs_of,
    padded_tokens,
    plain,
    read_image,
)
from evf_sam_ros.models.instancevg.answer import InstanceVgAnswer, enlarged, selected
from evf_sam_ros.models.instancevg.query_points import DISTANCE_WEIGHT
from evf_sam_ros.models.segmenter import Decoded
from evf_sam_ros.perception.preprocess import resized, segmenter_input

_GIVEN = ("input_ids", "attention_mask", "orig_size")
_EXACT = (*_GIVEN, "uint8_sub", "token_choice", "point_index", "selected", "not_found")
# A few numbers of order one or less, any of which may be near zero, or be infinite or none.
_SCALARS = ("score", "class_logits", "no_target_logits", "token_score", "token_margin", "boxes")
_SHARES = ("final_positive_fraction", "global_positive_fraction")
# Below the tolerance of the map they say nothing: see the README of the goldens.
_MARGIN = 2e-6
_BY_ROW = {"beit_layer_cls8": 1, "beit_layer_bos8": 1, "decoder_states_stats": 2}


@dataclass(frozen=True)
class _Ran:
    """Outputs of one run of a case."""

    answer: InstanceVgAnswer
    decoded: Decoded
    told_NL: Tensor  # which tokens are no padding
    threshold: float
    size: tuple[int, int]  # of the model's picture
    original: tuple[int, int]


def check_instancevg_case(
    golden: GoldenModel, case: dict[str, Any], dtype: torch.dtype = torch.float32
) -> list[Check]:
    """Compare one case; every array of its file gets a check.

    Half precision is measured, not judged.
    """
    expected = load_arrays(golden.folder / case["file"])
    computed = compute_instancevg_case(golden, case, dtype)
    checks = [
        _compare(name, expected[name], computed[name], golden.is_tiny, case["file"])
        for name in expected
        if name in computed
    ]
    if dtype != torch.float32:
        checks = [c if c.name in _GIVEN else replace(c, tolerance=math.inf) for c in checks]
    return checks + uncompared(case["file"], expected.keys() - computed.keys())


def compute_instancevg_case(
    golden: GoldenModel, case: dict[str, Any], dtype: torch.dtype
) -> Arrays:
    """Run a case and return what the golden file may hold, under its names."""
    model: Any = golden.model
    device = next(model.parameters()).device
    spec = golden.config.image_input
    image_rgb = read_image(golden.folder, case["image"])
    image, _ = segmenter_input(image_rgb, spec)
    tokens_1PL = padded_tokens(case["prompts"])[None]
    padding_1PL = tokens_1PL == PAD
    model.segmenter.config = replace(
        model.segmenter.config, score_threshold=case["score_threshold"]
    )
    inputs = [each.to(device) for each in (image[None], tokens_1PL, padding_1PL)]
    with (
        torch.inference_mode(),
        torch.autocast(device.type, dtype, enabled=dtype != torch.float32),
        recorded_stages(golden) as stages,
    ):
        prompts = model.prompt(*inputs)
        answer = plain(model.segmenter.answer(prompts))
        decoded = plain(model.segmenter.decode(inputs[0], prompts))
    ran = _Ran(
        answer, decoded, ~padding_1PL[0], case["score_threshold"], spec.size,
        (image_rgb.shape[0], image_rgb.shape[1]),
    )  # fmt: skip
    return {
        "input_ids": tokens_1PL[0].numpy(),
        "attention_mask": ran.told_NL.numpy(),
        "orig_size": np.array(ran.original),
        "uint8_sub": subsampled(resized(image_rgb, spec), (None, 32, 32)),
        "input_sub": subsampled(image, (None, 32, 32)),
        "input_stats": statistics(image, 1),
        **_word_stages(stages, plain(prompts), ran.told_NL, golden.config.encoder.patches + 1),
        **_grid_stages(stages),
        **_query_stages(ran, plain(prompts).words_BPLC[0]),
        **_heads(ran),
        **_masks(ran),
    }


def _word_stages(
    stages: dict[str, list[Any]], prompts: Any, told_NL: Tensor, split: int
) -> Arrays:
    tokens_NTD = stages["fused"][0]
    layers_YNTD = torch.stack(stages["layer"])
    rows, last = torch.arange(len(tokens_NTD)), told_NL.sum(1) - 1
    words_NLC, patches_NChw = prompts.words_BPLC[0], prompts.patches_BPChw[0]
    return {
        "beit_layer_cls8": layers_YNTD[:, :, 0, :8].numpy(),
        "beit_layer_bos8": layers_YNTD[:, :, split, :8].numpy(),
        **_both("beit_vision", tokens_NTD[:, :split], (24, 32)),
        "beit_bos": tokens_NTD[:, split].numpy(),
        "beit_eos": tokens_NTD[rows, split + last].numpy(),
        **_both("img_feat", patches_NChw, (16, 16, 16)),
        "text_feat_bos": words_NLC[:, 0].numpy(),
        "text_feat_eos": words_NLC[rows, last].numpy(),
    }


def _grid_stages(stages: dict[str, list[Any]]) -> Arrays:
    count = len(stages["join"]) // 2  # `answer` and `decode` run each once
    names = ("unet_half", "unet_quarter", "mask_features")
    grids = dict(zip(names, stages["join"][:count], strict=True))
    grids |= {f"level{i}": grid for i, grid in enumerate(stages["level"][: count + 1])}
    return {
        key: values
        for name, grid in grids.items()
        for key, values in _both(name, grid, (16, 16, 16)).items()
    }


def _query_stages(ran: _Ran, words_NLC: Tensor) -> Arrays:
    queries, decoding = ran.answer.queries, ran.answer.decoding
    scores_NL = words_NLC.float().mean(2).masked_fill(~ran.told_NL, math.nan)
    states_YNQC = torch.stack(decoding.states)
    return {
        "token_score": scores_NL.numpy(),
        "token_choice": queries.tokens_NQ.numpy(),
        "token_margin": np.array(
            [_token_margin(row, queries.tokens_NQ.shape[1]) for row in scores_NL.numpy()]
        ),
        **_both("token_query", queries.read_NQC, (None, 32)),
        "attention_maps": queries.maps_NQhw.numpy(),
        "point_map": queries.point_map_Nhw.numpy(),
        "point_index": queries.places_NQ.numpy(),
        "points": queries.points_NQ2.numpy(),
        "point_margin": np.stack(
            [
                _point_margins(values.numpy(), places.tolist())
                for values, places in zip(queries.point_map_Nhw, queries.places_NQ, strict=True)
            ]
        ),
        **_both("query_start", queries.start_NQC, (None, 32)),
        **_both("query_position", decoding.positions_NQC, (None, 32)),
        "references": decoding.references_NQ2.numpy(),
        "decoder_states_sub": subsampled(states_YNQC, (None, None, None, 32)),
        "decoder_states_stats": statistics(states_YNQC, 2),
    }


def _heads(ran: _Ran) -> Arrays:
    answer, (height, width) = ran.answer, ran.original
    x, y, w, h = answer.boxes_NQ4.unbind(-1)
    corners_NQ4 = torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], -1).clamp(0, 1)
    scores_NQ = answer.scores_NQ
    chosen_NQ = selected(scores_NQ, ran.threshold)
    return {
        "class_logits": answer.classes_NQ2.numpy(),
        "boxes": answer.boxes_NQ4.numpy(),
        "boxes_image": (corners_NQ4 * torch.tensor([width, height, width, height])).numpy(),
        "no_target_logits": answer.no_target_N2.numpy(),
        "score": scores_NQ.numpy(),
        "selected": chosen_NQ.numpy(),
        "not_found": ~chosen_NQ.any(1).numpy(),
    }


def _masks(ran: _Ran) -> Arrays:
    answer, decoded = ran.answer, ran.decoded
    assert decoded.instances is not None
    up_NQHW = decoded.instances.logits[0]
    global_NHW = enlarged(answer.global_Nhw[:, None], ran.size)[:, 0]
    chosen_NQ = selected(answer.scores_NQ, ran.threshold)
    merged_NHW = decoded.logits[0] >= 0
    instances_NHW = ((up_NQHW >= 0) & chosen_NQ[..., None, None]).any(1)
    final_NHW = functional.interpolate(merged_NHW[None].float(), ran.original, mode="nearest")[0]
    return {
        "low_res_logits_sub": subsampled(answer.masks_NQhw, (None, None, 24, 24)),
        "low_res_logits_stats": statistics(answer.masks_NQhw, 2),
        "up_logits_sub": subsampled(up_NQHW, (None, None, 32, 32)),
        "global_low_sub": subsampled(answer.global_Nhw, (None, 40, 40)),
        **_both("global_up", global_NHW, (40, 40)),
        "global_mask_packed": _packed(global_NHW >= 0),
        "instance_mask_packed": _packed(instances_NHW),
        "merged_mask_packed": _packed(merged_NHW),
        "final_mask_packed": _packed(final_NHW > 0),
        "final_positive_fraction": final_NHW.double().mean((1, 2)).numpy(),
        "global_positive_fraction": (global_NHW >= 0).double().mean((1, 2)).numpy(),
    }


def _both(name: str, values: Tensor, pieces: tuple[int | None, ...]) -> Arrays:
    return {
        f"{name}_sub": subsampled(values, (None, *pieces)),
        f"{name}_stats": statistics(values, 1),
    }


def _packed(masks_NHW: Tensor) -> NDArray[np.uint8]:
    return np.packbits(masks_NHW.flatten(1).numpy(), axis=1)


def _token_margin(scores: NDArray[np.float32], queries: int) -> float:
    """Return the smallest gap of the ranking down to the first token left out; inf: no ranking."""
    told = np.sort(scores[np.isfinite(scores)].astype(np.float64))[::-1]
    return float(np.min(-np.diff(told[: queries + 1]))) if len(told) >= queries else math.inf


def _point_margins(values_hw: NDArray[np.float32], places: list[int]) -> NDArray[np.float64]:
    """Return by how much each choice was better than the second best, in float64."""
    height, width = values_hw.shape
    warmth = 1 / (1 + np.exp(-values_hw.astype(np.float64).ravel()))
    rows, columns = np.divmod(np.arange(height * width), width)
    nearest = np.full(height * width, np.inf)
    margins = []
    for step, place in enumerate(places):
        bonus = DISTANCE_WEIGHT * nearest / math.hypot(height, width) if step else 0.0
        scores = warmth + bonus
        scores[places[:step]] = -np.inf
        margins.append(scores[place] - np.delete(scores, place).max())
        nearest = np.minimum(nearest, np.hypot(rows - rows[place], columns - columns[place]))
    return np.array(margins)


@contextmanager
def recorded_stages(golden: GoldenModel) -> Iterator[dict[str, list[Any]]]:
    """Record what passes through the stages of the model while it runs."""
    model: Any = golden.model
    watched = {
        "layer": model.encoder.layers,
        "fused": [model.encoder],
        "level": model.segmenter.pyramid.levels,
        "join": model.segmenter.unet.joins,
    }
    with outputs_of(watched) as stages:
        yield stages


def _compare(
    name: str, expected: NDArray[Any], computed: NDArray[Any], tiny: bool, source: str
) -> Check:
    """Compare one array of a case by the measure that suits it."""
    allowed = TOLERANCES["tiny" if tiny else "full"]
    if expected.shape != computed.shape:
        return Check(source, name, math.inf, 0, "another shape")
    if name in _EXACT:
        return Check(source, name, float(not np.array_equal(expected, computed)), 0, "differ")
    if name.endswith("_packed"):
        flipped = np.unpackbits(expected ^ computed, axis=1).sum(1).max()
        pixels = allowed.pixels_of(8 * expected.shape[1])
        return Check(source, name, float(flipped), pixels, "pixels")
    if name == "point_margin":
        return Check(source, name, _largest(expected, computed), _MARGIN, "absolute")
    if name in _SHARES:
        # A pixel more or less of the smallest picture that a mask may have.
        share = max(allowed.pixels / 160**2, allowed.pixel_share)
        return Check(source, name, _largest(expected, computed), share, "absolute")
    if name in _SCALARS:
        return Check(source, name, _largest(expected, computed), allowed.scalar, "absolute")
    if name in _BY_ROW:
        error = worst_relative(expected, computed, _BY_ROW[name])
        return Check(source, name, error, allowed.relative, "relative")
    return Check(source, name, relative(expected, computed), allowed.relative, "relative")


def _largest(expected: NDArray[Any], computed: NDArray[Any]) -> float:
    """Return the largest difference; what is not finite must be the same in both."""
    finite = np.isfinite(expected)
    if not np.array_equal(expected[~finite], computed[~finite], equal_nan=True):
        return math.inf
    differences = np.abs(expected[finite] - computed[finite])
    return float(differences.max(initial=0.0))
