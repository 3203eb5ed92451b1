"""Procedural textures for table, floor and wall: wood, cloth, tiles, stripes, plain, speckle."""

import colorsys

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE = 256  # pixels
KINDS = {"wood": 0.34, "cloth": 0.2, "tiles": 0.1, "stripes": 0.1, "plain": 0.16, "speckle": 0.1}


def texture_png(rng: np.random.Generator) -> bytes:
    """Draw one texture and return it as a PNG file."""
    kind = rng.choice(list(KINDS), p=list(KINDS.values()))
    hue = rng.uniform(15, 40) if rng.random() < 0.6 else rng.uniform(0, 360)
    base = colorsys.hsv_to_rgb(hue / 360, rng.uniform(0, 0.45), rng.uniform(0.3, 0.95))
    contrast = rng.uniform(0.03, 0.13)
    pattern = _pattern(str(kind), rng)
    picture = np.clip(np.array(base) * (1 + contrast * pattern[..., None]), 0, 1)
    bgr = (picture[..., ::-1] * 255).astype(np.uint8)
    return cv2.imencode(".png", bgr)[1].tobytes()


def _pattern(kind: str, rng: np.random.Generator) -> NDArray[np.float64]:
    """Brightness of a pattern, (SIDE, SIDE), roughly zero mean and unit size."""
    rows, columns = np.mgrid[:SIDE, :SIDE] / SIDE
    match kind:
        case "wood":
            rings = np.sin(_noise(rng, 1.5, 14, 3) * 1.3 + rows * rng.uniform(10, 50))
            return 0.5 * rings + 0.35 * _noise(rng, 3, 60, 2)
        case "cloth":
            return _noise(rng, 5, 5, 5)
        case "tiles":
            count = rng.integers(3, 10)
            return ((columns * count).astype(int) + (rows * count).astype(int)) % 2 * 2.0 - 1
        case "stripes":
            return np.sign(np.sin(columns * rng.uniform(20, 80)))
        case "speckle":
            return rng.standard_normal((SIDE, SIDE))
        case _:
            return 0.25 * _noise(rng, 2, 2, 2)


def _noise(
    rng: np.random.Generator, across: float, down: float, octaves: int
) -> NDArray[np.float64]:
    """Smooth noise with so many bumps across and down, and finer ones on top."""
    total = np.zeros((SIDE, SIDE))
    for octave in range(octaves):
        shape = [min(SIDE, max(2, int(bumps * 2**octave))) for bumps in (down, across)]
        bumps = rng.standard_normal(shape)
        total += cv2.resize(bumps, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC) / 2**octave
    return total / total.std()
