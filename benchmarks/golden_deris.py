"""Run the cases of a DeRIS golden folder through our model and compare every recorded stage.

All prompts of a case run as one batch, whichever way the reference ran them.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
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
from evf_sam_ros.models.deris.query_segmenter import DerisAnswer, selected
from evf_sam_ros.models.segmenter import Decoded
from evf_sam_ros.perception.preprocess import resized, segmenter_input

_GIVEN = ("input_ids", "attention_mask", "orig_size")
_EXACT = (*_GIVEN, "hier_uint8_sub", "beit_uint8_sub", "selected", "not_found")
# A few numbers of order one or less, any of which may be near zero.
_SCALARS = (
    "refer_score", "existence_logit", "step_attention_margin", "step_boxes", "step_object_logits",
    "step_refer_logits",
)  # fmt: skip
_BY_ROW = {  # how many leading axes are judged row by row
    "swin_block_stats": 1,
    "pixel_layer_stats": 1,
    "beit_layer_cls8": 1,
    "beit_layer_bos8": 1,
    "step_mask_sub": 2,
    "step_mask_stats": 2,
    "low_res_logits_stats": 2,
}
_LESS_THAN_A_PLACE = 1e-4  # of a share of at most 48 x 48 places


def check_deris_case(
    golden: GoldenModel, case: dict[str, Any], dtype: torch.dtype = torch.float32
) -> list[Check]:
    """Compare one case; every array of its file gets a check.

    Half precision is measured, not judged.
    """
    expected = load_arrays(golden.folder / case["file"])
    computed = compute_deris_case(golden, case, dtype)
    checks = [
        _compare(name, expected[name], computed[name], golden.is_tiny, case["file"])
        for name in expected
        if name in computed
    ]
    if dtype != torch.float32:
        checks = [c if c.name in _GIVEN else replace(c, tolerance=math.inf) for c in checks]
    return checks + uncompared(case["file"], expected.keys() - computed.keys())


def compute_deris_case(golden: GoldenModel, case: dict[str, Any], dtype: torch.dtype) -> Arrays:
    """Run a case and return what the golden file may hold, under its names."""
    model: Any = golden.model
    device = next(model.parameters()).device
    image_rgb = read_image(golden.folder, case["image"])
    original = (image_rgb.shape[0], image_rgb.shape[1])
    image, _ = segmenter_input(image_rgb, golden.config.image_input)
    fusion, _ = segmenter_input(image_rgb, golden.config.fusion_input)
    tokens_1PL = padded_tokens(case["prompts"])[None]
    padding_1PL = tokens_1PL == PAD
    segmenter = model.segmenter
    segmenter.config = replace(segmenter.config, score_threshold=case["score_threshold"])
    with (
        torch.inference_mode(),
        torch.autocast(device.type, dtype, enabled=dtype != torch.float32),
        recorded_stages(golden) as stages,
    ):
        features = segmenter.encode(image[None].to(device))
        prompts = model.prompt(
            *(each.to(device) for each in (fusion[None], tokens_1PL, padding_1PL))
        )
        answer = plain(segmenter.answer(features, prompts))
        decoded = plain(segmenter.decode(features, prompts))
    stages["features"], stages["prompts"] = plain(features), plain(prompts)
    return {
        "input_ids": tokens_1PL[0].numpy(),
        "attention_mask": ~padding_1PL[0].numpy(),
        "orig_size": np.array(original),
        **_pictures("hier", resized(image_rgb, golden.config.image_input), image, 32),
        **_pictures("beit", resized(image_rgb, golden.config.fusion_input), fusion, 28),
        **_picture_stages(stages),
        **_word_stages(stages, ~padding_1PL[0], golden.config.encoder.patches + 1),
        **_steps(answer, features.levels),
        **_results(answer, decoded, case["score_threshold"], original),
        "understanding_queries_sub": subsampled(stages["existence"][0], (None, None, 32)),
    }


def _pictures(name: str, grey: Tensor, image: Tensor, pieces: int) -> Arrays:
    return {
        f"{name}_uint8_sub": subsampled(grey, (None, pieces, pieces)),
        f"{name}_input_sub": subsampled(image, (None, pieces, pieces)),
        f"{name}_input_stats": statistics(image, 1),
    }


def _picture_stages(stages: dict[str, Any]) -> Arrays:
    features, (swin,) = stages["features"], stages["swin"]
    grids = {f"swin_res{2 + stage}": grid[0] for stage, grid in enumerate(swin)}
    grids |= {f"scale{level}": grid[0] for level, grid in enumerate(features.levels)}
    grids["mask_features"] = features.mask_features_BChw[0]
    fused_NChw = stages["fused"][0]
    return {
        **{f"{name}_sub": subsampled(grid, (16, 16, 16)) for name, grid in grids.items()},
        **{f"{name}_stats": statistics(grid) for name, grid in grids.items()},
        "swin_block_stats": np.stack([statistics(block) for block in stages["block"]]),
        "pixel_layer_stats": np.stack([statistics(layer) for layer in stages["pixel_layer"]]),
        "fused_sub": subsampled(fused_NChw, (None, 16, 16, 16)),
        "fused_stats": statistics(fused_NChw, 1),
    }


def _word_stages(stages: dict[str, Any], told_NL: Tensor, split: int) -> Arrays:
    (tokens_NTD,), prompts = stages["fused_tokens"], stages["prompts"]
    layers_YNTD = torch.stack(stages["layer"])
    vision_NVD, rows = tokens_NTD[:, :split], torch.arange(len(tokens_NTD))
    last = told_NL.sum(1) - 1
    words_NLC, patches_NChw = prompts.words_BPLC[0], prompts.patches_BPChw[0]
    return {
        "beit_layer_cls8": layers_YNTD[:, :, 0, :8].numpy(),
        "beit_layer_bos8": layers_YNTD[:, :, split, :8].numpy(),
        "beit_vision_sub": subsampled(vision_NVD, (None, 24, 32)),
        "beit_vision_stats": statistics(vision_NVD, 1),
        "beit_bos": tokens_NTD[:, split].numpy(),
        "beit_eos": tokens_NTD[rows, split + last].numpy(),
        "img_feat_sub": subsampled(patches_NChw, (None, 16, 16, 16)),
        "img_feat_stats": statistics(patches_NChw, 1),
        "text_feat_bos": words_NLC[:, 0].numpy(),
        "text_feat_eos": words_NLC[rows, last].numpy(),
        "query_start_sub": subsampled(prompts.start_QC, (None, 32)),
    }


def _steps(answer: DerisAnswer, levels: list[Tensor]) -> Arrays:
    masks_SNQhw = torch.stack([step.masks_NQhw for step in answer.steps])
    # Where the next layer does not look; after the last step none follows, the first is named.
    sizes = [level.shape[2:] for level in [*levels, levels[0]]]
    at_level = [
        functional.interpolate(masks, size, mode="bilinear", align_corners=False)
        for masks, size in zip(masks_SNQhw, sizes, strict=True)
    ]
    steps = answer.steps
    return {
        "step_mask_sub": subsampled(masks_SNQhw, (None, None, None, 16, 16)),
        "step_mask_stats": statistics(masks_SNQhw, 2),
        "step_boxes": torch.stack([step.boxes_NQ4 for step in steps]).numpy(),
        "step_object_logits": torch.stack([step.classes_NQ2 for step in steps]).numpy(),
        "step_refer_logits": torch.stack([step.scores_NQ2 for step in steps]).numpy(),
        "step_refer_queries_sub": _some_channels([step.refer_NQC for step in steps]),
        "step_queries_sub": _some_channels([step.queries_NQC for step in steps]),
        "step_hidden_fraction": np.stack([(m < 0).float().mean((2, 3)).numpy() for m in at_level]),
        "step_attention_margin": np.stack([m.abs().amin((1, 2, 3)).numpy() for m in at_level]),
    }


def _some_channels(steps: list[Tensor]) -> NDArray[Any]:
    return subsampled(torch.stack(steps), (None, None, None, 32))


def _results(
    answer: DerisAnswer, decoded: Decoded, threshold: float, original: tuple[int, int]
) -> Arrays:
    assert decoded.presence is not None
    low_NQhw = answer.steps[-1].masks_NQhw
    found_N = decoded.presence[0] > 0
    merged_NHW = (decoded.logits[0] >= 0) & found_N[:, None, None]
    final_NHW = functional.interpolate(merged_NHW[None].float(), original, mode="nearest")[0]
    return {
        "low_res_logits_sub": subsampled(low_NQhw, (None, None, 24, 24)),
        "low_res_logits_stats": statistics(low_NQhw, 2),
        "up_logits_sub": subsampled(answer.masks_NQHW, (None, None, 32, 32)),
        "refer_score": answer.scores_NQ.numpy(),
        "selected": selected(answer.scores_NQ, threshold).numpy(),
        "not_found": ~found_N.numpy(),
        "existence_logit": answer.existence_N[:, None].numpy(),
        "merged_mask_packed": np.packbits(merged_NHW.flatten(1).numpy(), axis=1),
        "final_mask_packed": np.packbits(final_NHW.flatten(1).numpy() > 0, axis=1),
        "final_positive_fraction": final_NHW.double().mean((1, 2)).numpy(),
    }


@contextmanager
def recorded_stages(golden: GoldenModel) -> Iterator[dict[str, Any]]:
    """Record what passes through the stages of the model while it runs."""
    model: Any = golden.model
    picture = model.segmenter.picture
    watched = {
        "swin": [picture.swin],
        "block": [block for layer in picture.swin.layers for block in layer.blocks],
        "pixel_layer": picture.pixels.layers,
        "layer": model.encoder.layers,
        "fused_tokens": [model.encoder],
        "fused": [model.segmenter.decoder.fuse],
        "existence": [model.segmenter.existence.norm],
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
    largest = float(np.abs(expected - computed).max())
    if name in ("step_hidden_fraction", "final_positive_fraction"):
        return Check(source, name, largest, _LESS_THAN_A_PLACE, "absolute")
    if name in _SCALARS:
        return Check(source, name, largest, allowed.scalar, "absolute")
    if name in _BY_ROW:
        error = worst_relative(expected, computed, _BY_ROW[name])
        return Check(source, name, error, allowed.relative, "relative")
    return Check(source, name, relative(expected, computed), allowed.relative, "relative")
