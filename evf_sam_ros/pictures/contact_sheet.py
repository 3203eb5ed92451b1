"""Contact sheets: many small pictures in one."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

COLUMNS = 4


def contact_sheet(pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Tile pictures of one size, `COLUMNS` in a row, (rows * H, COLUMNS * W, 3)."""
    if not pictures:
        return np.zeros((1, 1, 3), np.uint8)
    height, width = pictures[0].shape[:2]
    rows = -(-len(pictures) // COLUMNS)
    sheet = np.full((rows * height, COLUMNS * width, 3), 255, np.uint8)
    for number, picture in enumerate(pictures):
        y, x = number // COLUMNS * height, number % COLUMNS * width
        sheet[y : y + height, x : x + width] = picture
    return sheet
