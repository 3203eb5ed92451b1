"""Flaws that make a picture useless for a model: dark, overexposed, covered, without texture.

Each is measured on a small copy of the picture, in which the noise of a sensor is averaged away.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]  # (H, W, 3) RGB

SMALL = (64, 48)  # pixels, width and height
# Grey levels. A rendered scene at a quarter of its exposure has more than twice of each.
LEAST_LIGHT = 12.0  # of the brightest
LEAST_CONTRAST = 10.0  # between the darkest and the brightest
LEAST_EDGE = 3.0  # between neighbours of the small copy, at the strongest edges
SATURATED = 250  # from here a sensor has clipped
MOST_SATURATED = 0.97  # of the pixels, unless something stands out against the white
STANDS_OUT = 60.0  # grey levels: a small object before a white wall is a picture


class Flaw(Enum):
    """A flaw of a picture."""

    DARK = "too dark"
    OVEREXPOSED = "overexposed"
    PLAIN = "no texture"
    COVERED = "covered"
    UNFAMILIAR = "unlike the training pictures"


@dataclass(frozen=True)
class Unsuitable:
    """The reason why the model is not asked about a picture."""

    flaw: Flaw
    detail: str

    def __str__(self) -> str:
        return f"{self.flaw.value}: {self.detail}"


def flaw_of(image_rgb: Picture) -> Unsuitable | None:
    """Return a flaw that makes a picture useless for any model; None if it has none."""
    small = np.asarray(cv2.resize(image_rgb, SMALL, interpolation=cv2.INTER_AREA), np.float32)
    # What is left of noise and hot pixels goes; a square of 20 pixels in 640x480 stays.
    smooth = cv2.blur(small, (3, 3))
    dark, bright = smooth.min((0, 1)), smooth.max((0, 1))
    light, contrast = float(bright.max()), float((bright - dark).max())
    if light < LEAST_LIGHT:
        return Unsuitable(
            Flaw.DARK, f"its brightest parts have grey level {light:.0f} of 255; is the lens free?"
        )
    clipped = float((small >= SATURATED).all(2).mean())
    if clipped > MOST_SATURATED and contrast < STANDS_OUT:
        return Unsuitable(Flaw.OVEREXPOSED, f"{clipped:.0%} of it is white")
    if contrast < LEAST_CONTRAST:
        return Unsuitable(
            Flaw.PLAIN, f"its darkest and brightest parts differ by {contrast:.0f} levels of 255"
        )
    edge = _strongest_edge(smooth)
    if edge < LEAST_EDGE:
        return Unsuitable(
            Flaw.COVERED, f"it has no edge: neighbouring parts differ by {edge:.1f} levels of 255"
        )
    return None


def _strongest_edge(smooth: NDArray[Any]) -> float:
    """Return how much neighbours differ where they differ most, grey levels."""
    return max(float(np.abs(np.diff(smooth, axis=axis)).max(initial=0)) for axis in (0, 1))
