"""Swin transformer (Liu et al. 2021): attention in windows that shift from block to block.

Shape suffixes: B images, N windows of all images, h w grid, T cells of a window, D width,
H heads, d head width.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from evf_sam_ros.models.deris.deris_config import SwinConfig
from evf_sam_ros.models.windows import joined_windows, windows_of

HIDDEN = -100.0  # bias between the parts of a window that are not neighbours; not -inf


class Swin(nn.Module):
    """Four grids of features, each half as large and twice as wide as the one before."""

    def __init__(self, config: SwinConfig) -> None:
        super().__init__()
        self.patch_embed = _Patches(config)
        self.layers = nn.ModuleList(
            _Stage(config, stage, last=stage == len(config.depths) - 1)
            for stage in range(len(config.depths))
        )
        for stage, width in enumerate(config.widths):
            self.add_module(f"norm{stage}", nn.LayerNorm(width))

    def forward(self, images_B3HW: Tensor) -> list[Tensor]:
        """Return the normalised output of each stage, (B, D, h, w), the finest first."""
        grid_BhwD = self.patch_embed(images_B3HW)
        outputs = []
        for stage, layer in enumerate(self.layers):
            grid_BhwD, next_BhwD = layer(grid_BhwD)
            normed_BhwD = self.get_submodule(f"norm{stage}")(grid_BhwD)
            outputs.append(normed_BhwD.permute(0, 3, 1, 2).contiguous())
            grid_BhwD = next_BhwD
        return outputs


class _Patches(nn.Module):
    def __init__(self, config: SwinConfig) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, config.width, config.patch, config.patch)
        self.norm = nn.LayerNorm(config.width)

    def forward(self, images_B3HW: Tensor) -> Tensor:
        return self.norm(self.proj(images_B3HW).permute(0, 2, 3, 1))


class _Stage(nn.Module):
    def __init__(self, config: SwinConfig, stage: int, *, last: bool) -> None:
        super().__init__()
        self.window = config.window
        self.blocks = nn.ModuleList(
            # Every second block shifts, also where one window covers the whole grid.
            Block(config, stage, shift=config.window // 2 if index % 2 else 0)
            for index in range(config.depths[stage])
        )
        self.downsample: Any = None if last else _Merge(config.widths[stage])

    def forward(self, grid_BhwD: Tensor) -> tuple[Tensor, Tensor]:
        """Return the stage's output and the next stage's input."""
        size = (grid_BhwD.shape[1], grid_BhwD.shape[2])
        apart_NTT = parts_apart(size, self.window, grid_BhwD)
        for block in self.blocks:
            grid_BhwD = block(grid_BhwD, apart_NTT)
        return grid_BhwD, grid_BhwD if self.downsample is None else self.downsample(grid_BhwD)


class Block(nn.Module):
    """Attention in windows, then a feed-forward part; norms come first."""

    def __init__(self, config: SwinConfig, stage: int, shift: int) -> None:
        super().__init__()
        width = config.widths[stage]
        self.window, self.shift = config.window, shift
        self.norm1 = nn.LayerNorm(width)
        self.attn = WindowAttention(width, config.heads[stage], config.window)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.ModuleDict(
            {
                "fc1": nn.Linear(width, config.feed_forward_ratio * width),
                "fc2": nn.Linear(config.feed_forward_ratio * width, width),
            }
        )

    def forward(self, grid_BhwD: Tensor, apart_NTT: Tensor) -> Tensor:
        grid_BhwD = grid_BhwD + self._attended(self.norm1(grid_BhwD), apart_NTT)
        hidden = functional.gelu(self.mlp["fc1"](self.norm2(grid_BhwD)))
        return grid_BhwD + self.mlp["fc2"](hidden)

    def _attended(self, grid_BhwD: Tensor, apart_NTT: Tensor) -> Tensor:
        height, width = grid_BhwD.shape[1:3]
        # What fills up takes part in attention, unmasked: the weights were trained so.
        padded = functional.pad(
            grid_BhwD, (0, 0, 0, -width % self.window, 0, -height % self.window)
        )
        size = (padded.shape[1], padded.shape[2])
        shifted = padded.roll((-self.shift, -self.shift), (1, 2)) if self.shift else padded
        windows_NTD = windows_of(shifted, self.window).flatten(1, 2)
        windows_NTD = self.attn(windows_NTD, apart_NTT if self.shift else None)
        windows = windows_NTD.unflatten(1, (self.window, self.window))
        joined = joined_windows(windows, size)
        back = joined.roll((self.shift, self.shift), (1, 2)) if self.shift else joined
        return back[:, :height, :width]


class WindowAttention(nn.Module):
    """Attention among the cells of each window, with a learned bias by their distance."""

    relative_position_index: Tensor  # (T, T), rows of the table

    def __init__(self, width: int, heads: int, window: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.relative_position_bias_table = nn.Parameter(torch.zeros((2 * window - 1) ** 2, heads))
        self.register_buffer("relative_position_index", distance_rows(window), False)

    def forward(self, windows_NTD: Tensor, apart_NTT: Tensor | None) -> Tensor:
        """Return (N, T, D).

        Args:
            windows_NTD: of all images, an image's windows one after the other.
            apart_NTT: a bias for each window of one image; None: nothing is hidden.
        """
        bias_1HTT = self.relative_position_bias_table[self.relative_position_index]
        bias_1HTT = bias_1HTT.permute(2, 0, 1)[None]
        if apart_NTT is not None:
            images = len(windows_NTD) // len(apart_NTT)
            bias_1HTT = (bias_1HTT + apart_NTT[:, None]).repeat(images, 1, 1, 1)
        q_NHTd, k_NHTd, v_NHTd = (
            self.qkv(windows_NTD).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        )
        read_NHTd = functional.scaled_dot_product_attention(
            q_NHTd, k_NHTd, v_NHTd, bias_1HTT.to(q_NHTd.dtype)
        )
        return self.proj(read_NHTd.transpose(1, 2).flatten(2))


class _Merge(nn.Module):
    """Four neighbours become one cell of twice the width."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(4 * width)
        self.reduction = nn.Linear(4 * width, 2 * width, bias=False)

    def forward(self, grid_BhwD: Tensor) -> Tensor:
        neighbours = [
            grid_BhwD[:, row::2, column::2] for column in (0, 1) for row in (0, 1)
        ]  # the upper left, the lower left, the upper right, the lower right
        return self.reduction(self.norm(torch.cat(neighbours, -1)))


def distance_rows(window: int) -> Tensor:
    """Return the row of the bias table for each pair of cells of a window, (T, T) int64."""
    cells = torch.arange(window)
    y_T, x_T = (axis.flatten() for axis in torch.meshgrid(cells, cells, indexing="ij"))
    down_TT = y_T[:, None] - y_T + window - 1
    across_TT = x_T[:, None] - x_T + window - 1
    return down_TT * (2 * window - 1) + across_TT


def parts_apart(size: tuple[int, int], window: int, like: Tensor) -> Tensor:
    """Return the bias between the cells of each shifted window of a grid, (N, T, T).

    Cells that the shift brought together from opposite edges do not see each other.
    """
    height, width = (cells + -cells % window for cells in size)
    rows, columns = (_parts(cells, window, like) for cells in (height, width))
    parts_1hw1 = (3 * rows[:, None] + columns)[None, :, :, None]
    parts_NT = windows_of(parts_1hw1, window).flatten(1)
    apart_NTT = parts_NT[:, :, None] != parts_NT[:, None]
    return torch.zeros_like(apart_NTT, dtype=like.dtype).masked_fill(apart_NTT, HIDDEN)


def _parts(cells: int, window: int, like: Tensor) -> Tensor:
    """Return to which of three parts each row of a shifted grid belongs."""
    places = torch.arange(cells, device=like.device)
    return (places >= cells - window).long() + (places >= cells - window // 2).long()
