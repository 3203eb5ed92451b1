"""Projection of BEIT-3's tokens to what the queries of DeRIS read.

Shape suffixes: B images, P prompts per image, N = B * P, V vision tokens ([CLS] first), L text
tokens, T = V + L, D encoder width, C width, Q queries, h w patches.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class DerisPrompts:
    """Output of the encoder for each prompt."""

    patches_BPChw: Tensor  # of the picture, as the words made BEIT-3 see it
    words_BPLC: Tensor
    padding_BPL: Tensor  # True where a token only fills up its row
    start_QC: Tensor  # the queries before the first layer; the same for everything


class Projections(nn.Module):
    """Three linear layers, and the start of each query."""

    def __init__(self, inputs: int, width: int, queries: int, grid: tuple[int, int]) -> None:
        super().__init__()
        self.grid = grid
        self.patches = nn.Linear(inputs, width)
        self.words = nn.Linear(inputs, width)
        self.queries = nn.Linear(inputs, width)
        self.start = nn.Parameter(torch.randn(queries, inputs))

    def forward(self, tokens_NTD: Tensor, padding_BPL: Tensor) -> DerisPrompts:
        """Return what the queries read; the picture's [CLS] is left out.

        Args:
            tokens_NTD: as BEIT-3 gives them, the images' prompts one after the other.
            padding_BPL: True where a token only fills up its row.
        """
        images, prompts, length = padding_BPL.shape
        split = tokens_NTD.shape[1] - length
        patches_NKC = self.patches(tokens_NTD[:, 1:split])
        patches_NChw = patches_NKC.transpose(1, 2).unflatten(2, self.grid)
        return DerisPrompts(
            patches_BPChw=patches_NChw.unflatten(0, (images, prompts)),
            words_BPLC=self.words(tokens_NTD[:, split:]).unflatten(0, (images, prompts)),
            padding_BPL=padding_BPL,
            start_QC=self.queries(self.start),
        )
