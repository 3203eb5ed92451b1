"""SAM's image encoder with less work: tables made once, and nothing projected that fills windows.

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
        self.attention = nn.ModuleList(LeanAttention(block, attention) for block in encoder.blocks)

    def forward(self, images_B3SS: Tensor) -> Tensor:
        """Return image features (B, C, h, w)."""
        grid_BhwD = self.encoder.patch_embed(images_B3SS) + self.encoder.pos_embed
        for block, attention in zip(self.encoder.blocks, self.attention, strict=True):
            grid_BhwD = grid_BhwD + attention(block.norm1(grid_BhwD))
            grid_BhwD = grid_BhwD + block.mlp(block.norm2(grid_BhwD))
        return self.encoder.neck(grid_BhwD.permute(0, 3, 1, 2))


class LeanAttention(nn.Module):
    """Attention of one block, windows and all."""

    rows_hhd: Tensor  # the relative positions of every pair of rows
    columns_wwd: Tensor  # and columns
    places_TR: Tensor

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
        self.register_buffer("rows_hhd", tables(rows, rows, block.attn.rel_pos_h).detach(), False)
        self.register_buffer(
            "columns_wwd", tables(columns, columns, block.attn.rel_pos_w).detach(), False
        )
        places_TR = _one_hot_places(rows, columns).to(block.attn.rel_pos_h.device)
        self.register_buffer("places_TR", places_TR, False)

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
        q_NnTe, k_NnTe = _aligned(q_NnTe), _aligned(torch.cat([k_NnTd, places], -1))
        return functional.scaled_dot_product_attention(q_NnTe, k_NnTe, v_NnTd, scale=1.0)

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


def _aligned(parts: Tensor) -> Tensor:
    return functional.pad(parts, (0, -parts.shape[-1] % _MULTIPLE))
