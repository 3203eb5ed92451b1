"""Flaws of a picture that no model can answer about: dark, overexposed, covered, without texture.

Each is measured on a small copy of the picture, in which the noise of a sensor is averaged away.
"""

from dataclasses import dataclass
from enum import Enum

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]  # (H, W, 3) RGB

SMALL = (64, 48)  # pixels, width and height
BRIGHTEST, DARKEST = 99.0, 1.0  # percentiles: a light or a spot is no picture
# Grey levels. A rendered scene at a quarter of its exposure has more than twice of each.
LEAST_LIGHT = 12.0  # of the brightest
LEAST_CONTRAST = 10.0  # between the darkest and the brightest
LEAST_EDGE = 3.0  # between neighbours of the small copy, at the strongest edges
SATURATED = 250  # from here a sensor has clipped
MOST_SATURATED = 0.97  # of the pixels


class Flaw(Enum):
    """What is wrong with a picture."""

    DARK = "too dark"
    OVEREXPOSED = "overexposed"
    PLAIN = "no texture"
    COVERED = "covered"
    UNFAMILIAR = "unlike the training pictures"


@dataclass(frozen=True)
class Unsuitable:
    """Why a picture is not answered about."""

    flaw: Flaw
    detail: str

    def __str__(self) -> str:
        return f"{self.flaw.value}: {self.detail}"


def flaw_of(image_rgb: Picture) -> Unsuitable | None:
    """Return what is wrong with a picture whatever the model; None for a usable one."""
    small = np.asarray(cv2.resize(image_rgb, SMALL, interpolation=cv2.INTER_AREA), np.float32)
    dark, bright = np.percentile(small, (DARKEST, BRIGHTEST), axis=(0, 1))
    light, contrast = float(bright.max()), float((bright - dark).max())
    if light < LEAST_LIGHT:
        return Unsuitable(
            Flaw.DARK, f"its brightest parts have grey level {light:.0f} of 255; is the lens free?"
        )
    clipped = float((small >= SATURATED).all(2).mean())
    if clipped > MOST_SATURATED:
        return Unsuitable(Flaw.OVEREXPOSED, f"{clipped:.0%} of it is white")
    if contrast < LEAST_CONTRAST:
        return Unsuitable(
            Flaw.PLAIN, f"its darkest and brightest parts differ by {contrast:.0f} levels of 255"
        )
    edge = _strongest_edge(small)
    if edge < LEAST_EDGE:
        return Unsuitable(
            Flaw.COVERED, f"it has no edge: neighbouring parts differ by {edge:.1f} levels of 255"
        )
    return None


def _strongest_edge(small: NDArray[np.float32]) -> float:
    """Return how much neighbours differ where they differ most, grey levels."""
    steps = [np.abs(np.diff(small, axis=axis)).max(2).ravel() for axis in (0, 1)]
    return float(np.percentile(np.concatenate(steps), BRIGHTEST))
