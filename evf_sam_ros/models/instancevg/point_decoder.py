"""The deformable decoder of InstanceVG: queries read the pyramid around their points.

Shape suffixes: N sentences, Q queries, C width, S places of all levels together, Y layers.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from evf_sam_ros.models.bridge.deformable import DeformableAttention, Sizes
from evf_sam_ros.models.instancevg.instancevg_config import LEVELS, InstanceVgConfig


@dataclass(frozen=True)
class Decoding:
    """Outputs of the queries."""

    states: list[Tensor]  # (N, Q, C) after each layer
    positions_NQC: Tensor
    references_NQ2: Tensor  # (x, y): from the point up to one picture to the right and below


class PointDecoder(nn.Module):
    """Layers of attention among the queries and to a few places of the pyramid each."""

    def __init__(self, config: InstanceVgConfig) -> None:
        super().__init__()
        self.position = nn.Linear(2, config.width)
        self.reference = nn.Linear(config.width, 2)
        self.layers = nn.ModuleList(_Layer(config) for _ in range(config.depth))

    def forward(
        self, queries_NQC: Tensor, points_NQ2: Tensor, pyramid: Sequence[Tensor]
    ) -> Decoding:
        """Return the state of each query after each layer.

        Args:
            queries_NQC: at their start.
            points_NQ2: where they start, (x, y), 0..1.
            pyramid: grids (N, C, h, w), the finest first.
        """
        positions_NQC = self.position(points_NQ2.to(queries_NQC.dtype))
        # As the weights learned it, though it leads out of the picture: offsets lead back.
        references_NQ2 = points_NQ2 + self.reference(positions_NQC).float().sigmoid()
        sizes = [(grid.shape[2], grid.shape[3]) for grid in pyramid]
        values_NSC = torch.cat([grid.flatten(2).transpose(1, 2) for grid in pyramid], 1)
        states = []
        for layer in self.layers:
            queries_NQC = layer(queries_NQC, positions_NQC, references_NQ2, values_NSC, sizes)
            states.append(queries_NQC)
        return Decoding(states, positions_NQC, references_NQ2)


class _Layer(nn.Module):
    def __init__(self, config: InstanceVgConfig) -> None:
        super().__init__()
        width = config.width
        self.own = nn.MultiheadAttention(width, config.heads, batch_first=True)
        self.own_norm = nn.LayerNorm(width)
        self.picture = DeformableAttention(width, LEVELS, config.heads, config.points)
        self.picture_norm = nn.LayerNorm(width)
        self.feed_forward = nn.Sequential(
            nn.Linear(width, config.feed_forward),
            nn.ReLU(),
            nn.Linear(config.feed_forward, width),
        )
        self.feed_forward_norm = nn.LayerNorm(width)

    def forward(
        self,
        queries_NQC: Tensor,
        positions_NQC: Tensor,
        references_NQ2: Tensor,
        values_NSC: Tensor,
        sizes: Sizes,
    ) -> Tensor:
        placed_NQC = queries_NQC + positions_NQC
        read_NQC, _ = self.own(placed_NQC, placed_NQC, queries_NQC, need_weights=False)
        queries_NQC = self.own_norm(queries_NQC + read_NQC)
        read_NQC = self.picture(queries_NQC + positions_NQC, references_NQ2, values_NSC, sizes)
        queries_NQC = self.picture_norm(queries_NQC + read_NQC)
        return self.feed_forward_norm(queries_NQC + self.feed_forward(queries_NQC))
