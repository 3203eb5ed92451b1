"""SAM-2's memory: encodes frames and masks, and conditions later frames on them.

A single image needs none of it. The released weights hold it, and video does.

Shape suffixes: B objects, h w the grid at stride 16, K its cells (h * w), R remembered tokens,
C prompt width, E memory width, d attention width.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from evf_sam_ros.models.segment_anything import modeling

_MASK_STRIDE = 16  # pixels of a mask per cell of the grid
_ROTARY_BASE = 10000.0
_SINE_BASE = 10000.0
_POSITION_SHARE = 0.1  # how much the cells' positions count at the attention's entrance


@dataclass(frozen=True, kw_only=True)
class MemoryConfig:
    """Sizes of a SAM-2's memory; the defaults are those all released ones share."""

    width: int = 64
    depth: int = 4  # attention layers
    feed_forward: int = 2048
    fuser_depth: int = 2
    frames: int = 7  # that are remembered at once


class Memory(nn.Module):
    """Everything that only videos need, under one name."""

    def __init__(self, config: MemoryConfig, width: int) -> None:
        super().__init__()
        self.frame_positions = nn.Parameter(torch.zeros(config.frames, 1, 1, config.width))
        self.no_memory_position = nn.Parameter(torch.zeros(1, 1, width))
        self.no_object_pointer = nn.Parameter(torch.zeros(1, width))
        self.attention = MemoryAttention(config, width)
        self.encoder = MemoryEncoder(config, width)
        self.mask_downsample = nn.Conv2d(1, 1, 4, stride=4)
        self.pointer = modeling().mask_decoder.MLP(width, width, width, 3)


class MemoryAttention(nn.Module):
    """Cross-attention from the cells of a new frame to the memory."""

    def __init__(self, config: MemoryConfig, width: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Layer(config, width) for _ in range(config.depth))
        self.norm = nn.LayerNorm(width)

    def forward(
        self,
        grid_BChw: Tensor,
        positions_BChw: Tensor,
        memory_BRE: Tensor,
        memory_positions_BRE: Tensor,
        pointers: int,
    ) -> Tensor:
        """Return the grid (B, C, h, w) with the memory read into it.

        Args:
            positions_BChw: of the grid's cells.
            memory_BRE: whole grids of earlier frames, then tokens of object pointers.
            memory_positions_BRE: place and age of each.
            pointers: number of object-pointer tokens, which stand last in the memory.
        """
        size = grid_BChw.shape[2:]
        cells_BKC = (grid_BChw + _POSITION_SHARE * positions_BChw).flatten(2).transpose(1, 2)
        rotary_Kd = rotary_angles(size[0], size[1], cells_BKC.shape[-1], cells_BKC.device)
        keys_BRE = memory_BRE + memory_positions_BRE
        for layer in self.layers:
            cells_BKC = layer(cells_BKC, keys_BRE, memory_BRE, rotary_Kd, pointers)
        return self.norm(cells_BKC).transpose(1, 2).unflatten(2, size)


class Layer(nn.Module):
    """Pre-norm layer: self-attention, attention to the memory, two linear layers."""

    def __init__(self, config: MemoryConfig, width: int) -> None:
        super().__init__()
        self.self_attn = RotaryAttention(width, width)
        self.cross_attn_image = RotaryAttention(width, config.width)
        self.linear1 = nn.Linear(width, config.feed_forward)
        self.linear2 = nn.Linear(config.feed_forward, width)
        self.norm1 = nn.LayerNorm(width)
        self.norm2 = nn.LayerNorm(width)
        self.norm3 = nn.LayerNorm(width)

    def forward(
        self, cells: Tensor, keys_BRE: Tensor, values_BRE: Tensor, rotary: Tensor, pointers: int
    ) -> Tensor:
        normed = self.norm1(cells)
        cells = cells + self.self_attn(normed, normed, normed, rotary, 0)
        normed = self.norm2(cells)
        cells = cells + self.cross_attn_image(normed, keys_BRE, values_BRE, rotary, pointers)
        return cells + self.linear2(functional.relu(self.linear1(self.norm3(cells))))


class RotaryAttention(nn.Module):
    """Attention with one head whose queries and keys are turned by their place in the grid."""

    def __init__(self, width: int, remembered: int) -> None:
        super().__init__()
        self.q_proj = nn.Linear(width, width)
        self.k_proj = nn.Linear(remembered, width)
        self.v_proj = nn.Linear(remembered, width)
        self.out_proj = nn.Linear(width, width)

    def forward(
        self, queries: Tensor, keys: Tensor, values: Tensor, rotary_Kd: Tensor, unplaced: int
    ) -> Tensor:
        """Attend; the last `unplaced` keys have no place, the others are whole grids."""
        q_BKd = rotated(self.q_proj(queries), rotary_Kd)
        k_BRd = self.k_proj(keys)
        placed = k_BRd.shape[1] - unplaced
        grids = placed // len(rotary_Kd)
        k_BRd = torch.cat(
            [rotated(k_BRd[:, :placed], rotary_Kd.repeat(grids, 1)), k_BRd[:, placed:]], 1
        )
        read = functional.scaled_dot_product_attention(q_BKd, k_BRd, self.v_proj(values))
        return self.out_proj(read)


class MemoryEncoder(nn.Module):
    """A frame and its mask become what later frames read."""

    def __init__(self, config: MemoryConfig, width: int) -> None:
        super().__init__()
        self.mask_downsampler = MaskDownsampler(width)
        self.pix_feat_proj = nn.Conv2d(width, width, 1)
        self.fuser = nn.Sequential(*(FuserLayer(width) for _ in range(config.fuser_depth)))
        self.out_proj = nn.Conv2d(width, config.width, 1)

    def forward(self, grid_BChw: Tensor, masks_B1HW: Tensor) -> Tensor:
        """Return memory (B, E, h, w).

        Args:
            grid_BChw: features of the frame before any memory was read into them.
            masks_B1HW: at 16 times the grid's size, scaled as the tracker wants it.
        """
        seen = self.pix_feat_proj(grid_BChw) + self.mask_downsampler(masks_B1HW)
        return self.out_proj(self.fuser(seen))


class MaskDownsampler(nn.Module):
    """Reduce a mask to the grid's size by four strided convolutions."""

    def __init__(self, width: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        stride, channels = 1, 1
        while stride < _MASK_STRIDE:
            stride, before, channels = 2 * stride, channels, 4 * channels
            layers += [
                nn.Conv2d(before, channels, 3, stride=2, padding=1),
                modeling().common.LayerNorm2d(channels),
                nn.GELU(),
            ]
        self.encoder = nn.Sequential(*layers, nn.Conv2d(channels, width, 1))

    def forward(self, masks_B1HW: Tensor) -> Tensor:
        return self.encoder(masks_B1HW)


class FuserLayer(nn.Module):
    """A ConvNeXt block."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.dwconv = nn.Conv2d(width, width, 7, padding=3, groups=width)
        self.norm = modeling().common.LayerNorm2d(width)
        self.pwconv1 = nn.Linear(width, 4 * width)
        self.pwconv2 = nn.Linear(4 * width, width)
        self.weight = nn.Parameter(torch.full((width,), 1e-6))  # how much the block adds

    def forward(self, grid_BChw: Tensor) -> Tensor:
        mixed_BhwC = self.norm(self.dwconv(grid_BChw)).permute(0, 2, 3, 1)
        mixed_BhwC = self.pwconv2(functional.gelu(self.pwconv1(mixed_BhwC)))
        return grid_BChw + (self.weight * mixed_BhwC).permute(0, 3, 1, 2)


def sine_positions(height: int, width: int, channels: int, device: torch.device) -> Tensor:
    """Return what tells cells of a grid apart, (1, h * w, channels): rows first, then columns."""
    each = channels // 2
    steps = torch.arange(each, device=device, dtype=torch.float32)
    periods = _SINE_BASE ** (2 * (steps // 2) / each)
    rows, columns = (
        (torch.arange(1, count + 1, device=device) / (count + 1e-6) * 2 * math.pi)[:, None]
        / periods
        for count in (height, width)
    )
    waves = [
        torch.stack([turns[:, 0::2].sin(), turns[:, 1::2].cos()], -1).flatten(1)
        for turns in (rows, columns)
    ]
    down = waves[0][:, None].expand(-1, width, -1)
    across = waves[1][None].expand(height, -1, -1)
    return torch.cat([down, across], -1).flatten(0, 1)[None]


def rotary_angles(height: int, width: int, channels: int, device: torch.device) -> Tensor:
    """Return by how much each pair of channels turns at each cell, (h * w, channels / 2).

    The first half of the pairs turns with the column, the second with the row.
    """
    steps = torch.arange(0, channels, 4, device=device)[: channels // 4].float()
    frequencies = 1.0 / _ROTARY_BASE ** (steps / channels)
    cells_K = torch.arange(height * width, device=device)
    columns_K, rows_K = cells_K % width, torch.div(cells_K, width, rounding_mode="floor")
    turns = [places.float()[:, None] * frequencies for places in (columns_K, rows_K)]
    return torch.cat(turns, -1)


def rotated(tokens_BKd: Tensor, angles: Tensor) -> Tensor:
    """Turn neighbouring channels by an angle each; in float32."""
    first, second = tokens_BKd.float().unflatten(-1, (-1, 2)).unbind(-1)
    cosine, sine = angles.cos(), angles.sin()
    turned = torch.stack([first * cosine - second * sine, first * sine + second * cosine], -1)
    return turned.flatten(-2).to(tokens_BKd.dtype)
