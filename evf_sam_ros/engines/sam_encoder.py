"""SAM's image encoder with cached tables, and without projecting the padding of windows.

segment-anything adds its relative positions to a score matrix of 16 x 4096 x 4096 numbers. A bias
that is a sum of one term for the row of the key and one for its column is a scalar product: the
terms go behind the query, and behind the key stands a 1 at its row and a 1 at its column. Then
attention is plain, and no fused kernel has to write the scores.

Shape suffixes: B images, N images or windows of them, h w their grid, T tokens (h * w),
n heads, d head width, D width, S S image size.
"""

from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from evf_sam_ros.models.segment_anything import modeling
from evf_sam_ros.models.windows import joined_windows

# How SAM's relative positions reach the scores:
#   queries  behind queries and keys, for fused kernels without a bias: GPUs
#   bias     as a bias of fused attention, which CPUs have
#   written  as segment-anything does: what OpenVINO compiles rightly
SamAttention = Literal["queries", "bias", "written"]

_MULTIPLE = 8  # fused kernels want head widths that are one


class LeanSamEncoder(nn.Module):
    """Runs the blocks of an `ImageEncoderViT`, whose weights it shares."""

    def __init__(self, encoder: Any, attention: SamAttention) -> None:
        super().__init__()
        self.encoder = encoder
        self.blocks = nn.ModuleList(LeanBlock(block, attention) for block in encoder.blocks)

    def forward(self, images_B3SS: Tensor) -> Tensor:
        """Return image features (B, C, h, w)."""
        grid_BhwD = self.encoder.patch_embed(images_B3SS) + self.encoder.pos_embed
        for block in self.blocks:
            grid_BhwD = block(grid_BhwD)
        return self.encoder.neck(grid_BhwD.permute(0, 3, 1, 2))


class LeanBlock(nn.Module):
    """One block, its attention with less work."""

    def __init__(self, block: Any, attention: SamAttention) -> None:
        super().__init__()
        self.norm1, self.norm2, self.mlp = block.norm1, block.norm2, block.mlp
        self.attention = LeanAttention(block, attention)

    def forward(self, grid_BhwD: Tensor) -> Tensor:
        grid_BhwD = grid_BhwD + self.attention(self.norm1(grid_BhwD))
        return grid_BhwD + self.mlp(self.norm2(grid_BhwD))


class LeanAttention(nn.Module):
    """Attention of one block, windows and all."""

    rows_hhd: Tensor  # the relative positions of every pair of rows
    columns_wwd: Tensor  # and columns
    places_TR: Tensor  # 1 at the row and at the column of each token

    def __init__(self, block: Any, attention: SamAttention) -> None:
        super().__init__()
        self.attend = self._by_queries if attention == "queries" else self._by_bias
        self.window = block.window_size
        self.heads = block.attn.num_heads
        self.scale = block.attn.scale
        self.qkv: nn.Linear = block.attn.qkv
        self.proj = block.attn.proj
        rows, columns = ((len(t) + 1) // 2 for t in (block.attn.rel_pos_h, block.attn.rel_pos_w))
        tables = modeling().image_encoder.get_rel_pos
        # (query, key, d): folded now instead of for every image.
        rows_hhd = tables(rows, rows, block.attn.rel_pos_h).detach()
        columns_wwd = tables(columns, columns, block.attn.rel_pos_w).detach()
        places_TR = _one_hot_places(rows, columns).to(rows_hhd.device)
        if attention == "queries":  # zeros up to a width that kernels want
            missing = -(rows_hhd.shape[2] + rows + columns) % _MULTIPLE
            columns_wwd = functional.pad(columns_wwd, (0, 0, 0, missing))
            places_TR = functional.pad(places_TR, (0, missing))
        self.register_buffer("rows_hhd", rows_hhd, False)
        self.register_buffer("columns_wwd", columns_wwd, False)
        self.register_buffer("places_TR", places_TR, False)

    def round_tables(self, dtype: torch.dtype) -> None:
        """Store the tables as autocast rounds them for every image: no answer changes by a bit."""
        self.rows_hhd, self.columns_wwd = self.rows_hhd.to(dtype), self.columns_wwd.to(dtype)
        self.places_TR = self.places_TR.to(dtype)  # of 0 and 1, exact in any

    def forward(self, grid_BhwD: Tensor) -> Tensor:
        size = (grid_BhwD.shape[1], grid_BhwD.shape[2])
        qkv_NhwE = self.qkv(grid_BhwD)
        if self.window:
            qkv_NhwE = self._windows(qkv_NhwE)
        attended_NhwD = self._attended(qkv_NhwE)
        if self.window:
            attended_NhwD = joined_windows(attended_NhwD, size)
        return self.proj(attended_NhwD)

    def _windows(self, qkv_BhwE: Tensor) -> Tensor:
        """Cut into windows; SAM fills them up with zeros, of which the projection is its bias."""
        # Joined, not padded: OpenVINO 2026.4 mistakes a padded grid that is cut into windows.
        filled = _filled(qkv_BhwE, self.qkv.bias, self.window, 2)
        filled = _filled(filled, self.qkv.bias, self.window, 1)
        cut = filled.unflatten(2, (-1, self.window)).unflatten(1, (-1, self.window))
        return cut.transpose(2, 3).flatten(0, 2)

    def _attended(self, qkv_NhwE: Tensor) -> Tensor:
        height, width = qkv_NhwE.shape[1:3]
        qkv = qkv_NhwE.unflatten(-1, (3, self.heads, -1)).permute(3, 0, 4, 1, 2, 5)
        q_Nnhwd, k_NnTd, v_NnTd = qkv[0], qkv[1].flatten(2, 3), qkv[2].flatten(2, 3)
        by_row = torch.einsum("bnhwd,hkd->bnhwk", q_Nnhwd, self.rows_hhd)
        by_column = torch.einsum("bnhwd,wkd->bnhwk", q_Nnhwd, self.columns_wwd)
        attended_NnTd = self.attend(q_Nnhwd * self.scale, k_NnTd, v_NnTd, by_row, by_column)
        return attended_NnTd.unflatten(2, (height, width)).permute(0, 2, 3, 1, 4).flatten(3)

    def _by_queries(
        self, q_Nnhwd: Tensor, k_NnTd: Tensor, v_NnTd: Tensor, by_row: Tensor, by_column: Tensor
    ) -> Tensor:
        q_NnTe = torch.cat([q_Nnhwd, by_row, by_column], -1).flatten(2, 3)
        places = self.places_TR.to(k_NnTd.dtype).expand(*k_NnTd.shape[:2], -1, -1)
        k_NnTe = torch.cat([k_NnTd, places], -1)
        # The fast kernels want one width of all three; what is behind the values is cut off.
        width = v_NnTd.shape[-1]
        v_NnTe = functional.pad(v_NnTd, (0, k_NnTe.shape[-1] - width))
        attended = functional.scaled_dot_product_attention(q_NnTe, k_NnTe, v_NnTe, scale=1.0)
        return attended[..., :width]

    def _by_bias(
        self, q_Nnhwd: Tensor, k_NnTd: Tensor, v_NnTd: Tensor, by_row: Tensor, by_column: Tensor
    ) -> Tensor:
        bias_NnThw = (by_row[..., None] + by_column[..., None, :]).flatten(2, 3)
        return functional.scaled_dot_product_attention(
            q_Nnhwd.flatten(2, 3), k_NnTd, v_NnTd, bias_NnThw.flatten(3), scale=1.0
        )


def _filled(qkv_BhwE: Tensor, bias_E: Tensor, window: int, side: int) -> Tensor:
    """Put rows (side 1) or columns (side 2) of the bias behind, up to a multiple of windows."""
    missing = -qkv_BhwE.shape[side] % window
    if not missing:
        return qkv_BhwE
    shape = list(qkv_BhwE.shape)
    shape[side] = missing
    return torch.cat([qkv_BhwE, bias_E.to(qkv_BhwE.dtype).expand(shape)], side)


def _one_hot_places(rows: int, columns: int) -> Tensor:
    """Return for each token a 1 at its row and a 1 at its column, (T, rows + columns)."""
    row_T = torch.arange(rows).repeat_interleave(columns)
    column_T = torch.arange(columns).repeat(rows)
    return torch.cat(
        [functional.one_hot(row_T, rows), functional.one_hot(column_T, columns)], 1
    ).float()
