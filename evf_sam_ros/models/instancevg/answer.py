"""From what BEIT-3 read to masks of objects, their scores, and one mask per prompt.

Shape suffixes: B images, P prompts per image, N = B * P, Q queries, C width, h w mask features,
H W image size.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from evf_sam_ros.models.bridge.pyramid import FeaturePyramid
from evf_sam_ros.models.instancevg.instancevg_config import InstanceVgConfig
from evf_sam_ros.models.instancevg.perceptron import perceptron
from evf_sam_ros.models.instancevg.point_decoder import Decoding, PointDecoder
from evf_sam_ros.models.instancevg.reader import Queries, TokenReader
from evf_sam_ros.models.instancevg.unet import UNet
from evf_sam_ros.models.segmenter import Decoded, Instances

SCALES = (4, 2, 1, 0.5)  # of the pyramid against the patches, the finest first
_NORM_EPSILON = 1e-5
_INSIDE = 1e-3  # how near to 0 and 1 a reference counts where a box starts from it


@dataclass(frozen=True)
class InstanceVgAnswer:
    """Everything that the model says to N sentences."""

    queries: Queries
    decoding: Decoding
    features_NChw: Tensor
    masks_NQhw: Tensor  # logits of each query
    global_Nhw: Tensor  # logits of all objects together, from no query
    no_target_N2: Tensor  # logits: there is a target, there is none
    classes_NQ2: Tensor  # logits: the sentence means it, it does not
    boxes_NQ4: Tensor  # centre x, y, width, height, 0..1

    @property
    def scores_NQ(self) -> Tensor:
        """Score of each query, 0..1."""
        # Of the two logits, a softmax in training, inference takes the sigmoid of the first.
        target_N = self.no_target_N2.float()[:, 0].sigmoid()
        return self.classes_NQ2.float().softmax(-1)[..., 0] * target_N[:, None]


class InstanceVgSegmenter(nn.Module):
    """Pyramid, queries and heads; a picture's features are made with each prompt anew."""

    def __init__(self, config: InstanceVgConfig) -> None:
        super().__init__()
        width = config.width
        self.config = config
        self.prompt_width = width
        self.pyramid = FeaturePyramid(width, width, SCALES, _NORM_EPSILON)
        self.unet = UNet(width)
        self.reader = TokenReader(config)
        self.decoder = PointDecoder(config)
        self.mask = nn.Conv2d(width, 1, 1)
        self.no_target = perceptron(width, width, 2)
        self.classes = nn.Linear(width, 2)
        self.box = perceptron(width, width, 4)

    def encode(self, images_B3HW: Tensor) -> Tensor:
        """Return nothing but the picture: without the words the model sees none of it."""
        return images_B3HW

    def decode(self, features: Tensor, prompts: Any) -> Decoded:
        """Return one mask per prompt, and the objects it is made of.

        Args:
            features: the pictures, (B, 3, H, W); only their size counts.
            prompts: of B images with P sentences each.
        """
        answer = self.answer(prompts)
        size, shape = features.shape[2:], prompts.padding_BPL.shape[:2]
        masks_NQHW = enlarged(answer.masks_NQhw, size)
        global_NHW = enlarged(answer.global_Nhw[:, None], size)[:, 0]
        chosen_NQ = selected(answer.scores_NQ, self.config.score_threshold)
        best_N = answer.scores_NQ.amax(1)
        threshold = torch.tensor(self.config.score_threshold, device=best_N.device)
        votes_N2 = answer.no_target_N2.float()
        return Decoded(
            logits=merged(masks_NQHW, global_NHW, chosen_NQ).unflatten(0, shape),
            predicted_iou=best_N.unflatten(0, shape),
            presence=(best_N.logit() - threshold.logit()).unflatten(0, shape),
            # Both logits, as training had them; the score takes the first alone.
            existence=(votes_N2[:, 0] - votes_N2[:, 1]).unflatten(0, shape),
            instances=Instances(
                logits=masks_NQHW.unflatten(0, shape),
                scores=answer.scores_NQ.unflatten(0, shape),
                is_selected=chosen_NQ.unflatten(0, shape),
            ),
        )

    def answer(self, prompts: Any) -> InstanceVgAnswer:
        """Return what the queries say, and what follows from it."""
        pyramid = self.pyramid(prompts.patches_BPChw.flatten(0, 1))
        features_NChw = self.unet(pyramid)
        queries = self.start_queries(prompts)
        decoding = self.decoder(queries.start_NQC, queries.points_NQ2, pyramid)
        states_NQC = decoding.states[-1]
        votes_NK2 = self.no_target(features_NChw.flatten(2).transpose(1, 2))
        return InstanceVgAnswer(
            queries=queries,
            decoding=decoding,
            features_NChw=features_NChw,
            masks_NQhw=torch.einsum("nqc,nchw->nqhw", states_NQC, features_NChw),
            global_Nhw=self.mask(features_NChw)[:, 0],
            no_target_N2=votes_NK2.mean(1),
            classes_NQ2=self.classes(states_NQC),
            boxes_NQ4=self.boxes(states_NQC, decoding.references_NQ2),
        )

    def start_queries(self, prompts: Any) -> Queries:
        """Return where the queries start, and what the words look at."""
        read = (prompts.patches_BPChw, prompts.words_BPLC, prompts.padding_BPL)
        queries: Queries = self.reader(*(each.flatten(0, 1) for each in read))
        return queries

    def boxes(self, states_NQC: Tensor, references_NQ2: Tensor) -> Tensor:
        """Return a box per query, (N, Q, 4), which starts from its reference."""
        shift_NQ4 = self.box(states_NQC).float()
        inside_NQ2 = references_NQ2.clamp(0, 1)
        start_NQ2 = (inside_NQ2.clamp(min=_INSIDE) / (1 - inside_NQ2).clamp(min=_INSIDE)).log()
        return torch.cat([shift_NQ4[..., :2] + start_NQ2, shift_NQ4[..., 2:]], -1).sigmoid()


def selected(scores_NQ: Tensor, threshold: float) -> Tensor:
    """Return which queries belong to the answer, (N, Q) bool."""
    return scores_NQ > threshold


def enlarged(masks_NQhw: Tensor, size: Any) -> Tensor:
    """Return mask logits at the size of the model's input, (N, Q, H, W) float32."""
    return functional.interpolate(
        masks_NQhw.float(), tuple(size), mode="bilinear", align_corners=True
    )


def merged(masks_NQHW: Tensor, global_NHW: Tensor, chosen_NQ: Tensor) -> Tensor:
    """Return the logits of the chosen masks and the global mask together, (N, H, W)."""
    hidden_NQHW = masks_NQHW.masked_fill(~chosen_NQ[..., None, None], -torch.inf)
    return torch.maximum(hidden_NQHW.amax(1), global_NHW)
