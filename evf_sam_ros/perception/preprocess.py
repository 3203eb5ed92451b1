"""Resize an image to a model's inputs, and its masks back to the image's size.

Images are (H, W, 3) uint8 RGB, resized on the CPU by Pillow or torch as the reference does. What
is returned is float32 (3, height, width) there.
"""

from collections.abc import Callable, Sequence

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional

from evf_sam_ros.language.tokenizer import PAD
from evf_sam_ros.models.image_input import ImageInput

Size = tuple[int, int]  # (height, width), pixels
Photograph = NDArray[np.uint8]  # (H, W, 3)


def segmenter_input(image_rgb: Photograph, spec: ImageInput) -> tuple[Tensor, Size]:
    """Return the image as `spec` wants it, and its size before padding.

    Raises:
        ValueError: the image is not (H, W, 3) uint8 with at least one pixel.
    """
    pixels = resized(image_rgb, spec)
    if spec.resize == "twice":
        return _torch_resize(_normalised(pixels, spec), spec.size, "bilinear"), spec.size
    height, width = pixels.shape[-2:]
    padding = (0, spec.size[1] - width, 0, spec.size[0] - height)
    # Zeros after normalising, so the padding is of the mean colour.
    return functional.pad(_normalised(pixels, spec), padding), (height, width)


def fusion_input(image_rgb: Photograph, spec: ImageInput) -> Tensor:
    """Return the image as the vision-language encoder wants it."""
    return segmenter_input(image_rgb, spec)[0]


def resized(image_rgb: Photograph, spec: ImageInput) -> Tensor:
    """Return the image as it is resized before normalising: grey levels (3, h, w)."""
    _check(image_rgb)
    match spec.resize:
        case "pad" | "twice":
            return _antialiased(image_rgb, fitted_size(_size(image_rgb), spec.size))
        case "stretch":
            return _antialiased(image_rgb, spec.size)
        case "sample":
            return _torch_resize(_channels_first(image_rgb), spec.size, "bilinear")
        case "bicubic":
            return _torch_resize(_channels_first(image_rgb).float(), spec.size, "bicubic")
        case "opencv":
            return _channels_first(_opencv_resize(image_rgb, spec.size))


def restore(logits_Phw: Tensor, spec: ImageInput, resized_size: Size, original: Size) -> Tensor:
    """Return mask logits (P, H, W), float32, at the size of the photograph.

    Args:
        logits_Phw: low-resolution logits of the whole model input, padding included.
        spec: how the photograph became that input.
        resized_size: what `segmenter_input` returned with it.
        original: size of the photograph.
    """
    logits_1Phw = logits_Phw.float()[None]
    if spec.resize == "pad":
        height, width = resized_size
        logits_1Phw = _bilinear(logits_1Phw, spec.size)[..., :height, :width]
    return _bilinear(logits_1Phw, original)[0]


def masks_of(logits_Phw: Tensor, bring: Callable[[Tensor], Tensor]) -> Tensor:
    """Return masks (P, H, W), bool, of low-resolution logits.

    One prompt after the other: the logits of an image of 3840x2160 take 33 MB for each.

    Args:
        logits_Phw: as the model gives them.
        bring: restores logits (1, h, w) to (1, H, W).
    """
    first = bring(logits_Phw[:1]).gt(0)
    masks = first.new_empty((len(logits_Phw), *first.shape[1:]))
    masks[:1] = first
    for index in range(1, len(logits_Phw)):
        torch.gt(bring(logits_Phw[index : index + 1]), 0, out=masks[index : index + 1])
    return masks


def fitted_size(size: Size, box: Size) -> Size:
    """Return the largest size of the same aspect ratio that fits into `box`, rounded."""
    scale = min(box[0] / size[0], box[1] / size[1])
    height, width = (max(1, int(side * scale + 0.5)) for side in size)
    return height, width


def _size(image_rgb: Photograph) -> Size:
    return image_rgb.shape[0], image_rgb.shape[1]


def _check(image_rgb: Photograph) -> None:
    right_shape = image_rgb.ndim == 3 and image_rgb.shape[2] == 3 and 0 not in image_rgb.shape
    if not right_shape or image_rgb.dtype != np.uint8:
        raise ValueError(
            f"the image is {image_rgb.shape} {image_rgb.dtype}, need (H, W, 3) uint8, not empty"
        )


def _channels_first(image_rgb: Photograph) -> Tensor:
    # A copy: an image may be read-only or a view with negative strides.
    return torch.from_numpy(np.array(image_rgb.transpose(2, 0, 1), order="C"))


def _antialiased(image_rgb: Photograph, size: Size) -> Tensor:
    picture = Image.fromarray(np.ascontiguousarray(image_rgb))
    scaled = picture.resize((size[1], size[0]), Image.Resampling.BILINEAR)
    return _channels_first(np.asarray(scaled))


def _torch_resize(pixels: Tensor, size: Size, mode: str) -> Tensor:
    if pixels.shape[-2:] == size:
        return pixels
    return functional.interpolate(pixels[None], size, mode=mode, align_corners=False)[0]


def _opencv_resize(image_rgb: Photograph, size: Size) -> Photograph:
    pixels = np.ascontiguousarray(image_rgb)
    scaled = cv2.resize(pixels, (size[1], size[0]), interpolation=cv2.INTER_LINEAR)
    return np.asarray(scaled, np.uint8)


def _normalised(pixels: Tensor, spec: ImageInput) -> Tensor:
    mean, std = (torch.tensor(each)[:, None, None] for each in (spec.mean, spec.std))
    return (pixels.float() - mean) / std


def _bilinear(logits_1Phw: Tensor, size: Size) -> Tensor:
    return functional.interpolate(logits_1Phw, size, mode="bilinear", align_corners=False)


def padded(rows: Sequence[Sequence[list[int]]], device: torch.device) -> tuple[Tensor, Tensor]:
    """Return token ids and where they are padding, both (B, P, L).

    Args:
        rows: the token ids of each prompt of each image.
        device: of the tensors.
    """
    most = max(len(own) for own in rows)
    # An image with fewer prompts repeats its first; those answers are dropped.
    equal = [[*own, *[own[0]] * (most - len(own))] for own in rows]
    longest = max(len(row) for own in equal for row in own)
    filled = [[row + [PAD] * (longest - len(row)) for row in own] for own in equal]
    tokens = torch.tensor(filled, device=device)
    lengths = torch.tensor([[len(row) for row in own] for own in equal], device=device)
    return tokens, torch.arange(longest, device=device) >= lengths[..., None]
