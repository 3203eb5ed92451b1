"""Depth as a camera sent it, turned into metres only where it is read.

An object covers a small part of most images: reading its box alone takes a tenth of the time.
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

NO_READING = 65535  # of 16 bits


@dataclass(frozen=True, eq=False)
class DepthImage:
    """A depth image in the camera's own unit; `depth[rows, columns]` is in metres."""

    values: NDArray[Any]  # (H, W), whole numbers or floats of either byte order
    metres: float  # per unit

    @property
    def shape(self) -> tuple[int, ...]:
        return self.values.shape

    def __getitem__(self, part: Any) -> NDArray[np.float32]:
        """Return a part in metres, float32; NaN: no reading.

        0, infinite and negative values are no readings, nor is the largest value of 16 bits, which
        some cameras send for none.
        """
        values = self.values[part]
        if values.dtype.kind == "u":
            is_reading = (values != 0) & (values != NO_READING)
        else:
            is_reading = np.isfinite(values) & (values > 0)
        metres = values.astype(np.float32) * np.float32(self.metres)
        return np.where(is_reading, metres, np.float32(np.nan))

    def whole(self) -> NDArray[np.float32]:
        """Return all of it in metres, (H, W)."""
        return self[:, :]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return self.whole().astype(dtype or np.float32)


DepthMap: TypeAlias = NDArray[np.floating] | DepthImage  # (H, W), metres where it is indexed
