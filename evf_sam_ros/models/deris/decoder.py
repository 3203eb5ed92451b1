"""The query decoder of DeRIS: masks from the picture, scores from the words, step by step.

Shape suffixes: N sentences, Q queries, C width, L text tokens, h w size of a grid.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from evf_sam_ros.models.bridge.config import QueryConfig
from evf_sam_ros.models.bridge.queries import QueryLayer
from evf_sam_ros.models.deris.pixels import PictureFeatures
from evf_sam_ros.models.deris.prompts import DerisPrompts
from evf_sam_ros.models.deris.word_loop import Loopback


@dataclass(frozen=True)
class Step:
    """Outputs of the queries at one step; the scores come after the masks."""

    masks_NQhw: Tensor  # logits, at a quarter of the image's size
    boxes_NQ4: Tensor  # centre x, y, width, height, 0..1; the published models never learned them
    classes_NQ2: Tensor  # logits: an object, none; neither learned nor used
    scores_NQ2: Tensor  # logits: the sentence means it, it does not
    refer_NQC: Tensor  # what the query refers to
    queries_NQC: Tensor  # of the next step


class QueryDecoder(nn.Module):
    """Queries read the picture where their masks are, and the words after each look."""

    def __init__(self, width: int, config: QueryConfig) -> None:
        super().__init__()
        self.positions = nn.Parameter(torch.randn(config.queries, width))
        self.level_embed = nn.Parameter(torch.randn(config.depth, width))
        self.fuse = nn.Conv2d(2 * width, width, 1)
        self.layers = nn.ModuleList(QueryLayer(width, config) for _ in range(config.depth))
        self.loops = nn.ModuleList(
            Loopback(width, config.heads, config.feed_forward) for _ in range(config.depth + 1)
        )
        self.norm = nn.LayerNorm(width)
        self.mask = _perceptron(width, width)
        self.box = _perceptron(width, 4)
        self.classes = nn.Linear(width, 2)
        self.score = nn.Linear(width, 2)

    def forward(self, picture: PictureFeatures, prompts: DerisPrompts) -> list[Step]:
        """Return what the queries say before the first layer and after each.

        Args:
            picture: of each sentence, (N, ...).
            prompts: of B images with P sentences each, N in all.
        """
        fused_NChw = self._fused(picture.mask_features_BChw, prompts.patches_BPChw.flatten(0, 1))
        words = prompts.words_BPLC.flatten(0, 1), prompts.padding_BPL.flatten(0, 1)
        queries_NQC = prompts.start_QC.expand(len(fused_NChw), -1, -1)
        steps = [self._step(0, queries_NQC, fused_NChw, words)]
        for index, layer in enumerate(self.layers):
            last = steps[-1]
            queries_NQC = layer(
                last.queries_NQC, self.positions, picture.levels[index],
                self.level_embed[index], last.masks_NQhw.detach(),
            )  # fmt: skip
            steps.append(self._step(index + 1, queries_NQC, fused_NChw, words))
        return steps

    def _fused(self, features_NChw: Tensor, patches_NChw: Tensor) -> Tensor:
        raised = functional.interpolate(
            patches_NChw, features_NChw.shape[2:], mode="bilinear", align_corners=False
        )
        return self.fuse(torch.cat([features_NChw, raised], 1))

    def _step(
        self, index: int, queries_NQC: Tensor, fused_NChw: Tensor, words: tuple[Tensor, Tensor]
    ) -> Step:
        normed_NQC = self.norm(queries_NQC)
        masks_NQhw = torch.einsum("nqc,nchw->nqhw", self.mask(normed_NQC), fused_NChw)
        refer_NQC, next_NQC = self.loops[index](queries_NQC, *words)
        return Step(
            masks_NQhw=masks_NQhw,
            boxes_NQ4=self.box(normed_NQC).sigmoid(),
            classes_NQ2=self.classes(normed_NQC),
            scores_NQ2=self.score(refer_NQC),
            refer_NQC=refer_NQC,
            queries_NQC=next_NQC,
        )


def _perceptron(width: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        *(nn.Linear(width, width), nn.ReLU()),
        *(nn.Linear(width, width), nn.ReLU()),
        nn.Linear(width, outputs),
    )
