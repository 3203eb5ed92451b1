"""InstanceVG behind the interface of EVF-SAM.

Shape suffixes: B images, P prompts per image, N = B * P, L text tokens, T fused tokens, D
encoder width, C width, S S BEIT-3's image size, h w patches.
"""

from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from evf_sam_ros.models.beit3 import Beit3
from evf_sam_ros.models.evf_sam import EvfSam
from evf_sam_ros.models.instancevg.answer import InstanceVgSegmenter


@dataclass(frozen=True)
class InstanceVgPrompts:
    """Output of BEIT-3 for each prompt; it is also the only encoding of the picture."""

    patches_BPChw: Tensor
    words_BPLC: Tensor
    padding_BPL: Tensor  # True where a token only fills up its row


class Projections(nn.Module):
    """Linear layers without bias from BEIT-3's tokens to the head's width."""

    def __init__(self, inputs: int, width: int, grid: tuple[int, int]) -> None:
        super().__init__()
        self.grid = grid
        self.patches = nn.Conv2d(inputs, width, 1, bias=False)
        self.words = nn.Linear(inputs, width, bias=False)

    def forward(self, tokens_NTD: Tensor, padding_BPL: Tensor) -> InstanceVgPrompts:
        """Return what the head reads; the picture's [CLS] is left out."""
        shape, length = padding_BPL.shape[:2], padding_BPL.shape[2]
        split = tokens_NTD.shape[1] - length
        grid_NDhw = tokens_NTD[:, 1:split].transpose(1, 2).unflatten(2, self.grid)
        return InstanceVgPrompts(
            patches_BPChw=self.patches(grid_NDhw).unflatten(0, shape),
            words_BPLC=self.words(tokens_NTD[:, split:]).unflatten(0, shape),
            padding_BPL=padding_BPL,
        )


class InstanceVg(EvfSam):
    """An `EvfSam` that reads all tokens of BEIT-3, and whose queries find the objects."""

    prompts_by_first_token = False

    def __init__(self, encoder: Beit3, segmenter: InstanceVgSegmenter) -> None:
        nn.Module.__init__(self)  # EVF-SAM projects one token
        config = encoder.config
        height, width = (side // config.patch for side in config.image_size)
        self.encoder = encoder
        self.projector: Any = Projections(config.width, segmenter.prompt_width, (height, width))
        self.segmenter: Any = segmenter

    def prompt(self, fusion_B3SS: Tensor, tokens_BPL: Tensor, padding_BPL: Tensor) -> Any:
        """Return what BEIT-3 read for each prompt, as `InstanceVgPrompts`."""
        tokens_NTD = self.encoder(fusion_B3SS, tokens_BPL, padding_BPL)
        return self.projector(tokens_NTD, padding_BPL)
