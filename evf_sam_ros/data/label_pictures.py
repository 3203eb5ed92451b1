"""Masks that a data set keeps as pictures: of one object, or of all with a number for each."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evf_sam_ros.data import contents
from evf_sam_ros.data.records import Region

JPEG = b"\xff\xd8"
JPEG_LEVEL = 128  # from which a pixel of a mask counts that JPEG has blurred


@dataclass(frozen=True)
class MaskPicture(Region):
    """The pixels of a picture with one number; without a number, all that are not black."""

    path: Path
    number: int | None = None

    def mask(self, height: int, width: int) -> NDArray[np.bool_]:
        """Return the mask, (height, width).

        Raises:
            ValueError: the picture is missing, damaged, of another size, or has no numbers.
        """
        pixels = contents.read_label(self.path)
        contents.check_size(self.path, pixels.shape[:2], (height, width))
        if self.number is not None:
            return _channel(pixels, self.path) == self.number
        least = JPEG_LEVEL if contents.read(self.path).startswith(JPEG) else 1
        bright = pixels >= least if pixels.dtype != bool else pixels
        return np.asarray(bright.any(axis=2) if bright.ndim == 3 else bright, bool)


def _channel(pixels: NDArray[Any], path: Path) -> NDArray[Any]:
    """Return the numbers of a label picture, (H, W)."""
    if pixels.ndim == 2:
        return pixels
    first = pixels[..., 0]
    if (pixels == first[..., None]).all():
        return first
    raise ValueError(f"{str(path)!r} is a picture in colour, need a number for each object")
