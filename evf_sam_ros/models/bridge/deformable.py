"""Multi-scale deformable attention (Zhu et al. 2021), in PyTorch's own operations.

Shape suffixes: N pictures, S places of all levels together, Q queries, M heads, G levels,
X points per level, C width, d width of a head, h w size of one level.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

Sizes = Sequence[tuple[int, int]]  # (height, width) of each level


class DeformableAttention(nn.Module):
    """Each query looks at a few points around its place, on every level of a pyramid.

    Where these points are and how much each counts is a linear function of the query.
    """

    def __init__(self, width: int, levels: int, heads: int, points: int) -> None:
        super().__init__()
        self.shape = (heads, levels, points)
        self.offsets = nn.Linear(width, heads * levels * points * 2)
        self.weights = nn.Linear(width, heads * levels * points)
        self.value = nn.Linear(width, width)
        self.output = nn.Linear(width, width)
        self._initialise()

    def forward(
        self, queries_NQC: Tensor, places: Tensor, values_NSC: Tensor, sizes: Sizes
    ) -> Tensor:
        """Return what each query reads, (N, Q, C).

        Args:
            queries_NQC: with their positions added.
            places: where each query is, (x, y), each 0 to 1 over the picture: (Q, 2) for all
                pictures, or (N, Q, 2).
            values_NSC: the levels' places, level by level, row by row.
            sizes: of the levels.
        """
        heads, levels, points = self.shape
        offsets_NQMGX2 = self.offsets(queries_NQC).unflatten(2, (heads, levels, points, 2))
        weights = self.weights(queries_NQC).unflatten(2, (heads, levels * points))
        weights_NQMGX = weights.softmax(-1).unflatten(3, (levels, points))
        # An offset of 1 is one cell of its level. Half precision would round to eighths of it.
        cells_G2 = queries_NQC.new_tensor([(width, height) for height, width in sizes]).float()
        offsets_NQMGX2 = offsets_NQMGX2.float() / cells_G2[:, None]
        points_NQMGX2 = places[..., None, None, None, :].float() + offsets_NQMGX2
        values_NSMd = self.value(values_NSC).unflatten(2, (heads, -1))
        read_NQC = sample_levels(values_NSMd.float(), sizes, points_NQMGX2, weights_NQMGX.float())
        return self.output(read_NQC.to(values_NSMd.dtype))

    def _initialise(self) -> None:
        """Start with each head looking in a direction of its own, its points ever farther out."""
        heads, levels, points = self.shape
        angles_M = 2 * math.pi * torch.arange(heads) / heads
        directions_M2 = torch.stack([angles_M.cos(), angles_M.sin()], -1)
        directions_M2 = directions_M2 / directions_M2.abs().amax(-1, keepdim=True)
        steps_X = torch.arange(1, points + 1).float()
        offsets_MGX2 = directions_M2[:, None, None] * steps_X[:, None]
        with torch.no_grad():
            self.offsets.bias.copy_(offsets_MGX2.expand(heads, levels, points, 2).flatten())
        for weight in (self.offsets.weight, self.weights.weight, self.weights.bias):
            nn.init.zeros_(weight)
        for layer in (self.value, self.output):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)


def sample_levels(
    values_NSMd: Tensor, sizes: Sizes, points_NQMGX2: Tensor, weights_NQMGX: Tensor
) -> Tensor:
    """Return the weighted sum of the values at points, between cells linearly, (N, Q, M * d).

    A point outside of the picture reads zeros. Points are (x, y), 0 to 1 over the picture.
    """
    parts = values_NSMd.split([height * width for height, width in sizes], 1)
    total: Tensor | None = None
    for level, ((height, width), part) in enumerate(zip(sizes, parts, strict=True)):
        grid_Rdhw = part.permute(0, 2, 3, 1).flatten(0, 1).unflatten(2, (height, width))
        where_RQX2 = 2 * points_NQMGX2[:, :, :, level].transpose(1, 2).flatten(0, 1) - 1
        read_RdQX = functional.grid_sample(grid_Rdhw, where_RQX2, align_corners=False)
        weights_RQX = weights_NQMGX[:, :, :, level].transpose(1, 2).flatten(0, 1)
        read_RdQ = (read_RdQX * weights_RQX[:, None]).sum(-1)
        total = read_RdQ if total is None else total + read_RdQ
    assert total is not None
    pictures = len(values_NSMd)
    return total.unflatten(0, (pictures, -1)).flatten(1, 2).transpose(1, 2)


def cell_centres(sizes: Sizes, like: Tensor) -> Tensor:
    """Return the centres of all cells of all levels, (S, 2) as (x, y), 0 to 1."""
    centres = []
    for height, width in sizes:
        rows = (torch.arange(height, device=like.device) + 0.5) / height
        columns = (torch.arange(width, device=like.device) + 0.5) / width
        y, x = torch.meshgrid(rows, columns, indexing="ij")
        centres.append(torch.stack([x, y], -1).flatten(0, 1))
    return torch.cat(centres)
