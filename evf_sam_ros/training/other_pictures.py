"""Drawn pictures of no scene: noise as nature has it, shapes, writing, light that falls off.

They stand for whatever a camera or a folder may hold beside the world that a model learned. They
are drawn by this code alone; no photograph is among them.
"""

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Floats = NDArray[np.floating]
Rng = np.random.Generator

MOST_LAYERS = 10
FONTS = 8  # of OpenCV
LETTERS = "ABCDEFGHKLMNPRSTabcdefghklmnprst0123456789"


def other_pictures(
    count: int, seed: int = 0, size: tuple[int, int] = (320, 240)
) -> Iterator[Picture]:
    """Yield RGB pictures of `size` (width, height), always the same for a seed."""
    rng = np.random.default_rng([seed, 7])
    for _ in range(count):
        yield _drawn(rng, *size)


def _drawn(rng: Rng, width: int, height: int) -> Picture:
    picture: Floats = _surface(rng, height, width)
    for _ in range(rng.integers(0, MOST_LAYERS)):
        picture = _with_layer(rng, picture)
    if rng.random() < 0.2:  # without colour
        picture = np.repeat(picture.mean(2, keepdims=True), 3, axis=2)
    if rng.random() < 0.3:  # light from one side
        left, right = rng.uniform(0.4, 1.4, 2)
        picture = picture * np.linspace(left, right, width)[None, :, None]
    if rng.random() < 0.3:
        picture = _blurred(picture, rng)
    if rng.random() < 0.3:  # dark
        picture = picture * rng.uniform(0.3, 1)
    if rng.random() < 0.3:  # of low contrast
        picture = picture * rng.uniform(0.3, 1) + rng.uniform(0, 90)
    return np.clip(picture, 0, 255).astype(np.uint8)


def _blurred(picture: Floats, rng: Rng) -> Floats:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.5, 4)), np.float64)


def _with_layer(rng: Rng, picture: Floats) -> Floats:
    height, width = picture.shape[:2]
    shape: Floats = _shape(rng, height, width).astype(np.float64)
    if rng.random() < 0.5:  # soft edges
        shape = _blurred(shape, rng)
    plain = rng.random() < 0.5
    surface = rng.uniform(0, 255, 3) if plain else _surface(rng, height, width)
    return picture * (1 - shape[..., None]) + surface * shape[..., None]


def _surface(rng: Rng, height: int, width: int) -> Floats:
    """Draw a colour with noise in one or two directions of colour, (height, width, 3)."""
    surface = np.broadcast_to(rng.uniform(0, 255, 3), (height, width, 3))
    for _ in range(rng.integers(1, 3)):
        direction = rng.normal(0, rng.uniform(5, 40), 3)
        noise = _noise(rng, height, width, rng.uniform(0.5, 3.2))
        surface = surface + noise[..., None] * direction
    return surface


def _noise(rng: Rng, height: int, width: int, exponent: float) -> Floats:
    """Draw noise whose power falls with frequency to minus the exponent; nature's is about 2."""
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None])
    frequency[0, 0] = 1
    spectrum = np.fft.fft2(rng.normal(size=(height, width)))
    noise = np.fft.ifft2(spectrum / frequency ** (exponent / 2)).real
    return np.asarray((noise - noise.mean()) / noise.std())


def _shape(rng: Rng, height: int, width: int) -> Picture:
    """Draw one shape as 0 and 1: ellipse, polygon, line, writing or a patch of noise."""
    mask = np.zeros((height, width), np.uint8)
    place = int(rng.integers(width)), int(rng.integers(height))
    length = rng.uniform(0.03, 0.6) * height
    match rng.integers(5):
        case 0:
            axes = int(length), int(length * rng.uniform(0.3, 1))
            cv2.ellipse(mask, place, axes, rng.uniform(0, 180), 0, 360, 1, -1)
        case 1:
            corners = np.array(place) + rng.normal(0, length, (rng.integers(3, 9), 2))
            cv2.fillPoly(mask, [corners.astype(np.int32)], 1)
        case 2:
            end = int(rng.integers(width)), int(rng.integers(height))
            cv2.line(mask, place, end, 1, int(rng.integers(1, 12)))
        case 3:
            text = "".join(rng.choice(list(LETTERS), rng.integers(2, 9)))
            font, scale = int(rng.integers(FONTS)), rng.uniform(0.4, 3)
            cv2.putText(mask, text, place, font, scale, 1, int(rng.integers(1, 5)))
        case _:
            mask = (_noise(rng, height, width, 3) > rng.uniform(0.2, 1.5)).astype(np.uint8)
    return mask
