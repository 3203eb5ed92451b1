"""One training step of a golden folder: its losses and gradients beside ours."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from benchmarks.golden import Arrays, Check, GoldenModel, load_arrays, relative, uncompared
from benchmarks.golden_cases import PAD, TINY_RELATIVE, padded_tokens, read_image
from evf_sam_ros.perception.preprocess import fusion_input, restore, segmenter_input
from evf_sam_ros.training.losses import mask_losses

GRADIENT = 1e-4
ROUNDING = 1e-7  # smaller gradient norms are zero but for rounding: biases of keys


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
