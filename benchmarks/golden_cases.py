"""Run the cases of a golden folder through our model and compare every recorded stage."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

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
from evf_sam_ros.models.sam2 import Sam2
from evf_sam_ros.models.segmenter import Decoded
from evf_sam_ros.perception.preprocess import fusion_input, restore, segmenter_input

PAD = 1  # token id
TINY_RELATIVE, FULL_RELATIVE = 2e-5, 1e-4
TINY_PIXELS, FULL_PIXEL_SHARE = 5, 5e-4
TINY_SCALAR, FULL_SCALAR = 1e-5, 1e-4


@dataclass(frozen=True)
class Tolerance:
    """Largest distance of a stage from its recording."""

    relative: float
    scalar: float  # absolute
    pixels: float  # so many, or
    pixel_share: float  # that part of a mask

    def pixels_of(self, mask: int) -> float:
        """Return how many pixels of a mask of so many may differ."""
        return max(self.pixels, self.pixel_share * mask)


TOLERANCES = {
    "tiny": Tolerance(TINY_RELATIVE, TINY_SCALAR, TINY_PIXELS, 0.0),
    "full": Tolerance(FULL_RELATIVE, FULL_SCALAR, 0, FULL_PIXEL_SHARE),
}
_GIVEN = ("input_ids", "attention_mask", "orig_size", "resized_size")
_EXACT = (*_GIVEN, "selected_mask")


def check_case(
    golden: GoldenModel, case: dict[str, Any], dtype: torch.dtype = torch.float32
) -> list[Check]:
    """Compare one case; every array of its file gets a check.

    Half precision (by autocast, as the predictor has it) is measured, not judged.
    """
    expected = load_arrays(golden.folder / case["file"])
    computed = compute_case(golden, case, dtype)
    checks = [
        compare(name, expected[name], computed[name], golden.is_tiny, case["file"], expected)
        for name in expected
        if name in computed
    ]
    if dtype != torch.float32:
        checks = [c if c.name in _GIVEN else replace(c, tolerance=math.inf) for c in checks]
    return checks + uncompared(case["file"], expected.keys() - computed.keys())


def compute_case(golden: GoldenModel, case: dict[str, Any], dtype: torch.dtype) -> Arrays:
    """Run a case and return what the golden file may hold, under its names."""
    device = next(golden.model.parameters()).device
    image_rgb = read_image(golden.folder, case["image"])
    original = (image_rgb.shape[0], image_rgb.shape[1])
    image, resized = segmenter_input(image_rgb, golden.config.image_input)
    fusion = fusion_input(image_rgb, golden.config.fusion_input)
    tokens_1PL = padded_tokens(case["prompts"])[None]
    inputs = (fusion[None], image[None], tokens_1PL, tokens_1PL == PAD)
    with (
        torch.inference_mode(),
        torch.autocast(device.type, dtype, enabled=dtype != torch.float32),
        recorded(golden) as stages,
    ):
        decoded = plain(golden.model(*(tensor.to(device) for tensor in inputs)))
    logits = restore(decoded.logits[0], golden.config.image_input, resized, original)
    return {
        "input_ids": tokens_1PL[0].numpy(),
        "attention_mask": (tokens_1PL[0] != PAD).numpy(),
        "orig_size": np.array(original),
        "resized_size": np.array(resized),
        **_inputs(image, fusion),
        **_stages(stages, golden),
        **_results(decoded, logits),
        **_sam2_results(stages, golden),
    }


def _inputs(image: Tensor, fusion: Tensor) -> Arrays:
    return {
        "sam_input_sub": subsampled(image, (None, 32, 32)),
        "sam_input_stats": statistics(image, 1),
        "beit_input_sub": subsampled(fusion, (None, 28, 28)),
        "beit_input_stats": statistics(fusion, 1),
    }


def _stages(stages: dict[str, list[Any]], golden: GoldenModel) -> Arrays:
    first_text = golden.config.encoder.patches + 1
    layers_YNTD = torch.stack(stages["layer"])
    image_embed, (fused_NTD,) = _image_embedding(stages), stages["fused"]
    (cls_1ND,), (prompt_1NC,) = stages["cls"], stages["prompt"]
    return {
        "enc_block_stats": np.stack([statistics(block) for block in stages["block"]]),
        "image_embed_sub": subsampled(image_embed[0], (16, 16, 16)),
        "image_embed_stats": statistics(image_embed),
        "beit_layer_cls8": layers_YNTD[:, :, 0, :8].numpy(),
        "beit_layer_bos8": layers_YNTD[:, :, first_text, :8].numpy(),
        "beit_out_sub": subsampled(fused_NTD, (None, 24, 32)),
        "beit_out_stats": statistics(fused_NTD),
        "cls_feature": cls_1ND[0].numpy(),
        "prompt_embed": prompt_1NC[0].numpy(),
    }


def _results(decoded: Decoded, logits_NHW: Tensor) -> Arrays:
    masks_NK = (logits_NHW > 0).flatten(1).numpy()
    side = min(logits_NHW.shape[1:])
    step = max(1, side // 40)
    return {
        "low_res_logits": decoded.logits[0][:, None].numpy(),
        "iou_pred": decoded.predicted_iou[0][:, None].numpy(),
        "final_logits_sub": logits_NHW[:, ::step, ::step].numpy(),
        "final_logits_stats": statistics(logits_NHW, 1),
        "final_mask_packed": np.packbits(masks_NK, axis=1),
        "final_positive_fraction": masks_NK.mean(1),
    }


def _image_embedding(stages: dict[str, list[Any]]) -> Tensor:
    """Return what the mask decoder reads, (1, C, h, w)."""
    if "candidates" in stages:
        return stages["decoder_input"][0].grid_BChw[:1]
    (image_embed,) = stages["image_embed"]
    return image_embed


def _sam2_results(stages: dict[str, list[Any]], golden: GoldenModel) -> Arrays:
    """Return what only SAM-2 has, and all three masks that it chooses from."""
    if "candidates" not in stages:
        return {}
    (features,), (candidates,) = stages["decoder_input"], stages["candidates"]
    fine = {"high_res_s0": features.quarter_BChw[0], "high_res_s1": features.eighth_BChw[0]}
    chosen: Any = golden.model.segmenter.chosen
    return {
        **{f"{name}_sub": subsampled(values, (8, 16, 16)) for name, values in fine.items()},
        **{f"{name}_stats": statistics(values) for name, values in fine.items()},
        "low_res_logits": candidates.logits_NMhw[:, 1:].numpy(),
        "iou_pred": candidates.iou_NM[:, 1:].numpy(),
        "object_score_logits": candidates.presence_N[:, None].numpy(),
        "selected_mask": chosen(candidates).numpy() - 1,
    }


@contextmanager
def outputs_of(watched: Mapping[str, Iterable[nn.Module]]) -> Iterator[dict[str, list[Any]]]:
    """Record the outputs of some modules by name, one after the other, while a model runs."""
    stages: dict[str, list[Any]] = {}

    def keep(stage: str) -> Callable[[Any, Any, Any], None]:
        return lambda _module, _inputs, output: stages.setdefault(stage, []).append(plain(output))

    with ExitStack() as hooks:
        for stage, modules in watched.items():
            for module in modules:
                hooks.callback(module.register_forward_hook(keep(stage)).remove)
        yield stages


def plain(values: Any) -> Any:
    """Return tensors, also those in lists and dataclasses, on the CPU, floats as float32."""
    if isinstance(values, Tensor):
        return values.cpu().float() if values.is_floating_point() else values.cpu()
    if isinstance(values, list):
        return [plain(value) for value in values]
    if is_dataclass(values) and not isinstance(values, type):
        return replace(values, **{name: plain(value) for name, value in vars(values).items()})
    return values


@contextmanager
def recorded(golden: GoldenModel) -> Iterator[dict[str, list[Any]]]:
    """Record what passes through the stages of the model while it runs."""
    stages: dict[str, list[Any]] = {}
    model = golden.model

    def output_of(stage: str) -> Callable[[nn.Module, Any, Any], None]:
        return lambda _module, _inputs, output: stages.setdefault(stage, []).append(plain(output))

    def input_of(stage: str) -> Callable[[nn.Module, Any], None]:
        return lambda _module, inputs: stages.setdefault(stage, []).append(plain(inputs[0]))

    with ExitStack() as hooks:
        image_encoder: Any = model.segmenter.image_encoder
        for block in getattr(image_encoder, "trunk", image_encoder).blocks:
            hooks.callback(block.register_forward_hook(output_of("block")).remove)
        for layer in model.encoder.layers:
            hooks.callback(layer.register_forward_hook(output_of("layer")).remove)
        hooks.callback(image_encoder.register_forward_hook(output_of("image_embed")).remove)
        hooks.callback(model.encoder.register_forward_hook(output_of("fused")).remove)
        hooks.callback(model.projector.register_forward_pre_hook(input_of("cls")).remove)
        hooks.callback(model.projector.register_forward_hook(output_of("prompt")).remove)
        if isinstance(model.segmenter, Sam2):
            decoder = model.segmenter.mask_decoder
            hooks.callback(decoder.register_forward_pre_hook(input_of("decoder_input")).remove)
            hooks.callback(decoder.register_forward_hook(output_of("candidates")).remove)
        yield stages


def compare(
    name: str,
    expected: NDArray[Any],
    computed: NDArray[Any],
    tiny: bool,
    source: str,
    case: Arrays,
) -> Check:
    """Compare one array of a case by the measure that suits it."""
    tolerance = TINY_RELATIVE if tiny else FULL_RELATIVE
    if name in _EXACT:
        return Check(source, name, float(not np.array_equal(expected, computed)), 0, "differ")
    if name == "final_mask_packed":
        return _mask_check(expected, computed, tiny, source, case)
    if name == "final_positive_fraction":
        pixels = float(np.prod(case["orig_size"]))
        share = TINY_PIXELS / pixels if tiny else FULL_PIXEL_SHARE
        return Check(source, name, _largest(expected, computed), share, "absolute")
    # A few numbers of order one, any of which may be near zero.
    if name in ("iou_pred", "object_score_logits"):
        allowed = TINY_SCALAR if tiny else FULL_SCALAR
        return Check(source, name, _largest(expected, computed), allowed, "absolute")
    if name in ("enc_block_stats", "beit_layer_cls8", "beit_layer_bos8", "final_logits_stats"):
        return Check(source, name, worst_relative(expected, computed), tolerance, "relative")
    return Check(source, name, relative(expected, computed), tolerance, "relative")


def _mask_check(
    expected: NDArray[np.uint8],
    computed: NDArray[np.uint8],
    tiny: bool,
    source: str,
    case: Arrays,
) -> Check:
    name = "final_mask_packed"
    if expected.shape != computed.shape:
        return Check(source, name, math.inf, 0, "another shape")
    flipped = np.unpackbits(expected ^ computed, axis=1).sum(1).max()
    if tiny:
        return Check(source, name, float(flipped), TINY_PIXELS, "pixels")
    pixels = float(np.prod(case["orig_size"]))
    return Check(source, name, float(flipped) / pixels, FULL_PIXEL_SHARE, "share")


def _largest(expected: NDArray[Any], computed: NDArray[Any]) -> float:
    if expected.shape != computed.shape:
        return math.inf
    return float(np.abs(expected - computed).max())


def padded_tokens(prompts: list[list[int]]) -> Tensor:
    """Return token ids (P, L), the shorter rows filled up on the right."""
    longest = max(len(prompt) for prompt in prompts)
    return torch.tensor([prompt + [PAD] * (longest - len(prompt)) for prompt in prompts])


def read_image(folder: Path, name: str) -> NDArray[np.uint8]:
    """Read an image named by a manifest, (H, W, 3) RGB."""
    for base in (folder.parent, folder):
        if (base / name).is_file():
            return np.asarray(Image.open(base / name).convert("RGB"))
    raise ValueError(f"{folder} names {name!r}, but it is neither there nor beside the folder")
