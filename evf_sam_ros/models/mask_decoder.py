"""EfficientSAM's mask decoder, and the positions every SAM decoder adds to its image features.

Shape suffixes: N prompts (of one image), Q query tokens, K image tokens (h * w), C width,
h w feature size, M mask tokens.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

MASK_TOKENS = 4  # one for "the" mask, three for whole, part and subpart


@dataclass(frozen=True, kw_only=True)
class MaskDecoderConfig:
    """Sizes of a SAM mask decoder; the defaults are those of every released one."""

    depth: int = 2
    heads: int = 8
    feed_forward: int = 2048
    iou_hidden: int = 256
    iou_hidden_layers: int = 2


class MaskDecoder(nn.Module):
    """Two-way transformer between prompt and image, then one mask per mask token."""

    def __init__(self, width: int, config: MaskDecoderConfig, upscaled: tuple[int, int]) -> None:
        super().__init__()
        self.transformer = TwoWayTransformer(width, config)
        self.iou_token = nn.Embedding(1, width)
        self.mask_tokens = nn.Embedding(MASK_TOKENS, width)
        coarse, fine = upscaled
        self.final_output_upscaling_layers = nn.ModuleList(
            [
                nn.Sequential(
                    nn.ConvTranspose2d(width, coarse, 2, stride=2),
                    nn.GroupNorm(1, coarse),
                    nn.GELU(),
                ),
                nn.Sequential(nn.ConvTranspose2d(coarse, fine, 2, stride=2), nn.GELU()),
            ]
        )
        self.output_hypernetworks_mlps = nn.ModuleList(
            Mlp(width, (width, width), fine) for _ in range(MASK_TOKENS)
        )
        hidden = (config.iou_hidden,) * config.iou_hidden_layers
        self.iou_prediction_head = Mlp(width, hidden, MASK_TOKENS)

    def forward(
        self, features_1Chw: Tensor, positions_Chw: Tensor, prompts_NC: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return mask logits (N, M, 4h, 4w) and predicted IoU (N, M), unclamped."""
        outputs_OC = torch.cat([self.iou_token.weight, self.mask_tokens.weight])
        outputs_NOC = outputs_OC.expand(len(prompts_NC), -1, -1).to(prompts_NC.dtype)
        queries_NQC = torch.cat([outputs_NOC, prompts_NC[:, None]], 1)
        keys_NKC = features_1Chw.flatten(2).transpose(1, 2).expand(len(prompts_NC), -1, -1)
        positions_KC = positions_Chw.flatten(1).T

        queries_NQC, keys_NKC = self.transformer(queries_NQC, keys_NKC, positions_KC)
        masks_NMhw = self._masks(queries_NQC[:, 1 : 1 + MASK_TOKENS], keys_NKC, features_1Chw)
        return masks_NMhw, self.iou_prediction_head(queries_NQC[:, 0])

    def _masks(self, tokens_NMC: Tensor, keys_NKC: Tensor, features_1Chw: Tensor) -> Tensor:
        upscaled = keys_NKC.transpose(1, 2).unflatten(2, features_1Chw.shape[2:])
        for layer in self.final_output_upscaling_layers:
            upscaled = layer(upscaled)
        weights = [
            mlp(token_NC)
            for mlp, token_NC in zip(
                self.output_hypernetworks_mlps, tokens_NMC.unbind(1), strict=True
            )
        ]
        return torch.einsum("nmc,nchw->nmhw", torch.stack(weights, 1), upscaled)


class TwoWayTransformer(nn.Module):
    """Prompt tokens read the image and the image reads them, layer by layer."""

    def __init__(self, width: int, config: MaskDecoderConfig) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            TwoWayBlock(width, config, first=index == 0) for index in range(config.depth)
        )
        self.final_attn_token_to_image = Attention(width, config.heads, width // 2)
        self.norm_final_attn = nn.LayerNorm(width)

    def forward(
        self, prompts_NQC: Tensor, keys_NKC: Tensor, positions_KC: Tensor
    ) -> tuple[Tensor, Tensor]:
        queries_NQC = prompts_NQC
        for layer in self.layers:
            queries_NQC, keys_NKC = layer(queries_NQC, keys_NKC, prompts_NQC, positions_KC)
        read_NQC = self.final_attn_token_to_image(
            queries_NQC + prompts_NQC, keys_NKC + positions_KC, keys_NKC
        )
        return self.norm_final_attn(queries_NQC + read_NQC), keys_NKC


class TwoWayBlock(nn.Module):
    """Self-attention of the prompt, prompt reads image, MLP, image reads prompt."""

    def __init__(self, width: int, config: MaskDecoderConfig, first: bool) -> None:
        super().__init__()
        self.first = first
        self.self_attn = Attention(width, config.heads, width)
        self.norm1 = nn.LayerNorm(width)
        self.cross_attn_token_to_image = Attention(width, config.heads, width // 2)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = Mlp(width, (config.feed_forward,), width)
        self.norm3 = nn.LayerNorm(width)
        self.norm4 = nn.LayerNorm(width)
        self.cross_attn_image_to_token = Attention(width, config.heads, width // 2)

    def forward(
        self, queries_NQC: Tensor, keys_NKC: Tensor, prompts_NQC: Tensor, positions_KC: Tensor
    ) -> tuple[Tensor, Tensor]:
        # EfficientSAM adds the prompt once and carries it on as values too; SAM does not.
        if not self.first:
            queries_NQC = queries_NQC + prompts_NQC
        attended_NQC = self.self_attn(queries_NQC, queries_NQC, queries_NQC)
        queries_NQC = self.norm1(queries_NQC + attended_NQC)

        placed_NKC = keys_NKC + positions_KC
        read_NQC = self.cross_attn_token_to_image(queries_NQC + prompts_NQC, placed_NKC, keys_NKC)
        queries_NQC = self.norm2(queries_NQC + read_NQC)
        queries_NQC = self.norm3(queries_NQC + self.mlp(queries_NQC))

        written_NKC = self.cross_attn_image_to_token(
            placed_NKC, queries_NQC + prompts_NQC, queries_NQC
        )
        return queries_NQC, self.norm4(keys_NKC + written_NKC)


class Attention(nn.Module):
    """Multi-head attention in a space that may be narrower than its input."""

    def __init__(self, width: int, heads: int, inner: int) -> None:
        super().__init__()
        if inner % heads:
            raise ValueError(f"an attention width of {inner} is not a multiple of {heads} heads")
        self.heads = heads
        self.q_proj = nn.Linear(width, inner)
        self.k_proj = nn.Linear(width, inner)
        self.v_proj = nn.Linear(width, inner)
        self.out_proj = nn.Linear(inner, width)

    def forward(self, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        q, k, v = (
            projected.unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for projected in (self.q_proj(queries), self.k_proj(keys), self.v_proj(values))
        )
        attended = functional.scaled_dot_product_attention(q, k, v)
        return self.out_proj(attended.transpose(1, 2).flatten(2))


class Mlp(nn.Module):
    """Linear layers with GELU between them, under EfficientSAM's parameter names."""

    def __init__(self, inputs: int, hidden: tuple[int, ...], outputs: int) -> None:
        super().__init__()
        widths = (inputs, *hidden)
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Linear(before, after), nn.GELU())
            for before, after in zip(widths, hidden, strict=False)
        )
        self.fc = nn.Linear(widths[-1], outputs)

    def forward(self, tokens: Tensor) -> Tensor:
        for layer in self.layers:
            tokens = layer(tokens)
        return self.fc(tokens)


def grid_positions(frequencies_2F: Tensor, height: int, width: int) -> Tensor:
    """Return Fourier features (2F, h, w), float32, of the cell centres of a grid."""
    frequencies_2F = frequencies_2F.float()
    device = frequencies_2F.device
    rows_h = (torch.arange(height, device=device) + 0.5) / height
    columns_w = (torch.arange(width, device=device) + 0.5) / width
    x_hw, y_hw = torch.meshgrid(columns_w, rows_h, indexing="xy")
    # Written out, not a matrix product: autocast would round that to half precision.
    x_hw1, y_hw1 = (2 * x_hw - 1)[..., None], (2 * y_hw - 1)[..., None]
    phases_hwF = 2 * math.pi * (x_hw1 * frequencies_2F[0] + y_hw1 * frequencies_2F[1])
    return torch.cat([phases_hwF.sin(), phases_hwF.cos()], -1).permute(2, 0, 1)
