"""The decoder that joins the levels of a pyramid to one grid of mask features.

Shape suffixes: N grids, C width, h w size of a grid.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from evf_sam_ros.models.instancevg.instancevg_config import LEVELS


class UNet(nn.Module):
    """From the coarsest level to the finest: enlarge, join with the next level, convolve."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.joins = nn.ModuleList(_Join(width) for _ in range(LEVELS - 1))

    def forward(self, pyramid: Sequence[Tensor]) -> Tensor:
        """Return the mask features, (N, C, h, w) of the finest level's size; none is negative.

        Args:
            pyramid: grids (N, C, h, w), the finest first.
        """
        *finer, grid_NChw = pyramid
        for join, level in zip(self.joins, reversed(finer), strict=True):
            grid_NChw = join(grid_NChw, level)
        return grid_NChw


class _Join(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(2 * width, width, 3, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(width)
        self.second = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.second_norm = nn.BatchNorm2d(width)

    def forward(self, coarse_NChw: Tensor, fine_NChw: Tensor) -> Tensor:
        raised_NChw = functional.interpolate(
            coarse_NChw, fine_NChw.shape[2:], mode="bilinear", align_corners=True
        )
        joined_NChw = torch.cat([raised_NChw, fine_NChw], 1)
        joined_NChw = functional.relu(self.first_norm(self.first(joined_NChw)))
        return functional.relu(self.second_norm(self.second(joined_NChw)))
