"""Hiera with a feature pyramid (Ryali et al. 2023, Ravi et al. 2024): SAM-2's image encoder.

Shape suffixes: B images (or windows of them), h w the grid of the block at hand, D its width,
N tokens (h * w), C pyramid width, H W image size.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from evf_sam_ros.models.windows import joined_windows, windows_of

_LAYER_NORM_EPS = 1e-6
_PATCH_STRIDE = 4  # pixels
_FEED_FORWARD_RATIO = 4
_TOP_DOWN = (2, 3)  # pyramid levels that also get the next coarser one; the others stand alone


@dataclass(frozen=True, kw_only=True)
class HieraConfig:
    """Sizes of a Hiera; width and heads double and the grid halves from stage to stage."""

    width: int  # of the first stage
    heads: int  # of the first stage
    stages: tuple[int, ...]  # blocks per stage
    global_attention: tuple[int, ...]  # blocks without windows
    windows: tuple[int, ...]  # side per stage, in cells
    background_side: int = 7  # cells of the coarse position table

    def __post_init__(self) -> None:
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is not a multiple of heads {self.heads}")
        if len(self.stages) != 4 or len(self.windows) != len(self.stages):
            raise ValueError(f"stages {self.stages} and windows {self.windows}: need four of each")
        if any(not 0 <= block < sum(self.stages) for block in self.global_attention):
            raise ValueError(f"global_attention {self.global_attention}, stages {self.stages}")

    @property
    def widths(self) -> tuple[int, ...]:
        """The width of every stage."""
        return tuple(self.width * 2**stage for stage in range(len(self.stages)))


class ImageEncoder(nn.Module):
    """Trunk and pyramid: features of one width at strides 4, 8 and 16."""

    def __init__(self, config: HieraConfig, width: int) -> None:
        super().__init__()
        self.trunk = Hiera(config)
        self.neck = Pyramid(config.widths, width)

    def forward(self, images_B3HW: Tensor) -> list[Tensor]:
        """Return (B, C, h, w), the finest first; stride 32 has done its part in stride 16."""
        return self.neck(self.trunk(images_B3HW))[:-1]


class Hiera(nn.Module):
    """A hierarchical ViT: windows in most blocks, queries pooled at the start of each stage."""

    def __init__(self, config: HieraConfig) -> None:
        super().__init__()
        width, side = config.width, config.background_side
        self.stage_ends = [sum(config.stages[: i + 1]) - 1 for i in range(len(config.stages))]
        self.patch_embed = nn.ModuleDict(
            {"proj": nn.Conv2d(3, width, 7, stride=_PATCH_STRIDE, padding=3)}
        )
        self.pos_embed = nn.Parameter(torch.zeros(1, width, side, side))
        self.pos_embed_window = nn.Parameter(
            torch.zeros(1, width, config.windows[0], config.windows[0])
        )
        self.blocks = nn.ModuleList(_blocks(config))

    def forward(self, images_B3HW: Tensor) -> list[Tensor]:
        """Return what every stage ends with, (B, D, h, w), the finest first."""
        grid_BhwD = self.patches(images_B3HW)
        return self.stages(grid_BhwD + self.positions(*grid_BhwD.shape[1:3]).to(grid_BhwD.dtype))

    def patches(self, images_B3HW: Tensor) -> Tensor:
        """Return the first grid, positions not yet added, (B, h, w, D)."""
        return self.patch_embed["proj"](images_B3HW).permute(0, 2, 3, 1)

    def stages(self, grid_BhwD: Tensor) -> list[Tensor]:
        """Return what every stage makes of the first grid; see `forward`."""
        ends = []
        for index, block in enumerate(self.blocks):
            grid_BhwD = block(grid_BhwD)
            if index in self.stage_ends:
                ends.append(grid_BhwD.permute(0, 3, 1, 2))
        return ends

    def positions(self, height: int, width: int) -> Tensor:
        """Return the position table of a first grid of that size, (1, h, w, D)."""
        coarse_1Dhw = functional.interpolate(
            self.pos_embed.float(), (height, width), mode="bicubic", align_corners=False
        )
        side = self.pos_embed_window.shape[-1]
        fine_1Dhw = self.pos_embed_window.tile(1, 1, height // side, width // side)
        return (coarse_1Dhw + fine_1Dhw).permute(0, 2, 3, 1)


def _blocks(config: HieraConfig) -> list[nn.Module]:
    blocks: list[nn.Module] = []
    before = config.width
    for stage, (count, width) in enumerate(zip(config.stages, config.widths, strict=True)):
        for index in range(count):
            # The block that pools still has the windows of the stage it takes its input from.
            entering = stage > 0 and index == 0
            window = config.windows[stage - 1 if entering else stage]
            if len(blocks) in config.global_attention:
                window = 0
            blocks.append(Block((before, width), config.heads * 2**stage, window))
            before = width
    return blocks


class Block(nn.Module):
    """Pre-norm transformer block; one that changes the width halves the grid as well."""

    def __init__(self, widths: tuple[int, int], heads: int, window: int) -> None:
        super().__init__()
        before, width = widths
        self.window = window
        self.norm1 = nn.LayerNorm(before, _LAYER_NORM_EPS)
        self.attn = Attention(widths, heads)
        self.norm2 = nn.LayerNorm(width, _LAYER_NORM_EPS)
        self.mlp = FeedForward(width, width * _FEED_FORWARD_RATIO)
        self.proj = None if before == width else nn.Linear(before, width)

    def forward(self, grid_BhwD: Tensor) -> Tensor:
        normed_BhwD = self.norm1(grid_BhwD)
        if self.proj is not None:
            grid_BhwD = _pooled(self.proj(normed_BhwD))
        grid_BhwD = grid_BhwD + self._attended(normed_BhwD, grid_BhwD.shape[1:3])
        return grid_BhwD + self.mlp(self.norm2(grid_BhwD))

    def _attended(self, normed_BhwD: Tensor, size: torch.Size) -> Tensor:
        if not self.window:
            return self.attn(normed_BhwD)
        attended = self.attn(windows_of(normed_BhwD, self.window))
        return joined_windows(attended, (size[0], size[1]))


class Attention(nn.Module):
    """Self-attention within a grid; if the width changes, the queries are pooled."""

    def __init__(self, widths: tuple[int, int], heads: int) -> None:
        super().__init__()
        before, width = widths
        self.heads = heads
        self.pools = before != width
        self.qkv = nn.Linear(before, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, grid_BhwD: Tensor) -> Tensor:
        queries, keys, values = self.qkv(grid_BhwD).chunk(3, -1)
        if self.pools:
            queries = _pooled(queries)
        attended_BNhd = functional.scaled_dot_product_attention(
            *(part.flatten(1, 2).unflatten(-1, (self.heads, -1)).transpose(1, 2)
              for part in (queries, keys, values))
        ).transpose(1, 2)  # fmt: skip
        return self.proj(attended_BNhd.flatten(2).unflatten(1, queries.shape[1:3]))


class FeedForward(nn.Module):
    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(width, hidden), nn.Linear(hidden, width)])

    def forward(self, grid_BhwD: Tensor) -> Tensor:
        widen, narrow = self.layers
        return narrow(functional.gelu(widen(grid_BhwD)))


class Pyramid(nn.Module):
    """One width at every stride; some levels take in the next coarser one."""

    def __init__(self, widths: tuple[int, ...], width: int) -> None:
        super().__init__()
        # The released weights number them from the coarsest on.
        self.lateral = nn.ModuleList(nn.Conv2d(before, width, 1) for before in reversed(widths))

    def forward(self, stages: list[Tensor]) -> list[Tensor]:
        """Return (B, C, h, w) for every stage, the finest first."""
        levels: list[Tensor] = []
        for level, (lateral, stage) in enumerate(zip(self.lateral, reversed(stages), strict=True)):
            features_BChw = lateral(stage)
            if levels and len(stages) - 1 - level in _TOP_DOWN:
                features_BChw = features_BChw + functional.interpolate(
                    levels[-1], scale_factor=2.0, mode="nearest"
                )
            levels.append(features_BChw)
        return levels[::-1]


def _pooled(grid_BhwD: Tensor) -> Tensor:
    """Halve a grid: the largest of 2 x 2 cells, channel by channel."""
    return functional.max_pool2d(grid_BhwD.permute(0, 3, 1, 2), 2).permute(0, 2, 3, 1)
