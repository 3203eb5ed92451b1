"""Conversion of what a caller has of a picture (array, file, PIL image) to RGB pixels."""

from os import PathLike
from pathlib import Path
from typing import TypeAlias

import numpy as np
import PIL.Image
import PIL.ImageOps
from numpy.typing import NDArray

from evf_sam_ros.pictures.bit_depth import eight_bits
from evf_sam_ros.pictures.photograph import read_rgb

Given: TypeAlias = NDArray[np.uint8] | PIL.Image.Image | str | PathLike[str]


def as_rgb(given: Given) -> NDArray[np.uint8]:
    """Return a picture as (H, W, 3) RGB; an array is returned as it is.

    Files and PIL images are turned upright by their EXIF data, grey is expanded, alpha dropped.

    Raises:
        ValueError: a file or an image that cannot be read, or anything else.
    """
    if isinstance(given, np.ndarray):
        return given
    if isinstance(given, PIL.Image.Image):
        return _from_pil(given)
    if isinstance(given, str | PathLike):
        return read_rgb(Path(given))
    raise ValueError(
        f"the image is a {type(given).__name__}, need an array (H, W, 3) uint8, a PIL image, "
        "or the path of a picture"
    )


def _from_pil(picture: PIL.Image.Image) -> NDArray[np.uint8]:
    if picture.mode in ("I", "F"):  # numbers without a known range
        raise ValueError(f"the PIL image has mode {picture.mode!r}, need one such as 'RGB' or 'L'")
    try:
        upright = PIL.ImageOps.exif_transpose(picture)
        if upright.mode.startswith("I;16"):
            grey = eight_bits(np.asarray(upright).astype(np.uint16))
            return np.repeat(grey[:, :, None], 3, axis=2)
        return np.array(upright.convert("RGB"))
    except (OSError, SyntaxError) as error:  # decoded only now
        raise ValueError(f"the PIL image cannot be read: {error}") from error
