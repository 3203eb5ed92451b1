"""EfficientSAM (Xiong et al. 2023) as a segmenter: a plain ViT before a SAM decoder.

Shape suffixes: B images, P prompts per image, C prompt width, H W image size, h w features,
T tokens (h * w), D encoder width.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional

from evf_sam_ros.models.mask_decoder import MaskDecoder, MaskDecoderConfig, grid_positions
from evf_sam_ros.models.segmenter import Decoded, Segmenter

_LAYER_NORM_EPS = 1e-6


@dataclass(frozen=True, kw_only=True)
class EfficientSamConfig:
    """Sizes of an EfficientSAM; the defaults are those both released ones share."""

    width: int
    heads: int
    depth: int = 12
    image_side: int = 1024  # pixels
    patch: int = 16  # pixels
    pretrained_side: int = 224  # pixels: the size its position table was learned at
    feed_forward_ratio: float = 4.0
    prompt_width: int = 256
    upscaled: tuple[int, int] = (64, 32)  # channels while masks are enlarged
    decoder: MaskDecoderConfig = field(default_factory=MaskDecoderConfig)

    def __post_init__(self) -> None:
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is not a multiple of heads {self.heads}")
        for side in (self.image_side, self.pretrained_side):
            if side % self.patch:
                raise ValueError(f"a side of {side} pixels is not a multiple of {self.patch}")


class EfficientSam(Segmenter):
    """Encode with a ViT without windows; the prompt goes straight to the decoder."""

    def __init__(self, config: EfficientSamConfig) -> None:
        super().__init__()
        self.prompt_width = config.prompt_width
        self.image_encoder = ImageEncoder(config)
        self.prompt_encoder = PromptEncoder(config.prompt_width)
        self.mask_decoder = MaskDecoder(config.prompt_width, config.decoder, config.upscaled)

    def encode(self, images_B3HW: Tensor) -> Tensor:
        """Return image features (B, C, h, w)."""
        return self.image_encoder(images_B3HW)

    def decode(self, features_BChw: Tensor, prompts_BPC: Tensor) -> Decoded:
        positions_Chw = self.prompt_encoder.positions(*features_BChw.shape[2:])
        decoded = [
            self.mask_decoder(features_Chw[None], positions_Chw.to(features_Chw.dtype), prompts_PC)
            for features_Chw, prompts_PC in zip(features_BChw, prompts_BPC, strict=True)
        ]
        logits_BPMhw = torch.stack([masks_PMhw for masks_PMhw, _ in decoded])
        iou_BPM = torch.stack([iou_PM for _, iou_PM in decoded])
        return Decoded(logits_BPMhw[:, :, 0], iou_BPM[:, :, 0])


class PromptEncoder(nn.Module):
    """Prompt embeddings of the released weights for points and boxes; text needs `positions`."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.pe_layer = nn.Module()
        self.pe_layer.register_buffer(
            "positional_encoding_gaussian_matrix", torch.randn(2, width // 2)
        )
        self.invalid_points = nn.Embedding(1, width)
        self.point_embeddings = nn.Embedding(1, width)
        self.bbox_top_left_embeddings = nn.Embedding(1, width)
        self.bbox_bottom_right_embeddings = nn.Embedding(1, width)

    def positions(self, height: int, width: int) -> Tensor:
        matrix_2F = self.pe_layer.get_buffer("positional_encoding_gaussian_matrix")
        return grid_positions(matrix_2F, height, width)


class ImageEncoder(nn.Module):
    """ViT with full attention, then a convolutional neck."""

    def __init__(self, config: EfficientSamConfig) -> None:
        super().__init__()
        self.image_side = config.image_side
        self.patch_embed = nn.ModuleDict(
            {"proj": nn.Conv2d(3, config.width, config.patch, config.patch)}
        )
        pretrained_patches = (config.pretrained_side // config.patch) ** 2
        self.pos_embed = nn.Parameter(torch.zeros(1, pretrained_patches + 1, config.width))
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.depth))
        self.neck = nn.Sequential(
            nn.Conv2d(config.width, config.prompt_width, 1, bias=False),
            LayerNorm2d(config.prompt_width),
            nn.Conv2d(config.prompt_width, config.prompt_width, 3, padding=1, bias=False),
            LayerNorm2d(config.prompt_width),
        )

    def forward(self, images_B3HW: Tensor) -> Tensor:
        self.check(images_B3HW)
        patches_BDhw = self.patch_embed["proj"](images_B3HW)
        tokens_BTD = patches_BDhw.flatten(2).transpose(1, 2)
        tokens_BTD = tokens_BTD + self.positions(patches_BDhw.shape[-1]).to(tokens_BTD.dtype)
        for block in self.blocks:
            tokens_BTD = block(tokens_BTD)
        return self.neck(tokens_BTD.transpose(1, 2).unflatten(2, patches_BDhw.shape[2:]))

    def check(self, images_B3HW: Tensor) -> None:
        """Raise ValueError for images of another size."""
        if images_B3HW.shape[-2:] != (self.image_side, self.image_side):
            raise ValueError(
                f"the image is {tuple(images_B3HW.shape[-2:])}, "
                f"this encoder takes {(self.image_side, self.image_side)}"
            )

    def positions(self, side: int) -> Tensor:
        """Return the position table of a grid of that side, (1, T, D)."""
        table_1TD = self.pos_embed[:, 1:]  # the first row belongs to a [CLS] that is not there
        stored_side = round(table_1TD.shape[1] ** 0.5)
        if stored_side == side:
            return table_1TD
        table_1Dhw = table_1TD.transpose(1, 2).unflatten(2, (stored_side, stored_side))
        resized_1Dhw = functional.interpolate(
            table_1Dhw.float(), (side, side), mode="bicubic", align_corners=False
        )
        return resized_1Dhw.flatten(2).transpose(1, 2)


class Block(nn.Module):
    """Pre-norm transformer block."""

    def __init__(self, config: EfficientSamConfig) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(config.width, _LAYER_NORM_EPS)
        self.attn = Attention(config.width, config.heads)
        self.norm2 = nn.LayerNorm(config.width, _LAYER_NORM_EPS)
        self.mlp = FeedForward(config.width, int(config.width * config.feed_forward_ratio))

    def forward(self, tokens_BTD: Tensor) -> Tensor:
        tokens_BTD = tokens_BTD + self.attn(self.norm1(tokens_BTD))
        return tokens_BTD + self.mlp(self.norm2(tokens_BTD))


class Attention(nn.Module):
    """Multi-head self-attention with one projection for queries, keys and values."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, tokens_BTD: Tensor) -> Tensor:
        qkv = self.qkv(tokens_BTD).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        attended = functional.scaled_dot_product_attention(*qkv.unbind(0))
        return self.proj(attended.transpose(1, 2).flatten(2))


class FeedForward(nn.Module):
    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, tokens_BTD: Tensor) -> Tensor:
        return self.fc2(functional.gelu(self.fc1(tokens_BTD)))


class LayerNorm2d(nn.Module):
    """Normalise the channels at each place of a feature map."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, features_BChw: Tensor) -> Tensor:
        last = features_BChw.movedim(1, -1)
        normed = functional.layer_norm(
            last, last.shape[-1:], self.weight, self.bias, _LAYER_NORM_EPS
        )
        return normed.movedim(-1, 1)
