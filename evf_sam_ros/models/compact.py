"""A small promptable segmenter: convolution trunk, a little attention, and a SAM-2-like decoder.

Learned from scratch on simulated scenes; nothing here has pretrained weights.

Shape suffixes: B images, P prompts per image, N = B * P, C width, H W image size,
h w the grid at stride 8, Q decoder tokens, M mask channels.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from evf_sam_ros.models.segment_anything import modeling
from evf_sam_ros.models.segmenter import Decoded, Segmenter
from evf_sam_ros.models.trunk import ConvTrunk

STRIDE = 8  # pixels per cell of the grid
WINDOW = 8  # cells
MASK_CHANNELS = 16


@dataclass(frozen=True, kw_only=True)
class CompactConfig:
    """Sizes of a compact segmenter."""

    image_size: tuple[int, int]  # (height, width), pixels
    trunk: tuple[int, int, int]  # widths at strides 2, 4, 8; the last is the prompt's width
    depth: int = 2  # attention blocks; the last sees the whole picture
    heads: int = 4
    decoder_feed_forward: int = 256

    def __post_init__(self) -> None:
        if any(side % STRIDE for side in self.image_size):
            raise ValueError(f"image_size {self.image_size} is not a multiple of {STRIDE}")
        if self.trunk[-1] % (4 * self.heads):
            raise ValueError(f"width {self.trunk[-1]} is not a multiple of 4 x {self.heads} heads")


@dataclass(frozen=True)
class CompactFeatures:
    """An encoded image: the grid, and the finer features that the decoder adds."""

    grid_BChw: Tensor
    quarter_BMHW: Tensor  # stride 4
    half_BMHW: Tensor  # stride 2


class CompactSegmenter(Segmenter):
    """Segment 1/2-resolution masks from one prompt token each, with a presence score."""

    def __init__(self, config: CompactConfig) -> None:
        super().__init__()
        half, quarter, width = config.trunk
        height, columns = (side // STRIDE for side in config.image_size)
        self.prompt_width = width
        self.trunk = ConvTrunk(config.trunk)
        self.position = nn.Parameter(sine_positions(height, columns, width))
        self.blocks = nn.ModuleList(
            modeling().image_encoder.Block(
                width, config.heads, mlp_ratio=3, window_size=WINDOW if i < config.depth - 1 else 0
            )
            for i in range(config.depth)
        )
        self.norm = nn.LayerNorm(width)
        self.tokens = nn.Parameter(torch.randn(3, width) * 0.02)  # presence, IoU, mask
        self.transformer = modeling().TwoWayTransformer(
            depth=2,
            embedding_dim=width,
            num_heads=config.heads,
            mlp_dim=config.decoder_feed_forward,
        )
        self.up_to_quarter = nn.ConvTranspose2d(width, 2 * MASK_CHANNELS, 2, stride=2)
        self.up_to_half = nn.ConvTranspose2d(2 * MASK_CHANNELS, MASK_CHANNELS, 2, stride=2)
        self.skip_quarter = nn.Conv2d(quarter, 2 * MASK_CHANNELS, 1)
        self.skip_half = nn.Conv2d(half, MASK_CHANNELS, 1)
        self.presence_head = _head(width, 1)
        self.iou_head = _head(width, 1)
        self.mask_head = _head(width, MASK_CHANNELS)

    def encode(self, images_B3HW: Tensor) -> CompactFeatures:
        """Return the features that `decode` shares among all prompts of an image."""
        half, quarter, eighth = self.trunk(images_B3HW)
        tokens_BhwC = (eighth + self.position).permute(0, 2, 3, 1)
        for block in self.blocks:
            tokens_BhwC = block(tokens_BhwC)
        grid_BChw = self.norm(tokens_BhwC).permute(0, 3, 1, 2)
        return CompactFeatures(grid_BChw, self.skip_quarter(quarter), self.skip_half(half))

    def decode(
        self,
        features: CompactFeatures,
        prompts_BPC: Tensor,
        dense_BPChw: Tensor | None = None,
    ) -> Decoded:
        """Return one mask per prompt; `dense_BPChw` is added to the grid."""
        images, prompts = prompts_BPC.shape[:2]
        prompts_N1C = prompts_BPC.flatten(0, 1)[:, None]
        own_N3C = self.tokens.to(prompts_N1C.dtype).expand(len(prompts_N1C), -1, -1)
        grid_NChw = features.grid_BChw.repeat_interleave(prompts, 0)
        if dense_BPChw is not None:
            grid_NChw = grid_NChw + dense_BPChw.flatten(0, 1)
        tokens_NQC, cells_NhwC = self.transformer(
            grid_NChw, self.position.expand_as(grid_NChw), torch.cat([own_N3C, prompts_N1C], 1)
        )
        presence_NC, iou_NC, mask_NC = tokens_NQC[:, :3].unbind(1)
        pixels_NMHW = self._upscale(cells_NhwC.transpose(1, 2).view_as(grid_NChw), features)
        logits_NHW = torch.einsum("nm,nmhw->nhw", self.mask_head(mask_NC), pixels_NMHW)
        return Decoded(
            logits=logits_NHW.unflatten(0, (images, prompts)),
            predicted_iou=self.iou_head(iou_NC).view(images, prompts).sigmoid(),
            presence=self.presence_head(presence_NC).view(images, prompts),
        )

    def _upscale(self, grid_NChw: Tensor, features: CompactFeatures) -> Tensor:
        prompts = len(grid_NChw) // len(features.grid_BChw)
        quarter = features.quarter_BMHW.repeat_interleave(prompts, 0)
        half = features.half_BMHW.repeat_interleave(prompts, 0)
        pixels = functional.gelu(self.up_to_quarter(grid_NChw) + quarter)
        return functional.gelu(self.up_to_half(pixels) + half)


def sine_positions(height: int, width: int, channels: int) -> Tensor:
    """Return sines and cosines of both coordinates, (1, channels, height, width)."""
    frequencies = 2 * torch.pi * 2.0 ** torch.linspace(-1, 3.5, channels // 4)
    rows = (torch.arange(height) + 0.5) / height
    columns = (torch.arange(width) + 0.5) / width
    y = (rows[:, None] * frequencies)[:, None].expand(height, width, -1)
    x = (columns[:, None] * frequencies)[None].expand(height, width, -1)
    waves = torch.cat([x.sin(), x.cos(), y.sin(), y.cos()], -1)
    return waves.permute(2, 0, 1)[None]


def _head(width: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, outputs))
