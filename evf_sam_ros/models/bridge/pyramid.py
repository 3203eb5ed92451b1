"""A feature pyramid from a single grid (Li et al. 2022, ViTDet), and its sine positions.

Shape suffixes: N grids, D their width, C pyramid width, h w size of a grid.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

TEMPERATURE = 10000.0  # of the sine positions


class FeaturePyramid(nn.Module):
    """Make grids of several sizes from one: a factor of 2 or 4 up, any power of 2 down."""

    def __init__(
        self, inputs: int, width: int, scales: Sequence[float], epsilon: float = 1e-6
    ) -> None:
        super().__init__()
        self.scales = tuple(scales)
        self.levels = nn.ModuleList(_level(inputs, width, scale, epsilon) for scale in scales)

    def forward(self, grid_NDhw: Tensor) -> list[Tensor]:
        """Return one grid (N, C, scale * h, scale * w) per scale, in their order."""
        return [level(grid_NDhw) for level in self.levels]


class ChannelNorm(nn.Module):
    """Layer norm over the channels of each place."""

    def __init__(self, width: int, epsilon: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width, eps=epsilon)

    def forward(self, grid_NChw: Tensor) -> Tensor:
        return self.norm(grid_NChw.movedim(1, -1)).movedim(-1, 1)


def grid_sines(height: int, width: int, channels: int, like: Tensor) -> Tensor:
    """Return sines and cosines of row and column, (channels, h, w), as DETR has them.

    Half of the channels tell the row; coordinates go from 0 to 2 pi over the grid.
    """
    each = channels // 2
    steps = torch.arange(each, device=like.device)
    periods = TEMPERATURE ** (2 * (steps // 2) / each)
    rows = 2 * torch.pi * torch.arange(1, height + 1, device=like.device) / height
    columns = 2 * torch.pi * torch.arange(1, width + 1, device=like.device) / width
    waves = [_waves(rows, periods)[:, None], _waves(columns, periods)[None]]
    both = [wave.expand(height, width, each) for wave in waves]
    return torch.cat(both, -1).permute(2, 0, 1).to(like.dtype)


def _waves(coordinates: Tensor, periods: Tensor) -> Tensor:
    phases = coordinates[:, None] / periods
    return torch.stack([phases[:, 0::2].sin(), phases[:, 1::2].cos()], 2).flatten(1)


def _level(inputs: int, width: int, scale: float, epsilon: float) -> nn.Sequential:
    resize, inputs = _resized(inputs, scale, epsilon)
    return nn.Sequential(
        *resize,
        nn.Conv2d(inputs, width, 1, bias=False),
        ChannelNorm(width, epsilon),
        nn.Conv2d(width, width, 3, padding=1, bias=False),
        ChannelNorm(width, epsilon),
    )


def _resized(inputs: int, scale: float, epsilon: float) -> tuple[list[nn.Module], int]:
    """Return what brings a grid to its size, and the width that it then has."""
    half, quarter = inputs // 2, inputs // 4
    if scale == 4:
        first = nn.ConvTranspose2d(inputs, half, 2, stride=2)
        second = nn.ConvTranspose2d(half, quarter, 2, stride=2)
        return [first, ChannelNorm(half, epsilon), nn.GELU(), second], quarter
    if scale == 2:
        return [nn.ConvTranspose2d(inputs, half, 2, stride=2)], half
    if scale == 1:
        return [], inputs
    if 0 < scale < 1 and (1 / scale).is_integer():
        return [nn.MaxPool2d(int(1 / scale))], inputs
    raise ValueError(f"a pyramid's scale is {scale}, need 4, 2, 1, 1/2, 1/4, ...")
