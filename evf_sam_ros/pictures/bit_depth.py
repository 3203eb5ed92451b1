"""Conversion of pictures with more than 8 bits per channel to 8 bits."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

BIT_DEPTHS = (10, 12, 14, 16)  # of cameras; each stands in 16 bits, mostly at the lower end


def eight_bits(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Return values of 16 bits, scaled to 8 from the range of the camera.

    Messages and files do not say how many bits a camera has: it is the least of `BIT_DEPTHS` that
    holds all values. A picture of more bits that is darker than a sixteenth comes out brighter.
    """
    brightest = int(values.max()) if values.size else 0
    full = next(2**bits - 1 for bits in BIT_DEPTHS if brightest < 2**bits)
    return ((values.astype(np.uint32) * 255 + full // 2) // full).astype(np.uint8)
