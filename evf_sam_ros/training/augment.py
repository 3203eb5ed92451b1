"""Camera effects as augmentation: framing, exposure, white balance, contrast, blur, noise."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

ZOOM, SHIFT = (0.8, 1.25), 0.04  # of the picture's size
KEPT = 0.9  # share of each object that must stay in the frame


def reframe(
    pixels: NDArray[np.uint8], instances: NDArray[np.uint8], rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Show the same scene through another lens; unchanged where an object would be cut off.

    Args:
        pixels: (H, W, 3) picture.
        instances: (h, w) labels of the same view, 0 for background, at their own resolution.
        rng: the source of every choice.
    """
    zoom = np.exp(rng.uniform(*np.log(ZOOM)))
    shift = rng.uniform(-SHIFT, SHIFT, 2)
    moved = _warp(instances, zoom, shift, cv2.INTER_NEAREST)
    objects = int(instances.max()) + 1
    before = np.bincount(instances.ravel(), minlength=objects)[1:]
    after = np.bincount(moved.ravel(), minlength=objects)[1:]
    if (after < KEPT * zoom**2 * before).any():
        return pixels, instances
    return _warp(pixels, zoom, shift, cv2.INTER_LINEAR), moved


def _warp(
    picture: NDArray[np.uint8], zoom: float, shift: NDArray[np.float64], interpolation: int
) -> NDArray[np.uint8]:
    height, width = picture.shape[:2]
    center = np.array([width - 1, height - 1]) / 2
    offset = center - zoom * center + shift * (width, height)
    matrix = np.array([[zoom, 0, offset[0]], [0, zoom, offset[1]]])
    # Labels end at the frame; a picture's border goes on as it is.
    border = cv2.BORDER_CONSTANT if picture.ndim == 2 else cv2.BORDER_REPLICATE
    warped: Any = cv2.warpAffine(
        picture, matrix, (width, height), flags=interpolation, borderMode=border
    )
    return np.asarray(warped, np.uint8)


def augment(pixels: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.float32]:
    """Return a disturbed copy, (H, W, 3), grey levels from 0 to 255."""
    picture = pixels.astype(np.float32)
    gain = rng.uniform(0.65, 1.35) * rng.uniform(0.92, 1.08, 3)
    contrast = rng.uniform(0.75, 1.25)
    middle = picture[::8, ::8].mean()
    picture = picture * (gain * contrast).astype(np.float32) + np.float32(middle * (1 - contrast))
    if rng.random() < 0.3:
        picture = cv2.GaussianBlur(picture, (5, 5), rng.uniform(0.3, 1.3))
    if rng.random() < 0.4:
        noise = rng.standard_normal(picture.shape[:2], dtype=np.float32)
        picture += noise[..., None] * np.float32(rng.uniform(0, 10))
    picture = np.clip(picture, 0, 255)
    return _jpeg(picture, int(rng.integers(25, 90))) if rng.random() < 0.15 else picture


def _jpeg(picture: NDArray[np.float32], quality: int) -> NDArray[np.float32]:
    coded = cv2.imencode(".jpg", picture.astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    decoded: Any = cv2.imdecode(coded, cv2.IMREAD_COLOR)
    return np.asarray(decoded, np.float32)
