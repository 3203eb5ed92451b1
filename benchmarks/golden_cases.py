"""Run the cases of a golden folder through our model and compare every recorded stage."""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
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
from evf_sam_ros.training.losses import mask_losses

PAD = 1  # token id
TINY_RELATIVE, FULL_RELATIVE = 2e-5, 1e-4
TINY_PIXELS, FULL_PIXEL_SHARE = 5, 5e-4
TINY_SCALAR, FULL_SCALAR = 1e-5, 1e-4
GRADIENT = 1e-4
_EXACT = ("input_ids", "attention_mask", "orig_size", "resized_size", "selected_mask")
ROUNDING = 1e-7  # smaller gradient norms are zero but for rounding: biases of keys


def check_folder(golden: GoldenModel) -> list[Check]:
    """Compare everything in a golden folder."""
    checks = [golden.weights]
    files = set()
    for case in golden.manifest["cases"]:
        checks += check_case(golden, case)
        files.add(case["file"])
    if train := golden.manifest.get("train"):
        checks += check_training(golden, train)
        files.add(train["file"])
    present = {path.name for path in golden.folder.glob("*.npz")}
    return checks + uncompared("folder", present - files)


def check_case(golden: GoldenModel, case: dict[str, Any]) -> list[Check]:
    """Compare one case; every array of its file gets a check."""
    expected = load_arrays(golden.folder / case["file"])
    computed = compute_case(golden, case)
    checks = [
        compare(name, expected[name], computed[name], golden.is_tiny, case["file"], expected)
        for name in expected
        if name in computed
    ]
    return checks + uncompared(case["file"], expected.keys() - computed.keys())


def compute_case(golden: GoldenModel, case: dict[str, Any]) -> Arrays:
    """Run a case and return what the golden file may hold, under its names."""
    image_rgb = read_image(golden.folder, case["image"])
    original = (image_rgb.shape[0], image_rgb.shape[1])
    image, resized = segmenter_input(image_rgb, golden.config.image_input)
    fusion = fusion_input(image_rgb, golden.config.fusion_input)
    tokens_1PL = padded_tokens(case["prompts"])[None]
    with torch.inference_mode(), recorded(golden) as stages:
        decoded = golden.model(fusion[None], image[None], tokens_1PL, tokens_1PL == PAD)
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
def recorded(golden: GoldenModel) -> Iterator[dict[str, list[Any]]]:
    """Record what passes through the stages of the model while it runs."""
    stages: dict[str, list[Any]] = {}
    model = golden.model

    def output_of(stage: str) -> Callable[[nn.Module, Any, Any], None]:
        return lambda _module, _inputs, output: stages.setdefault(stage, []).append(output)

    def input_of(stage: str) -> Callable[[nn.Module, Any], None]:
        return lambda _module, inputs: stages.setdefault(stage, []).append(inputs[0])

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


def check_training(golden: GoldenModel, train: dict[str, Any]) -> list[Check]:
    """Compare losses and gradients of one training step; leaves the model as it was."""
    expected = load_arrays(golden.folder / train["file"])
    trainable = trainable_parameters(golden.model, train["trainable_flags"])
    logits, targets = [], []
    checks = _token_checks(expected, train)
    for index, item in enumerate(train["images"]):
        image_rgb = read_image(golden.folder, item["image"])
        rows = expected["input_ids"][expected["offset"][index] : expected["offset"][index + 1]]
        logits_KHW = training_logits(golden, image_rgb, torch.from_numpy(rows))
        packed = expected[f"gt_masks_{index}_packed"]
        bits = np.unpackbits(packed, axis=1)[:, : logits_KHW[0].numel()]
        logits.append(logits_KHW)
        targets.append(torch.from_numpy(bits).view(logits_KHW.shape))
    losses = mask_losses(
        logits,
        targets,
        bce_weight=train["bce_loss_weight"],
        dice_weight=train["dice_loss_weight"],
    )
    gradients = torch.autograd.grad(losses.total, list(trainable.values()), allow_unused=True)
    for name, value in (
        ("loss", losses.total),
        ("mask_bce_loss", losses.bce),
        ("mask_dice_loss", losses.dice),
    ):
        error = relative(expected[name], np.array(value.item()))
        checks.append(Check(train["file"], name, error, TINY_RELATIVE, "relative"))
    names = golden.released_names()
    by_key = {names[name]: value for name, value in zip(trainable, gradients, strict=True)}
    checks += _gradient_checks(expected, by_key, train["file"])
    known = {check.name for check in checks}
    known |= {f"gt_masks_{index}_packed" for index in range(len(train["images"]))}
    return checks + uncompared(train["file"], expected.keys() - known)


def training_logits(
    golden: GoldenModel, image_rgb: NDArray[np.uint8], tokens_KL: Tensor
) -> Tensor:
    """Return mask logits (K, H, W) at the image's size, with gradients."""
    spec = golden.config.image_input
    image, resized = segmenter_input(image_rgb, spec)
    fusion = fusion_input(image_rgb, golden.config.fusion_input)
    tokens_1KL = tokens_KL[None]
    decoded = golden.model(fusion[None], image[None], tokens_1KL, tokens_1KL == PAD)
    return restore(decoded.logits[0], spec, resized, (image_rgb.shape[0], image_rgb.shape[1]))


def trainable_parameters(model: nn.Module, flags: dict[str, bool]) -> dict[str, nn.Parameter]:
    """Return what the published training adjusts: all but the segmenter, and parts of that."""
    prefixes = ["encoder.", "projector."]
    if flags.get("train_mask_decoder"):
        prefixes.append("segmenter.mask_decoder.")
    if flags.get("train_prompt_encoder"):
        prefixes.append("segmenter.prompt_encoder.no_mask_embed.")
    return {
        name: parameter
        for name, parameter in model.named_parameters()
        if name.startswith(tuple(prefixes))
    }


def _token_checks(expected: Arrays, train: dict[str, Any]) -> list[Check]:
    prompts = [prompt for item in train["images"] for prompt in item["prompts"]]
    offset = np.cumsum([0] + [len(item["prompts"]) for item in train["images"]])
    own = {"input_ids": padded_tokens(prompts).numpy(), "offset": offset}
    return [
        Check(train["file"], name, float(not np.array_equal(expected[name], value)), 0, "differ")
        for name, value in own.items()
    ]


def _gradient_checks(
    expected: Arrays, gradients: Mapping[str, Tensor | None], source: str
) -> list[Check]:
    keys = [str(key) for key in expected["grad_keys"]]
    strangers = len(set(keys) ^ gradients.keys())
    checks = [Check(source, "grad_keys", strangers, 0, "differ")]
    if strangers:
        return checks
    norms = np.array([_norm(gradients[key]) for key in keys])
    firsts = np.stack([_first4(gradients[key]) for key in keys])
    known_norms = expected["grad_norms"]
    absent = int((np.isnan(known_norms) != np.isnan(norms)).sum())
    checks.append(Check(source, "grad_norms: none at all", absent, 0, "differ"))
    still = norms[known_norms == 0].max(initial=0)
    checks.append(Check(source, "grad_norms: exactly zero", still, 0, "absolute"))
    rounded = norms[(known_norms > 0) & (known_norms <= ROUNDING)].max(initial=0)
    checks.append(Check(source, "grad_norms: rounding", rounded, ROUNDING, "absolute"))
    moved = known_norms > ROUNDING
    size = known_norms[moved]
    norm_error = (np.abs(norms[moved] - size) / size).max(initial=0)
    checks.append(Check(source, "grad_norms", norm_error, GRADIENT, "relative"))
    known_firsts = np.nan_to_num(expected["grad_first4"])[moved]
    first_error = np.linalg.norm(known_firsts - np.nan_to_num(firsts)[moved], axis=1) / size
    checks.append(Check(source, "grad_first4", first_error.max(initial=0), GRADIENT, "of norm"))
    return checks


def _norm(gradient: Tensor | None) -> float:
    return math.nan if gradient is None else float(gradient.double().norm())


def _first4(gradient: Tensor | None) -> NDArray[np.float64]:
    values = np.full(4, np.nan)
    if gradient is not None:
        first = gradient.flatten()[:4].double().numpy()
        values[: len(first)] = first
    return values


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
