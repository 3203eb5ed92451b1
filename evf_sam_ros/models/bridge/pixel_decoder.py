"""The pixel decoder of Mask2Former (Cheng et al. 2022), without levels added to the pyramid.

Shape suffixes: N grids, C width, S places of all levels together, h w size of one level.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from evf_sam_ros.models.bridge.config import NORM_GROUPS, PixelDecoderConfig
from evf_sam_ros.models.bridge.deformable import DeformableAttention, Sizes, cell_centres
from evf_sam_ros.models.bridge.pyramid import grid_sines

LEVELS = 3


class LevelMixer(nn.Module):
    """Let the levels of a pyramid read each other by deformable attention."""

    def __init__(self, inputs: Sequence[int], width: int, config: PixelDecoderConfig) -> None:
        super().__init__()
        self.inputs = nn.ModuleList(
            nn.Sequential(nn.Conv2d(own, width, 1), nn.GroupNorm(NORM_GROUPS, width))
            for own in inputs
        )
        self.level_embed = nn.Parameter(torch.randn(LEVELS, width))
        self.layers = nn.ModuleList(_Layer(width, config) for _ in range(config.depth))

    def mix(self, pyramid: Sequence[Tensor]) -> list[Tensor]:
        """Return every level, (N, C, h, w).

        Args:
            pyramid: grids of the widths `inputs`, the coarsest first.
        """
        grids = [layer(grid) for layer, grid in zip(self.inputs, pyramid, strict=True)]
        sizes = [(grid.shape[2], grid.shape[3]) for grid in grids]
        places_NSC = torch.cat([_rows(grid) for grid in grids], 1)
        positions_SC = self._positions(sizes, places_NSC)
        centres_S2 = cell_centres(sizes, places_NSC)
        for layer in self.layers:
            places_NSC = layer(places_NSC, positions_SC, centres_S2, sizes)
        parts = places_NSC.split([height * width for height, width in sizes], 1)
        return [
            part.transpose(1, 2).unflatten(2, size)
            for part, size in zip(parts, sizes, strict=True)
        ]

    def _positions(self, sizes: Sizes, like: Tensor) -> Tensor:
        channels = self.level_embed.shape[1]
        sines = [grid_sines(*size, channels, like).flatten(1).T for size in sizes]
        return torch.cat([s + own for s, own in zip(sines, self.level_embed, strict=True)])


class PixelDecoder(LevelMixer):
    """A `LevelMixer` whose finest level becomes the dense prompt."""

    def __init__(self, width: int, config: PixelDecoderConfig) -> None:
        super().__init__([width] * LEVELS, width, config)
        self.dense = nn.Conv2d(width, width, 1)

    def forward(self, pyramid: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Return the dense prompt (N, C, h, w), of the finest level's size, and all levels.

        Args:
            pyramid: grids (N, C, h, w), the coarsest first.
        """
        levels = self.mix(pyramid)
        return self.dense(levels[-1]), levels


class _Layer(nn.Module):
    def __init__(self, width: int, config: PixelDecoderConfig) -> None:
        super().__init__()
        self.attention = DeformableAttention(width, LEVELS, config.heads, config.points)
        self.norm1 = nn.LayerNorm(width)
        self.feed_forward = nn.Sequential(
            nn.Linear(width, config.feed_forward),
            nn.ReLU(),
            nn.Linear(config.feed_forward, width),
        )
        self.norm2 = nn.LayerNorm(width)

    def forward(
        self, places_NSC: Tensor, positions_SC: Tensor, centres_S2: Tensor, sizes: Sizes
    ) -> Tensor:
        read = self.attention(places_NSC + positions_SC, centres_S2, places_NSC, sizes)
        places_NSC = self.norm1(places_NSC + read)
        return self.norm2(places_NSC + self.feed_forward(places_NSC))


def _rows(grid_NChw: Tensor) -> Tensor:
    return grid_NChw.flatten(2).transpose(1, 2)
