"""Object queries with two branches: SAM's features give the masks, CLIP's give the meaning.

Shape suffixes: N sentences, Q queries, C width, K places (h * w), h w grid, D width of the space
that CLIP shares between pictures and words, M texts.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from evf_sam_ros.models.bridge.config import QueryConfig
from evf_sam_ros.models.bridge.pyramid import grid_sines

FIRST_TEMPERATURE = 1 / 0.07  # of the similarities, as CLIP started its own


@dataclass(frozen=True)
class Prediction:
    """Output of the queries after one layer."""

    masks_NQhw: Tensor  # logits, of the size of SAM's features
    objects_NQC: Tensor  # what each query found, to be compared with texts


class QueryModule(nn.Module):
    """Queries read SAM's pyramid layer by layer; what they find there asks CLIP's."""

    def __init__(self, width: int, joint_width: int, config: QueryConfig) -> None:
        super().__init__()
        self.queries = nn.Parameter(torch.randn(config.queries, width))
        self.positions = nn.Parameter(torch.randn(config.queries, width))
        self.level_embed = nn.Parameter(torch.randn(config.depth, width))
        self.sam = nn.ModuleList(QueryLayer(width, config) for _ in range(config.depth))
        self.clip = nn.ModuleList(QueryLayer(width, config) for _ in range(config.depth))
        self.mask_norm = nn.LayerNorm(width)
        self.object_norm = nn.LayerNorm(width)
        self.mask = nn.Sequential(
            *(nn.Linear(width, width), nn.ReLU()),
            *(nn.Linear(width, width), nn.ReLU()),
            nn.Linear(width, width),
        )
        self.object = nn.Linear(width, width)
        self.to_sentences = nn.Linear(width, width)
        self.to_clip = nn.Linear(width, joint_width)
        first = torch.tensor(FIRST_TEMPERATURE).log()
        self.sentence_temperature = nn.Parameter(first.clone())  # of the logarithm
        self.clip_temperature = nn.Parameter(first.clone())

    def forward(
        self,
        features_NChw: Tensor,
        sam_pyramid: Sequence[Tensor],
        clip_pyramid: Sequence[Tensor],
    ) -> list[Prediction]:
        """Return what the queries say before the first layer and after each.

        Args:
            features_NChw: SAM's, which the masks are read from.
            sam_pyramid: one grid (N, C, h, w) per layer, the coarsest first.
            clip_pyramid: likewise, fused with the words.
        """
        queries_NQC = self.queries.expand(len(features_NChw), -1, -1)
        said = [self._predict(queries_NQC, queries_NQC, features_NChw)]
        levels = zip(self.sam, self.clip, sam_pyramid, clip_pyramid, strict=True)
        for level, (sam, clip, sam_grid, clip_grid) in enumerate(levels):
            places = self.level_embed[level]
            masks_NQhw = said[-1].masks_NQhw.detach()
            queries_NQC = sam(queries_NQC, self.positions, sam_grid, places, masks_NQhw)
            # What CLIP's grid says never comes back to the queries: masks stay SAM's affair.
            found_NQC = clip(queries_NQC, self.positions, clip_grid, places, masks_NQhw)
            said.append(self._predict(queries_NQC, found_NQC, features_NChw))
        return said

    def similar_sentences(self, objects_NQC: Tensor, sentences_MC: Tensor) -> Tensor:
        """Return how well each query fits each sentence's [CLS], (N, Q, M) logits."""
        return self.sentence_temperature.exp() * _cosine(
            self.to_sentences(objects_NQC), sentences_MC
        )

    def similar_to_clip(self, objects_NQC: Tensor, texts_MD: Tensor) -> Tensor:
        """Return how well each query fits each text that CLIP embedded, (N, Q, M) logits."""
        return self.clip_temperature.exp() * _cosine(self.to_clip(objects_NQC), texts_MD)

    def _predict(
        self, queries_NQC: Tensor, found_NQC: Tensor, features_NChw: Tensor
    ) -> Prediction:
        mask_NQC = self.mask(self.mask_norm(queries_NQC))
        return Prediction(
            masks_NQhw=torch.einsum("nqc,nchw->nqhw", mask_NQC, features_NChw),
            objects_NQC=self.object(self.object_norm(found_NQC)),
        )


class NoTarget(nn.Module):
    """Say whether there is a target: each query votes, the surest vote of each kind counts."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.votes = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 2))

    def forward(self, objects_NQC: Tensor) -> Tensor:
        """Return two logits per sentence, (N, 2): there is a target, there is none."""
        return self.votes(objects_NQC).amax(1)


class QueryLayer(nn.Module):
    """Masked attention to a grid, attention among queries, feed-forward; norms come last."""

    def __init__(self, width: int, config: QueryConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.cross = nn.MultiheadAttention(width, config.heads, batch_first=True)
        self.cross_norm = nn.LayerNorm(width)
        self.own = nn.MultiheadAttention(width, config.heads, batch_first=True)
        self.own_norm = nn.LayerNorm(width)
        self.feed_forward = nn.Sequential(
            nn.Linear(width, config.feed_forward),
            nn.ReLU(),
            nn.Linear(config.feed_forward, width),
        )
        self.feed_forward_norm = nn.LayerNorm(width)

    def forward(
        self,
        queries_NQC: Tensor,
        positions_QC: Tensor,
        grid_NChw: Tensor,
        level_C: Tensor,
        masks_NQhw: Tensor,
    ) -> Tensor:
        values_NKC = grid_NChw.flatten(2).transpose(1, 2) + level_C
        size = (grid_NChw.shape[2], grid_NChw.shape[3])
        places_KC = grid_sines(*size, values_NKC.shape[2], values_NKC).flatten(1).T
        read_NQC, _ = self.cross(
            queries_NQC + positions_QC,
            values_NKC + places_KC,
            values_NKC,
            attn_mask=hidden_places(masks_NQhw, size).repeat_interleave(self.heads, 0),
            need_weights=False,
        )
        queries_NQC = self.cross_norm(queries_NQC + read_NQC)
        placed_NQC = queries_NQC + positions_QC
        read_NQC, _ = self.own(placed_NQC, placed_NQC, queries_NQC, need_weights=False)
        queries_NQC = self.own_norm(queries_NQC + read_NQC)
        return self.feed_forward_norm(queries_NQC + self.feed_forward(queries_NQC))


def hidden_places(masks_NQhw: Tensor, size: tuple[int, int]) -> Tensor:
    """Return where each query must not look, (N, Q, K) bool: outside its own mask.

    A query whose mask is empty at this size looks everywhere.
    """
    resized = functional.interpolate(
        masks_NQhw.float(), size, mode="bilinear", align_corners=False
    )
    hidden_NQK = (resized < 0).flatten(2)
    return hidden_NQK & ~hidden_NQK.all(-1, keepdim=True)


def _cosine(objects_NQE: Tensor, texts_ME: Tensor) -> Tensor:
    return functional.normalize(objects_NQE, dim=-1) @ functional.normalize(texts_ME, dim=-1).T
