"""SAM-2's mask decoder: SAM's, with finer features, an object token and an IoU in 0..1.

Shape suffixes: N prompts, T tokens per prompt, C width, h w image features, Q query tokens,
M mask tokens, F channels of the finest features. Masks are 4h x 4w.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from evf_sam_ros.models.mask_decoder import MASK_TOKENS, MaskDecoderConfig
from evf_sam_ros.models.segment_anything import modeling


@dataclass(frozen=True)
class Sam2Features:
    """Encoded images: the grid at stride 16, and the finer features that the decoder adds."""

    grid_BChw: Tensor
    eighth_BChw: Tensor  # stride 8, C / 4 channels
    quarter_BChw: Tensor  # stride 4, C / 8 channels


@dataclass(frozen=True)
class Candidates:
    """Every mask of every prompt; mask 0 is for prompts that leave no doubt."""

    logits_NMhw: Tensor
    iou_NM: Tensor  # 0..1
    presence_N: Tensor  # logit: the object is in the image
    tokens_NMC: Tensor  # what stands behind each mask; an object pointer in videos

    def best(self) -> Tensor:
        """Return which of masks 1 to 3 has the highest predicted IoU, (N,)."""
        return self.iou_NM[:, 1:].argmax(1) + 1


class MaskDecoder(nn.Module):
    """Two-way transformer between prompt and image, then one mask per mask token."""

    def __init__(self, width: int, config: MaskDecoderConfig) -> None:
        super().__init__()
        sam = modeling()
        self.transformer = sam.TwoWayTransformer(
            depth=config.depth,
            embedding_dim=width,
            num_heads=config.heads,
            mlp_dim=config.feed_forward,
        )
        self.obj_score_token = nn.Embedding(1, width)
        self.iou_token = nn.Embedding(1, width)
        self.mask_tokens = nn.Embedding(MASK_TOKENS, width)
        self.output_upscaling = nn.Sequential(
            nn.ConvTranspose2d(width, width // 4, 2, stride=2),
            sam.common.LayerNorm2d(width // 4),
            nn.GELU(),
            nn.ConvTranspose2d(width // 4, width // 8, 2, stride=2),
            nn.GELU(),
        )
        self.conv_s0 = nn.Conv2d(width, width // 8, 1)
        self.conv_s1 = nn.Conv2d(width, width // 4, 1)
        mlp = sam.mask_decoder.MLP
        self.output_hypernetworks_mlps = nn.ModuleList(
            mlp(width, width, width // 8, 3) for _ in range(MASK_TOKENS)
        )
        layers = config.iou_hidden_layers + 1
        self.iou_prediction_head = mlp(width, config.iou_hidden, MASK_TOKENS, layers)
        self.pred_obj_score_head = mlp(width, width, 1, 3)

    def forward(
        self,
        features: Sam2Features,
        positions_Chw: Tensor,
        dense_1C11: Tensor,
        prompts_NTC: Tensor,
    ) -> Candidates:
        """Decode prompts; `features` are repeated to one row per prompt.

        Args:
            positions_Chw: of the grid's cells.
            dense_1C11: what stands for "no mask given".
        """
        own = (self.obj_score_token, self.iou_token, self.mask_tokens)
        own_QC = torch.cat([token.weight for token in own]).to(prompts_NTC.dtype)
        own_NQC = own_QC.expand(len(prompts_NTC), -1, -1)
        grid_NChw = features.grid_BChw + dense_1C11
        tokens_NQC, cells_NKC = self.transformer(
            grid_NChw,
            positions_Chw.to(grid_NChw.dtype).expand_as(grid_NChw),
            torch.cat([own_NQC, prompts_NTC], 1),
        )
        masks_NMC = tokens_NQC[:, 2 : 2 + MASK_TOKENS]
        pixels_NFhw = self._upscaled(cells_NKC.transpose(1, 2).view_as(grid_NChw), features)
        weights = [
            mlp(token_NC)
            for mlp, token_NC in zip(
                self.output_hypernetworks_mlps, masks_NMC.unbind(1), strict=True
            )
        ]
        return Candidates(
            logits_NMhw=torch.einsum("nmf,nfhw->nmhw", torch.stack(weights, 1), pixels_NFhw),
            iou_NM=self.iou_prediction_head(tokens_NQC[:, 1]).sigmoid(),
            presence_N=self.pred_obj_score_head(tokens_NQC[:, 0])[:, 0],
            tokens_NMC=masks_NMC,
        )

    def _upscaled(self, grid_NChw: Tensor, features: Sam2Features) -> Tensor:
        to_eighth, norm, activation, to_quarter, _ = self.output_upscaling
        pixels = activation(norm(to_eighth(grid_NChw) + features.eighth_BChw))
        return functional.gelu(to_quarter(pixels) + features.quarter_BChw)
