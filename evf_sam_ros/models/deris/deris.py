"""DeRIS behind the interface of EVF-SAM.

Shape suffixes: B images, P prompts per image, L text tokens, S S BEIT-3's image size.
"""

from typing import Any

from torch import Tensor, nn

from evf_sam_ros.models.beit3 import Beit3
from evf_sam_ros.models.deris.prompts import Projections
from evf_sam_ros.models.deris.query_segmenter import DerisSegmenter
from evf_sam_ros.models.evf_sam import EvfSam


class Deris(EvfSam):
    """An `EvfSam` that reads all tokens of BEIT-3, and whose queries find the objects."""

    prompts_by_first_token = False

    def __init__(self, encoder: Beit3, segmenter: DerisSegmenter) -> None:
        nn.Module.__init__(self)  # EVF-SAM projects one token
        config = encoder.config
        height, width = (side // config.patch for side in config.image_size)
        queries = segmenter.config.queries.queries
        self.encoder = encoder
        self.projector: Any = Projections(
            config.width, segmenter.prompt_width, queries, (height, width)
        )
        self.segmenter: Any = segmenter

    def prompt(self, fusion_B3SS: Tensor, tokens_BPL: Tensor, padding_BPL: Tensor) -> Any:
        """Return what BEIT-3 read for each prompt, as `DerisPrompts`."""
        tokens_NTD = self.encoder(fusion_B3SS, tokens_BPL, padding_BPL)
        return self.projector(tokens_NTD, padding_BPL)
