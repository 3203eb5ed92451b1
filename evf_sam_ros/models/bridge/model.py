"""The SAM-CLIP bridge (Ito, WACV 2025) behind the interface of EVF-SAM.

Shape suffixes: B images, P prompts per image, L text tokens, S S CLIP's image size.
"""

from typing import Any

from torch import Tensor, nn

from evf_sam_ros.models.bridge.encoder import BridgeEncoder
from evf_sam_ros.models.bridge.segmenter import BridgeSegmenter
from evf_sam_ros.models.evf_sam import EvfSam


class SamClipBridge(EvfSam):
    """An `EvfSam` whose encoder hands on a token, a grid and a pyramid instead of one token."""

    def __init__(self, encoder: BridgeEncoder, segmenter: BridgeSegmenter) -> None:
        nn.Module.__init__(self)  # EVF-SAM projects a tensor, the bridge does not
        if encoder.config.width != segmenter.prompt_width:
            raise ValueError(
                f"the encoder's width is {encoder.config.width}, "
                f"but the segmenter takes prompts of {segmenter.prompt_width}"
            )
        self.encoder = encoder
        self.projector: Any = nn.Identity()
        self.segmenter: Any = segmenter

    def prompt(self, fusion_B3SS: Tensor, tokens_BPL: Tensor, padding_BPL: Tensor) -> Any:
        """Return what each prompt tells the segmenter, as `BridgePrompts`."""
        return self.encoder(fusion_B3SS, tokens_BPL, padding_BPL)
