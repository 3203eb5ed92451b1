"""Steps of brightness or colour that a lost or wrong bit leaves in a JPEG.

A wrong bit may leave Huffman codes that all can be decoded, so that the decoder complains of
nothing. In a JPEG the mean of each block is stored as its difference from that of the one before,
so from there on everything is too bright, too dark or tinted: to the right in that row of blocks,
and in all rows below. The edge of that area is a staircase with one step, on the grid of blocks.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Width and height, pixels, of the units that a picture is coded in, by the sampling of its colour.
UNITS = {
    "444": (8, 8),
    "422": (16, 8),
    "420": (16, 16),
    "440": (8, 16),
    "411": (32, 8),
    "Gray": (8, 8),
}
LEAST_STEP = 5.0  # grey levels
LEAST_UNITS = 4  # of each of the four parts in which the rows above and below a step are compared
MOST_ODD = 0.25  # share of the units of each part whose own content hides the step
CLIPPED = 32.0  # grey levels, so that a few edges of the picture itself do not hide a step


@dataclass(frozen=True)
class Seam:
    """The place at which brightness or colour jumps."""

    x: int  # pixels
    y: int
    step: float  # grey levels, of the channel in which it is greatest

    def __str__(self) -> str:
        return (
            f"all after the block at ({self.x}, {self.y}) is {abs(self.step):.0f} levels too "
            f"{'bright' if self.step > 0 else 'dark'} or tinted, as after a wrong bit"
        )


def seam_of(pixels: NDArray[np.uint8], sampling: str) -> Seam | None:
    """Return the place from which a decoded JPEG is too bright, too dark or tinted; None: no such.

    A step of less than LEAST_STEP, one in the first or the last row of blocks, and one near the
    left or right border cannot be told from the picture's own edges.

    Args:
        pixels: (H, W, 3) RGB, neither turned nor resized.
        sampling: of the colour, a key of UNITS.
    """
    if sampling not in UNITS:
        return None
    width, height = UNITS[sampling]
    jumps = _jumps(pixels, width, height)
    rows, columns, _ = jumps.shape
    if rows < 2 or columns < 4 * LEAST_UNITS:
        return None
    first = _likely_columns(jumps)
    steps = _steps(jumps, first)
    row, channel = np.unravel_index(np.abs(steps).argmax(), steps.shape)
    step = float(steps[row, channel])
    if not step:
        return None
    return Seam(int(first[row, channel]) * width, (int(row) + 1) * height, step)


def _jumps(pixels: NDArray[np.uint8], width: int, height: int) -> NDArray[np.float32]:
    """Return (rows - 1, columns, 3): how much brighter a unit begins than the one above ends."""
    rows, columns = pixels.shape[0] // height, pixels.shape[1] // width
    lines = height * np.arange(1, rows)
    part = pixels[:, : columns * width]
    # Two lines: the decoder smooths colours over the border where they are stored at half size.
    above = part[lines - 2].astype(np.float32) + part[lines - 1]
    below = part[lines].astype(np.float32) + part[lines + 1]
    each = ((below - above) / 2).reshape(len(lines), columns, width, 3)
    return np.asarray(each.mean(2), np.float32)


def _likely_columns(jumps: NDArray[np.float32]) -> NDArray[np.intp]:
    """Return (rows - 2, 3): the column from which each row of units is most likely changed."""
    clipped = np.clip(jumps, -CLIPPED, CLIPPED)
    left = np.cumsum(clipped, axis=1)  # of the columns up to and with this one
    right = left[:, -1:] - left
    on = np.abs(right[:-1] + left[1:])  # after the column above, up to it below
    off = np.abs(left[:-1] + right[1:])
    contrast = (on - off)[:, LEAST_UNITS - 1 : -LEAST_UNITS]
    return contrast.argmax(axis=1) + LEAST_UNITS


def _steps(jumps: NDArray[np.float32], first: NDArray[np.intp]) -> NDArray[np.float32]:
    """Return (rows - 2, 3): the steps, 0 where the picture is not as after a wrong bit."""
    columns = jumps.shape[1]
    after = np.arange(columns)[:, None] >= first[:, None, :]
    changed = np.where(after, jumps[:-1], jumps[1:])  # the edge of the changed area, if it is one
    equal = np.where(after, jumps[1:], jumps[:-1])  # within that area, or before it
    step = np.median(changed, axis=1)
    reach = np.abs(step)[:, None] / 2
    # Several blocks may be spoilt before the decoder is in step again, each with its own step.
    odd = (changed * np.sign(step)[:, None] <= reach, np.abs(equal) >= reach)
    worst = np.zeros(step.shape)
    for part in (after, ~after):
        for each in odd:
            worst = np.maximum(worst, (each & part).sum(1) / part.sum(1))
    is_seam = (np.abs(step) >= LEAST_STEP) & (worst <= MOST_ODD)
    return np.asarray(np.where(is_seam, step, 0.0), np.float32)
