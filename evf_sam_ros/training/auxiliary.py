"""Auxiliary heads, used in training only, that supervise each part of the model directly.

Without them the one prompt token takes far longer to find its place:
docs/measurements/default_model.md.

Shape suffixes: B images, P expressions, N = B * P, O objects, C features, D encoder width,
V vision tokens, G cells of the grid (h * w at stride 8), I patches (u * v at stride 16).
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from evf_sam_ros.models.compact import CompactFeatures
from evf_sam_ros.models.evf_sam import EvfSam
from evf_sam_ros.training.relative_geometry import GEOMETRY, geometry
from evf_sam_ros.training.tabletop_batches import NONE, TABLETOP_LABELS, Labels, TabletopBatch

FOREGROUND_WEIGHT = 3.0  # of object cells against table
TARGET_WEIGHT = 5.0  # of target cells against all others
POINTER_WIDTH = 96

Losses = dict[str, Tensor]


class AuxiliaryHeads(nn.Module):
    """Linear read-outs of trunk, fused patches, [CLS] and prompt."""

    def __init__(self, model: EvfSam, features: int, labels: Labels = TABLETOP_LABELS) -> None:
        """Make the heads of a model.

        Args:
            model: an EVF-SAM whose encoder has a trunk.
            features: width of its segmenter's features.
            labels: the shapes and colours that are to be told apart.
        """
        super().__init__()
        width, seen = model.encoder.width, model.encoder.vision_embed.features
        self.trunk_names = ObjectNames(seen, labels)
        self.patch_names = ObjectNames(width, labels)
        self.foreground = nn.Conv2d(seen, 1, 1)
        self.patch_score = nn.Linear(width, 1)
        self.steps = nn.Linear(width, 2)  # to the target: candidates and anchors
        self.presence = nn.Linear(width, 1)
        self.geometry = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, len(GEOMETRY)))
        self.query = nn.Linear(model.segmenter.prompt_width, POINTER_WIDTH)
        self.key = nn.Linear(features, POINTER_WIDTH)

    def see(self, trunk_BChw: Tensor, batch: TabletopBatch) -> Losses:
        """The trunk must know every object's shape and colour, and objects from table."""
        covered_Bhw = batch.objects_BOhw.sum(1).clamp(max=1)
        return {
            "names": self.trunk_names(
                trunk_BChw.flatten(2).transpose(1, 2), batch, batch.objects_BOhw
            ),
            "foreground": 2
            * functional.binary_cross_entropy_with_logits(
                self.foreground(trunk_BChw)[:, 0].float(),
                covered_Bhw,
                pos_weight=covered_Bhw.new_tensor(FOREGROUND_WEIGHT),
            ),
        }

    def ground(self, fused_NTD: Tensor, batch: TabletopBatch) -> Losses:
        """The fused patches must show the target and the steps to it, [CLS] whether there is one.

        The steps are what the noun phrase alone would fit, and what the sentence relates it to.
        """
        objects_BOuv = functional.avg_pool2d(batch.objects_BOhw, 2)
        patches = objects_BOuv.shape[-2] * objects_BOuv.shape[-1]
        patches_NID = fused_NTD[:, 1 : 1 + patches]
        prompts = batch.found_BP.shape[1]
        target_NI = functional.avg_pool2d(batch.masks_BPmn.flatten(0, 1), 8).flatten(1)
        found_N = batch.found_BP.flatten()
        presence_N = self.presence(fused_NTD[:, 0])[:, 0].float()
        covered_BOI = objects_BOuv.flatten(2)
        candidates_NI = (batch.candidates_BPO @ covered_BOI).flatten(0, 1)
        anchors_NI = (batch.anchors_BPO @ covered_BOI).flatten(0, 1)
        steps_NI2 = self.steps(patches_NID).float()
        scores_NI = self.patch_score(patches_NID)[..., 0].float()
        return {
            "patch_candidates": _cells(steps_NI2[..., 0], candidates_NI),
            "patch_anchors": _cells(steps_NI2[..., 1], anchors_NI),
            "patch_names": 0.5 * self.patch_names(patches_NID[::prompts], batch, objects_BOuv),
            "patch_mask": 2 * _cells(scores_NI, target_NI),
            "patch_place": 0.3 * _place(scores_NI, target_NI, found_N),
            "verdict": _verdict(scores_NI.unflatten(0, batch.found_BP.shape), covered_BOI, batch),
            "presence_cls": functional.binary_cross_entropy_with_logits(presence_N, found_N),
        }

    def locate(self, middle_NTD: Tensor, batch: TabletopBatch) -> Losses:
        """Half way, each candidate must know where it stands, before it is judged by that.

        The offset to what the sentence relates it to, and how many other candidates are on each
        side of it in the picture. Without this, "left of" is learned as "on the left".
        """
        covered_BOI = functional.avg_pool2d(batch.objects_BOhw, 2).flatten(2)
        area_BO = covered_BOI.sum(2)
        patches_BPID = middle_NTD[:, 1 : 1 + covered_BOI.shape[2]].unflatten(
            0, batch.found_BP.shape
        )
        weights_BOI = covered_BOI / area_BO.clamp(min=1e-3)[..., None]
        objects_BPOD = torch.einsum("boi,bpid->bpod", weights_BOI, patches_BPID.float())
        truth_BPO6, known_BPO6 = geometry(batch)
        loss_BPO6 = functional.smooth_l1_loss(
            self.geometry(objects_BPOD).float(), truth_BPO6, reduction="none"
        )
        return {"geometry": _mean(loss_BPO6, known_BPO6)}

    def point(
        self,
        prompts_BPC: Tensor,
        features: CompactFeatures,
        position_1Chw: Tensor,
        batch: TabletopBatch,
    ) -> tuple[Losses, Tensor]:
        """The prompt must point at its target among the segmenter's own features.

        Returns:
            The losses, and the share of found expressions whose prompt points at the target.
        """
        cells_BGC = (features.grid_BChw + position_1Chw).flatten(2).transpose(1, 2)
        scores_BPG = self.query(prompts_BPC) @ self.key(cells_BGC).transpose(1, 2)
        scores_NG = scores_BPG.flatten(0, 1).float() / POINTER_WIDTH**0.5
        target_NG = functional.avg_pool2d(batch.masks_BPmn.flatten(0, 1), 4).flatten(1)
        found_N = batch.found_BP.flatten()
        hit_N = target_NG.gather(1, scores_NG.argmax(1, keepdim=True))[:, 0] > 0.1
        return {
            "pointer_mask": 2 * _cells(scores_NG - 3, target_NG),
            "pointer_place": 0.3 * _place(scores_NG, target_NG, found_N),
        }, _mean(hit_N.float(), found_N)


class ObjectNames(nn.Module):
    """Name shape and colour of each object from the features it covers."""

    def __init__(self, features: int, labels: Labels) -> None:
        super().__init__()
        self.shape = nn.Linear(features, len(labels.shapes))
        self.color = nn.Linear(features, len(labels.colors))

    def forward(self, cells_BGC: Tensor, batch: TabletopBatch, objects_BOhw: Tensor) -> Tensor:
        weights_BOG = objects_BOhw.flatten(2)
        weights_BOG = weights_BOG / weights_BOG.sum(-1, keepdim=True).clamp(min=1e-3)
        objects_BOC = weights_BOG @ cells_BGC.float()
        return _naming(self.shape, objects_BOC, batch.shapes_BO) + _naming(
            self.color, objects_BOC, batch.colors_BO
        )


def _naming(head: Callable[[Tensor], Tensor], objects_BOC: Tensor, labels_BO: Tensor) -> Tensor:
    logits = head(objects_BOC).flatten(0, 1).float()
    return functional.cross_entropy(logits, labels_BO.flatten(), ignore_index=NONE)


def _cells(scores_NG: Tensor, target_NG: Tensor) -> Tensor:
    return functional.binary_cross_entropy_with_logits(
        scores_NG, target_NG, pos_weight=target_NG.new_tensor(TARGET_WEIGHT)
    )


def _place(scores_NG: Tensor, target_NG: Tensor, found_N: Tensor) -> Tensor:
    """Cross-entropy of where the target is, over expressions that have one."""
    share_NG = target_NG / target_NG.sum(1, keepdim=True).clamp(min=1e-6)
    loss_N = -(share_NG * functional.log_softmax(scores_NG, 1)).sum(1)
    return _mean(loss_N, found_N)


def _verdict(scores_BPI: Tensor, covered_BOI: Tensor, batch: TabletopBatch) -> Tensor:
    """Cross-entropy of yes or no for each object that the noun phrase alone would fit.

    Among all patches, those that decide whether a relation holds would hardly count.
    """
    area_BO = covered_BOI.sum(2)
    scores_BPO = scores_BPI @ covered_BOI.transpose(1, 2) / area_BO[:, None].clamp(min=1e-3)
    loss_BPO = functional.binary_cross_entropy_with_logits(
        scores_BPO, batch.targets_BPO, reduction="none"
    )
    return _mean(loss_BPO, batch.candidates_BPO * (area_BO > 0)[:, None])


def _mean(values_N: Tensor, weights_N: Tensor) -> Tensor:
    return (values_N * weights_N).sum() / weights_N.sum().clamp(min=1)
