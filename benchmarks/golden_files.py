"""Compare losses, metrics and preprocessing with golden files; what a file is shows inside."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.golden import (
    Arrays,
    Check,
    load_arrays,
    relative,
    statistics,
    uncompared,
    worst_relative,
)
from benchmarks.golden_cases import read_image
from evf_sam_ros.evaluation.metrics import SegmentationMetrics
from evf_sam_ros.models.image_input import ImageInput, beit3_input, efficient_sam_input, sam_input
from evf_sam_ros.perception.preprocess import fusion_input, resized, segmenter_input
from evf_sam_ros.training.losses import mask_bce, mask_dice, mean_over_masks

TOLERANCE = 1e-6
RELATIVE = 2e-5
ONE_GREY_LEVEL = 1.0  # torch's uint8 bilinear rounds differently on other CPUs


def check_file(path: Path) -> list[Check]:
    """Compare one file of losses, metrics or preprocessing, whichever it holds."""
    arrays = load_arrays(path)
    for mark, check in _KINDS.items():
        if mark in arrays:
            checks = check(arrays, path)
            done = {part for each in checks for part in each.name.split(" ")}
            return checks + uncompared(path.name, arrays.keys() - done)
    raise ValueError(f"{path} holds neither losses, metrics nor preprocessing")


def _check_losses(arrays: Arrays, path: Path) -> list[Check]:
    checks, counts = [], []
    per_image: dict[str, list[Tensor]] = {"bce": [], "dice": []}
    for i in range(_count(arrays, "logits_")):
        targets = torch.from_numpy(arrays[f"targets_{i}"])
        counts.append(len(targets))
        inputs = f"logits_{i} targets_{i} num_masks_{i}"
        wrong = float(len(targets) != arrays[f"num_masks_{i}"])
        checks.append(Check(path.name, inputs, wrong, 0, "differ"))
        for name, loss_of in (("bce", mask_bce), ("dice", mask_dice)):
            logits = torch.from_numpy(arrays[f"logits_{i}"]).requires_grad_()
            loss = loss_of(logits, targets)
            (gradient,) = torch.autograd.grad(loss, logits)
            per_image[name].append(loss.detach())
            key = f"{name}_{i}"
            checks.append(_scalar(path, key, arrays[key], loss.item()))
            error = relative(arrays[f"grad_{key}"], gradient.numpy())
            checks.append(Check(path.name, f"grad_{key}", error, TOLERANCE, "relative"))
    for name, losses in per_image.items():
        key = f"combined_{name}_weight1"
        combined = mean_over_masks(losses, counts).item()
        checks.append(_scalar(path, key, arrays[key], combined))
    return checks


def _check_metrics(arrays: Arrays, path: Path) -> list[Check]:
    metrics = SegmentationMetrics()
    checks, images = [], []
    for k in range(int(arrays["num_images"])):
        predicted, truth = arrays[f"pred_logits_{k}"] > 0, arrays[f"gt_{k}"] > 0
        for predicted_hw, truth_hw in zip(predicted, truth, strict=True):
            metrics.add_masks(predicted_hw, truth_hw)
            images.append(k)
        checks.append(Check(path.name, f"pred_logits_{k} gt_{k}", 0, 0, "read"))
    samples = metrics.samples
    rows = np.array(
        [
            (k, sample.intersection, sample.union, sample.iou)
            for k, sample in zip(images, samples, strict=True)
        ]
    )
    key = "per_sentence_image_inter_union_iou"
    error = float(np.abs(rows - arrays[key]).max())
    checks.append(Check(path.name, key, error, TOLERANCE, "absolute"))
    # The reference divides by a little more than the number of sentences.
    shrunk = (metrics.miou or 0.0) * len(samples) / (len(samples) + 1e-5)
    figures = {
        "ciou": metrics.ciou,
        "giou_before_all_reduce": metrics.miou,
        "giou": shrunk,
        "num_sentences": len(samples),
        "num_images": len(set(images)),
    }
    return checks + [
        _scalar(path, key, arrays[key], float(value or 0.0)) for key, value in figures.items()
    ]


def _check_preprocess(arrays: Arrays, path: Path) -> list[Check]:
    checks = []
    for i in range(int(arrays["count"])):
        image_rgb = _image(str(arrays[f"name_{i}"]), path)
        size = arrays[f"orig_size_{i}"]
        wrong = float(tuple(size) != image_rgb.shape[:2])
        checks.append(Check(path.name, f"name_{i} orig_size_{i} count", wrong, 0, "differ"))
        checks += _check_pictures(arrays, path, i, image_rgb)
    return checks


def _check_pictures(
    arrays: Arrays, path: Path, i: int, image_rgb: NDArray[np.uint8]
) -> list[Check]:
    dataset = replace(efficient_sam_input(), resize="stretch")
    fusion = fusion_input(image_rgb, beit3_input())
    own = {
        **_pictures("ori", image_rgb, sam_input()),
        **_pictures("stretch", image_rgb, efficient_sam_input()),
        **_pictures("dataset_stretch", image_rgb, dataset),
        "beit_sub": fusion[:, ::9, ::9].numpy(),
        "beit_stats": statistics(fusion, 1),
    }
    checks = []
    for name, computed in own.items():
        key = f"{name}_{i}"
        if key in arrays:
            checks.append(_picture_check(path, key, arrays[key], computed))
    return checks


def _pictures(prefix: str, image_rgb: NDArray[np.uint8], spec: ImageInput) -> Arrays:
    pixels = resized(image_rgb, spec)
    image, size = segmenter_input(image_rgb, spec)
    return {
        f"{prefix}_resized_size": np.array(size),
        f"{prefix}_uint8_sub": pixels[:, ::29, ::29].numpy(),
        f"{prefix}_sub": image[:, ::37, ::37].numpy(),
        f"{prefix}_stats": statistics(image, 1),
    }


def _picture_check(path: Path, key: str, expected: NDArray[Any], computed: NDArray[Any]) -> Check:
    if "_uint8_sub_" not in key:
        return Check(path.name, key, worst_relative(expected, computed), RELATIVE, "relative")
    if expected.shape != computed.shape:
        return Check(path.name, key, np.inf, 0, "another shape")
    levels = float(np.abs(expected.astype(int) - computed).max())
    allowed = ONE_GREY_LEVEL if key.startswith("stretch") else 0
    return Check(path.name, key, levels, allowed, "grey levels")


def _image(name: str, path: Path) -> NDArray[np.uint8]:
    if not name.startswith("synthetic:"):
        return read_image(path, name)
    height, width = (int(side) for side in name.removeprefix("synthetic:").split("x"))
    y, x, c = np.ogrid[:height, :width, :3]
    pattern: NDArray[np.uint8] = (((7 * x + 13 * y + 50 * c) ^ ((x * y) >> 5)) & 255).astype(
        np.uint8
    )
    return pattern


def _scalar(path: Path, key: str, expected: NDArray[Any], computed: float) -> Check:
    error = abs(float(expected) - computed) / max(1.0, abs(float(expected)))
    return Check(path.name, key, error, TOLERANCE, "absolute")


def _count(arrays: Arrays, prefix: str) -> int:
    return sum(name.startswith(prefix) for name in arrays)


_KINDS = {
    "pred_logits_0": _check_metrics,
    "logits_0": _check_losses,
    "ori_resized_size_0": _check_preprocess,
}
