"""SAM (Kirillov et al. 2023) as a segmenter, from the modules of the PyPI segment-anything.

Shape suffixes: B images, P prompts per image, C prompt width, H W image size, h w features.
"""

from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from evf_sam_ros.models.mask_decoder import MASK_TOKENS, MaskDecoderConfig, grid_positions
from evf_sam_ros.models.segment_anything import modeling
from evf_sam_ros.models.segmenter import Decoded, Segmenter


@dataclass(frozen=True, kw_only=True)
class SamConfig:
    """Sizes of a SAM; the defaults are those all released ones share."""

    width: int
    depth: int
    heads: int
    global_attention: tuple[int, ...]  # blocks without windows
    window: int = 14  # patches
    image_side: int = 1024  # pixels
    patch: int = 16  # pixels
    feed_forward_ratio: float = 4.0
    prompt_width: int = 256
    mask_channels: int = 16  # of the mask prompts, which text does not use
    decoder: MaskDecoderConfig = field(default_factory=MaskDecoderConfig)

    def __post_init__(self) -> None:
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is not a multiple of heads {self.heads}")
        if self.image_side % self.patch:
            raise ValueError(f"image_side {self.image_side} is not a multiple of {self.patch}")
        if any(not 0 <= block < self.depth for block in self.global_attention):
            raise ValueError(f"global_attention {self.global_attention}, depth {self.depth}")


class Neck(nn.Sequential):
    """The end of SAM's image encoder, in float32 where everything else is float16.

    The published code does the same: its numbers exceed the largest float16. Weights that are
    stored in float16 stay so.
    """

    def forward(self, grid_BDhw: Tensor) -> Tensor:
        """Return image features (B, C, h, w)."""
        kind = grid_BDhw.device.type
        if not _runs_in_float16(kind):
            for layer in self:
                grid_BDhw = layer(grid_BDhw)
            return grid_BDhw
        weights = {name: each.float() for name, each in self.named_parameters()}
        with torch.autocast(kind, enabled=False):
            features: Tensor = functional_call(self, weights, (grid_BDhw.float(),))
        return features.to(grid_BDhw.dtype)  # normed: none is large any more


def _runs_in_float16(kind: str) -> bool:
    enabled = torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind)
    return enabled and torch.get_autocast_dtype(kind) == torch.float16


class Sam(Segmenter):
    """Segment Anything, prompted by one token of text; its single-mask token answers."""

    def __init__(self, config: SamConfig) -> None:
        super().__init__()
        self.prompt_width = config.prompt_width
        self.image_side = config.image_side
        self.image_encoder = _image_encoder(config)
        layers: Any = self.image_encoder.neck
        self.image_encoder.neck = Neck(*layers)
        self.prompt_encoder: Any = prompt_encoder(
            config.prompt_width, config.image_side, config.patch, config.mask_channels
        )
        self.mask_decoder = _mask_decoder(config)

    def encode(self, images_B3HW: Tensor) -> Tensor:
        """Return image features (B, C, h, w)."""
        self.check(images_B3HW)
        return self.image_encoder(images_B3HW)

    def check(self, images_B3HW: Tensor) -> None:
        """Raise ValueError for images of another size."""
        if images_B3HW.shape[-2:] != (self.image_side, self.image_side):
            raise ValueError(
                f"the image is {tuple(images_B3HW.shape[-2:])}, "
                f"this encoder takes {(self.image_side, self.image_side)}"
            )

    def decode(
        self, features_BChw: Tensor, prompts_BPC: Tensor, dense_BPChw: Tensor | None = None
    ) -> Decoded:
        """Return one mask per prompt; `dense_BPChw` takes the place of "no mask"."""
        frequencies_2F = self.prompt_encoder.pe_layer.positional_encoding_gaussian_matrix
        positions_Chw = grid_positions(frequencies_2F, *features_BChw.shape[2:])
        if dense_BPChw is None:
            dense_1C11 = self.prompt_encoder.no_mask_embed.weight[..., None, None]
            dense_BPChw = dense_1C11.expand(len(features_BChw), -1, -1, -1, -1)
        # SAM's decoder takes several prompts of one image, not several images.
        decoded = [
            self.mask_decoder(
                image_embeddings=features_Chw[None],
                image_pe=positions_Chw.to(features_Chw.dtype)[None],
                sparse_prompt_embeddings=prompts_PC[:, None],
                dense_prompt_embeddings=dense_PChw,
                multimask_output=False,
            )
            for features_Chw, prompts_PC, dense_PChw in zip(
                features_BChw, prompts_BPC, dense_BPChw, strict=True
            )
        ]
        logits_BPhw = torch.stack([masks_P1hw[:, 0] for masks_P1hw, _ in decoded])
        return Decoded(logits_BPhw, torch.stack([iou_P1[:, 0] for _, iou_P1 in decoded]))


def _image_encoder(config: SamConfig) -> nn.Module:
    return modeling().ImageEncoderViT(
        img_size=config.image_side,
        patch_size=config.patch,
        embed_dim=config.width,
        depth=config.depth,
        num_heads=config.heads,
        mlp_ratio=config.feed_forward_ratio,
        out_chans=config.prompt_width,
        norm_layer=partial(nn.LayerNorm, eps=1e-6),
        use_rel_pos=True,
        window_size=config.window,
        global_attn_indexes=config.global_attention,
    )


def prompt_encoder(width: int, image_side: int, stride: int, mask_channels: int) -> Any:
    """Build a SAM's prompt encoder: positions, "no mask", and what text does not use."""
    features_side = image_side // stride
    return modeling().PromptEncoder(
        embed_dim=width,
        image_embedding_size=(features_side, features_side),
        input_image_size=(image_side, image_side),
        mask_in_chans=mask_channels,
    )


def _mask_decoder(config: SamConfig) -> nn.Module:
    transformer = modeling().TwoWayTransformer(
        depth=config.decoder.depth,
        embedding_dim=config.prompt_width,
        num_heads=config.decoder.heads,
        mlp_dim=config.decoder.feed_forward,
    )
    return modeling().MaskDecoder(
        transformer_dim=config.prompt_width,
        transformer=transformer,
        num_multimask_outputs=MASK_TOKENS - 1,
        iou_head_depth=config.decoder.iou_hidden_layers + 1,
        iou_head_hidden_dim=config.decoder.iou_hidden,
    )
