"""EVF-SAM: an encoder fuses words and picture, and the result prompts a SAM.

Shape suffixes: B images, P prompts per image, L text tokens, T fused tokens, D encoder width,
C prompt width, S S fusion image size, H W segmenter image size.
"""

from typing import Any

from torch import Tensor, nn

from evf_sam_ros.models.encoder import Encoder
from evf_sam_ros.models.segmenter import Decoded, Segmenter


class EvfSam(nn.Module):
    """An `Encoder`, early fusion in EVF-SAM's own, in front of any `Segmenter` (figure 2)."""

    prompts_by_first_token = True  # the only one that the projector takes

    def __init__(self, encoder: Encoder, segmenter: Segmenter) -> None:
        super().__init__()
        self.encoder: Any = encoder  # training looks into BEIT-3
        self.projector = nn.Sequential(
            nn.Linear(encoder.width, encoder.width),
            nn.ReLU(),
            nn.Linear(encoder.width, segmenter.prompt_width),
        )
        self.segmenter = segmenter

    def prompt(self, fusion_B3SS: Tensor, tokens_BPL: Tensor, padding_BPL: Tensor) -> Tensor:
        """Fuse each image with its prompts; each fused [CLS] becomes one prompt, (B, P, C)."""
        fused_NTD = self.encoder(fusion_B3SS, tokens_BPL, padding_BPL)
        cls_BPD = fused_NTD[:, 0].unflatten(0, tokens_BPL.shape[:2])
        return self.projector(cls_BPD)

    def forward(
        self, fusion_B3SS: Tensor, images_B3HW: Tensor, tokens_BPL: Tensor, padding_BPL: Tensor
    ) -> Decoded:
        """Segment what each prompt refers to in its image."""
        prompts_BPC = self.prompt(fusion_B3SS, tokens_BPL, padding_BPL)
        return self.segmenter.decode(self.segmenter.encode(images_B3HW), prompts_BPC)
