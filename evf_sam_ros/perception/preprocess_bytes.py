"""Resize byte images in whole numbers, bit for bit as Pillow and torch's CPU kernel do.

Both resize along one side, round to bytes, then along the other: sums of pixels times whole-number
weights, shifted. A sum of whole numbers is the same on every device: a GPU's picture is the one
that a CPU would have made.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

Size = tuple[int, int]  # (height, width), pixels
# antialiased  Pillow's BILINEAR
# sampled      torch's `interpolate(mode="bilinear")` of uint8 on a CPU
ByteResize = Literal["antialiased", "sampled"]

_PILLOW_BITS = 22
_TORCH_MOST_BITS = 15  # its weights are 16 bits with a sign


@dataclass(frozen=True)
class Taps:
    """What each of N output pixels is made of: K inputs and their weights."""

    places_KN: NDArray[np.int64]
    weights_KN: NDArray[np.int64]  # times 2 ** bits
    bits: int


@dataclass(frozen=True)
class DeviceTaps:
    """`Taps` where the pixels are."""

    places: Tensor  # (K * N,)
    weights_KN: Tensor  # int32
    bits: int


def resize_bytes(pixels_3hw: Tensor, size: Size, kind: ByteResize) -> Tensor:
    """Return uint8 pixels (3, *size), on the device of `pixels_3hw`."""
    before = (pixels_3hw.shape[1], pixels_3hw.shape[2])
    swapped = kind == "antialiased" and pillow_resizes_columns_first(before, size)
    return _in_order(pixels_3hw, size, kind, (0, 1) if swapped else (1, 0))


@lru_cache(maxsize=16)
def pillow_resizes_columns_first(before: Size, after: Size) -> bool:
    """Tell which side Pillow begins with, which rounds differently; from version 13 on it varies.

    Raises:
        RuntimeError: it does neither: this Pillow is none that this module knows.
    """
    probe = np.random.default_rng(0).integers(0, 256, (*before, 3), np.uint8)
    scaled = Image.fromarray(probe).resize(after[::-1], Image.Resampling.BILINEAR)
    expected = torch.from_numpy(np.array(scaled)).permute(2, 0, 1)
    pixels = torch.from_numpy(probe).permute(2, 0, 1)
    for columns_first, order in ((False, (1, 0)), (True, (0, 1))):
        if torch.equal(_in_order(pixels, after, "antialiased", order), expected):
            return columns_first
    raise RuntimeError(f"Pillow resizes {before} to {after} in a way unknown here: use a CPU")


def _in_order(pixels: Tensor, size: Size, kind: ByteResize, order: tuple[int, int]) -> Tensor:
    for side in order:
        taps = _device_taps(kind, pixels.shape[side + 1], size[side], pixels.device)
        pixels = _along(pixels, side + 1, taps)
    return pixels


def _along(pixels_3hw: Tensor, side: int, taps: DeviceTaps) -> Tensor:
    picked = pixels_3hw.index_select(side, taps.places).unflatten(side, taps.weights_KN.shape)
    weights = taps.weights_KN if side == 2 else taps.weights_KN[..., None]
    total = (picked * weights).sum(side, dtype=torch.int32)
    return ((total + (1 << (taps.bits - 1))) >> taps.bits).clamp(0, 255).byte()  # to nearest


def antialiased_taps(before: int, after: int) -> Taps:
    """Return the taps of a triangle as wide as an output pixel, at least an input pixel."""
    scale = before / after
    reach = max(scale, 1.0)
    centres_N = (np.arange(after) + 0.5) * scale
    first_N = np.maximum((centres_N - reach + 0.5).astype(int), 0)
    last_N = np.minimum((centres_N + reach + 0.5).astype(int), before) - 1
    places_KN = first_N + np.arange(int((last_N - first_N).max()) + 1)[:, None]
    triangle_KN = 1 - np.abs((places_KN - centres_N + 0.5) * (1 / reach))
    weights_KN = np.where(places_KN <= last_N, np.maximum(triangle_KN, 0.0), 0.0)
    return _whole(places_KN, weights_KN / weights_KN.sum(0), before, _PILLOW_BITS)


def sampled_taps(before: int, after: int) -> Taps:
    """Return the taps of the two input pixels beside each output pixel's centre."""
    centres_N = np.maximum((np.arange(after) + 0.5) * (before / after) - 0.5, 0.0)
    first_N = np.minimum(centres_N.astype(int), before - 1)
    share_N = np.clip(centres_N - first_N, 0.0, 1.0)
    weights_KN = np.stack([1 - share_N, share_N])
    # Beyond the border is the border's own pixel: one tap has both weights.
    weights_KN[0] += np.where(first_N == before - 1, weights_KN[1], 0.0)
    weights_KN[1] = np.where(first_N == before - 1, 0.0, weights_KN[1])
    bits = _TORCH_MOST_BITS - (int(0.5 + weights_KN.max() * 2**_TORCH_MOST_BITS) >= 2**15)
    return _whole(np.stack([first_N, first_N + 1]), weights_KN, before, bits)


def _whole(
    places_KN: NDArray[np.int64], weights_KN: NDArray[np.float64], before: int, bits: int
) -> Taps:
    whole_KN = (weights_KN * 2**bits + 0.5).astype(np.int64)
    return Taps(np.minimum(places_KN, before - 1), whole_KN, bits)


_TAPS: dict[ByteResize, Callable[[int, int], Taps]] = {
    "antialiased": antialiased_taps,
    "sampled": sampled_taps,
}


# Kept on the device: from a program's own memory every copy waits for the GPU.
@lru_cache(maxsize=16)
def _device_taps(kind: ByteResize, before: int, after: int, device: torch.device) -> DeviceTaps:
    taps = _TAPS[kind](before, after)
    with torch.inference_mode(False):  # lent to whoever asks next, whatever their mode
        places = torch.from_numpy(taps.places_KN).flatten().to(device)
        weights_KN = torch.from_numpy(taps.weights_KN).to(device, torch.int32)
    return DeviceTaps(places, weights_KN, taps.bits)
