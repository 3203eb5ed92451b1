"""Training of the bridge on any readable data set; the objects of a sentence share one mask.

Shape suffixes: B images, P prompts per image, N = B * P, K real prompts of an image, m n the
model's input size.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from evf_sam_ros.training.bridge_losses import (
    UNKNOWN,
    BridgeWeights,
    Targets,
    Texts,
    final_mask_losses,
    no_target_loss,
    query_losses,
)
from evf_sam_ros.training.bridge_task import FROZEN, Resting, freeze
from evf_sam_ros.training.referring_task import ReferringBatch, ReferringTask

WEIGHTS = BridgeWeights()


class BridgeReferringTask(ReferringTask):
    """Learn from pictures and sentences; masks are compared at the model's input size."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        freeze(self.model, FROZEN)
        self.module: nn.Module = Resting(self.model)
        named = self.model.named_parameters()
        self.learning = [name for name, weight in named if weight.requires_grad]

    def loss(self, batch: ReferringBatch) -> tuple[Tensor, dict[str, float]]:
        """Return the bridge's losses, their parts and the overlap."""
        batch = batch.to(next(self.module.parameters()).device)
        segmenter: Any = self.model.segmenter
        prompts: Any = self.model.prompt(batch.fusions_B3SS, batch.tokens_BPL, batch.padding_BPL)
        with torch.no_grad():
            features = batch.images if batch.encoded else segmenter.encode(batch.images)
        learned = segmenter.learn(features, prompts)
        targets = self._targets(batch)
        texts = Texts(prompts.sentences_NC, self.model.encoder.category_texts_KD)
        logits_Nhw = learned.decoded.logits.flatten(0, 1)
        losses = final_mask_losses(logits_Nhw, targets, WEIGHTS)
        losses |= query_losses(learned.said, segmenter.queries, texts, targets, WEIGHTS)
        if learned.no_target_N2 is not None:
            losses["no_target"] = no_target_loss(learned.no_target_N2, targets, WEIGHTS)
        figures = {name: float(loss.detach()) for name, loss in losses.items()}
        return torch.stack(list(losses.values())).sum(), figures | _overlap(logits_Nhw, targets)

    def _targets(self, batch: ReferringBatch) -> Targets:
        """Return masks at the input's size; a prompt that fills up a row repeats the first."""
        size, most = self.config.image_input.size, batch.tokens_BPL.shape[1]
        masks = []
        for own_KHW in batch.targets:
            scaled = functional.interpolate(own_KHW[None].float(), size, mode="area")[0]
            masks.append(torch.cat([scaled, scaled[:1].expand(most - len(scaled), -1, -1)]))
        masks_Nmn = torch.cat(masks)
        objects = [mask[None] if mask.any() else mask[None][:0] for mask in masks_Nmn]
        unknown_N = torch.full((len(masks_Nmn),), UNKNOWN, device=masks_Nmn.device)
        return Targets(masks_Nmn, objects, unknown_N)


def _overlap(logits_Nhw: Tensor, targets: Targets) -> dict[str, float]:
    size = targets.masks_Nmn.shape[1:]
    inside = (
        functional.interpolate(logits_Nhw.detach()[None].float(), size, mode="bilinear")[0] > 0
    )
    meant = targets.masks_Nmn > 0.5
    return {
        "intersection": float((inside & meant).sum()),
        "union": float((inside | meant).sum()),
    }
