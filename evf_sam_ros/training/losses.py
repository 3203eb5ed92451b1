"""The paper's mask losses: pure functions of logits and targets.

Shape suffixes: K masks of one image, H W their size. Every mask counts the same, whichever
image it belongs to.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

_EMPTY = 1e-8  # keeps the mean over no masks at zero
_DICE_SCALE = 1000.0  # of the reference: makes _DICE_SMOOTHING count as 1e-3 pixels
_DICE_SMOOTHING = 1e-6


@dataclass(frozen=True)
class MaskLosses:
    """Losses of a batch: scalars; `bce` and `dice` are weighted already."""

    total: Tensor
    bce: Tensor
    dice: Tensor


def mask_losses(
    logits: Sequence[Tensor],
    targets: Sequence[Tensor],
    *,
    bce_weight: float,
    dice_weight: float,
) -> MaskLosses:
    """Combine the losses of several images, each with (K, H, W) of its own."""
    if len(logits) != len(targets):
        raise ValueError(f"logits of {len(logits)} images, but targets of {len(targets)}")
    counts = [len(masks_KHW) for masks_KHW in logits]
    pairs = list(zip(logits, targets, strict=True))
    bce = bce_weight * mean_over_masks([mask_bce(*pair) for pair in pairs], counts)
    dice = dice_weight * mean_over_masks([mask_dice(*pair) for pair in pairs], counts)
    return MaskLosses(bce + dice, bce, dice)


def mean_over_masks(losses: Sequence[Tensor], counts: Sequence[int]) -> Tensor:
    """Average per-image losses, an image with K masks counting K times."""
    weighted = torch.stack([loss * count for loss, count in zip(losses, counts, strict=True)])
    return weighted.sum() / (sum(counts) + _EMPTY)


def mask_bce(logits_KHW: Tensor, targets_KHW: Tensor) -> Tensor:
    """Binary cross-entropy: mean over pixels, then over masks. Targets are 0 or 1."""
    targets_KHW = _like(targets_KHW, logits_KHW)
    losses_KHW = functional.binary_cross_entropy_with_logits(
        logits_KHW, targets_KHW, reduction="none"
    )
    return losses_KHW.flatten(1).mean(1).sum() / (len(logits_KHW) + _EMPTY)


def mask_dice(logits_KHW: Tensor, targets_KHW: Tensor) -> Tensor:
    """Dice loss per mask, 0 (perfect) to 1, then the mean over masks. Targets are 0 or 1."""
    targets_KN = _like(targets_KHW, logits_KHW).flatten(1)
    scaled_KN = logits_KHW.sigmoid().flatten(1) / _DICE_SCALE
    overlap_K = 2 * (scaled_KN * targets_KN).sum(1)
    total_K = scaled_KN.sum(1) + (targets_KN / _DICE_SCALE).sum(1)
    dice_K = 1 - (overlap_K + _DICE_SMOOTHING) / (total_K + _DICE_SMOOTHING)
    return dice_K.sum() / (len(logits_KHW) + _EMPTY)


def _like(targets_KHW: Tensor, logits_KHW: Tensor) -> Tensor:
    if targets_KHW.shape != logits_KHW.shape:
        raise ValueError(
            f"targets are {tuple(targets_KHW.shape)}, but logits {tuple(logits_KHW.shape)}"
        )
    return targets_KHW.to(logits_KHW.dtype)
