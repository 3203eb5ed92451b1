"""Partition of a token grid into square windows, and the inverse.

Shape suffixes: B images, N windows of all images, h w grid, s s window, D width.
"""

from torch import Tensor
from torch.nn import functional


def windows_of(grid_BhwD: Tensor, side: int) -> Tensor:
    """Return (N, s, s, D), row by row; zeros fill the windows at the right and below."""
    height, width = grid_BhwD.shape[1:3]
    padded = functional.pad(grid_BhwD, (0, 0, 0, -width % side, 0, -height % side))
    rows, columns = (padded.shape[1] // side, padded.shape[2] // side)
    cut = padded.unflatten(2, (columns, side)).unflatten(1, (rows, side))
    return cut.transpose(2, 3).flatten(0, 2)


def joined_windows(windows_NssD: Tensor, size: tuple[int, int]) -> Tensor:
    """Undo `windows_of`: the grid (B, h, w, D) of this size, without what only filled up.

    The windows may have been pooled since; then so is the size.
    """
    side = windows_NssD.shape[1]
    rows, columns = (-(-cells // side) for cells in size)
    cut = windows_NssD.unflatten(0, (-1, rows, columns)).transpose(2, 3)
    return cut.flatten(3, 4).flatten(1, 2)[:, : size[0], : size[1]]
