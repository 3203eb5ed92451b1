"""The default model's training task in three stages: features, grounding, segmentation."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from enum import Enum
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from evf_sam_ros.models.compact import CompactSegmenter
from evf_sam_ros.models.evf_sam import EvfSam
from evf_sam_ros.models.segmenter import Decoded
from evf_sam_ros.training.auxiliary import AuxiliaryHeads, Losses
from evf_sam_ros.training.losses import mask_losses
from evf_sam_ros.training.overlap import overlap
from evf_sam_ros.training.tabletop_batches import (
    TABLETOP_LABELS,
    Batches,
    Labels,
    TabletopBatch,
)

BATCHES_HELD_OUT = 24


class Stage(Enum):
    """Stages of the training; each includes the objectives of the one before."""

    SEE = "see"
    GROUND = "ground"
    SEGMENT = "segment"
    REFINE = "refine"  # the same once more, and longer: the learning rate starts again
    DEEPEN = "deepen"  # the same with more layers
    RELATE = "relate"  # the same with more relations
    REFUSE = "refuse"  # the same with more relations that do not hold
    SETTLE = "settle"  # the same with about as much of everything


@dataclass(frozen=True, kw_only=True)
class LossWeights:
    """The paper's two mask losses at its weights, and the default model's own heads."""

    bce: float = 1.0
    dice: float = 1.0
    presence: float = 1.0
    predicted_iou: float = 0.2
    auxiliary: float = 1.0


@dataclass(frozen=True, kw_only=True)
class BatchSize:
    """Number of pictures and sentences in one step."""

    images: int
    prompts: int  # expressions per image
    decoded: int  # of them, how many get a mask: decoding costs more than grounding


class TabletopTask:
    """One stage of the default model's training."""

    def __init__(
        self,
        model: EvfSam,
        stage: Stage,
        training: Batches,
        held_out: Batches,
        size: BatchSize,
        weights: LossWeights,
        labels: Labels = TABLETOP_LABELS,
    ) -> None:
        """Attach the auxiliary heads to a model.

        Args:
            model: an EVF-SAM with a compact segmenter.
            stage: selects the losses.
            training: makes the batches to train on.
            held_out: makes the batches to measure on.
            size: pictures and sentences per batch.
            weights: weight of each loss.
            labels: shapes and colours that the auxiliary heads tell apart.
        """
        assert isinstance(model.segmenter, CompactSegmenter)
        self.model = model
        self.segmenter = model.segmenter
        self.heads = AuxiliaryHeads(model, model.segmenter.prompt_width, labels)
        self.module: nn.Module = nn.ModuleDict({"model": model, "heads": self.heads})
        self.module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.stage = stage
        self.training = training
        self.held_out = held_out
        self.size = size
        self.weights = weights

    def batch(self, rng: np.random.Generator) -> TabletopBatch:
        """Draw training scenes and expressions."""
        prompts = 1 if self.stage is Stage.SEE else self.size.prompts
        return self.training.make(rng, self.size.images, prompts)

    def loss(self, batch: TabletopBatch) -> tuple[Tensor, dict[str, float]]:
        """Return the stage's loss and its parts."""
        losses, figures = self._losses(batch.to(next(self.module.parameters()).device))
        total = torch.stack(list(losses.values())).sum()
        parts = {name: float(value.detach()) for name, value in losses.items()}
        return total, {**parts, **figures}

    def measure(self) -> dict[str, float]:
        """Return the mean of every figure over held-out scenes, undisturbed."""
        rng = np.random.default_rng(0)
        sums: dict[str, float] = {}
        overlap = np.zeros(2)
        for _ in range(BATCHES_HELD_OUT):
            prompts = 1 if self.stage is Stage.SEE else self.size.prompts
            batch = self.held_out.make(rng, self.size.images, prompts, vary=False)
            losses, figures = self._losses(batch.to(next(self.module.parameters()).device))
            overlap += figures.pop("intersection", 0.0), figures.pop("union", 0.0)
            for name, value in {**{k: float(v) for k, v in losses.items()}, **figures}.items():
                sums[name] = sums.get(name, 0.0) + value / BATCHES_HELD_OUT
        return {**sums, "ciou": overlap[0] / overlap[1]} if overlap[1] else sums

    def _losses(self, batch: TabletopBatch) -> tuple[Losses, dict[str, float]]:
        vision = self.model.encoder.vision_embed
        trunk_BChw = vision.see(batch.images_B3HW)
        losses = self.heads.see(trunk_BChw, batch)
        figures: dict[str, float] = {}
        if self.stage is not Stage.SEE:
            encoder = self.model.encoder
            with _seen(encoder.layers[len(encoder.layers) // 2]) as middle:
                fused_NTD = encoder.fuse(
                    vision.embed(trunk_BChw), batch.tokens_BPL, batch.padding_BPL
                )
            losses |= self.heads.ground(fused_NTD, batch)
            losses |= self.heads.locate(middle[0], batch)
            losses = {k: self.weights.auxiliary * v for k, v in losses.items()}
            if self.stage is not Stage.GROUND:
                prompts_BPC = self.model.projector(
                    fused_NTD[:, 0].unflatten(0, batch.found_BP.shape)
                )
                more, figures = self._segment(prompts_BPC, batch)
                losses |= more
        return losses, figures

    def _segment(
        self, prompts_BPC: Tensor, batch: TabletopBatch
    ) -> tuple[Losses, dict[str, float]]:
        features = self.segmenter.encode(batch.images_B3HW)
        losses, hit = self.heads.point(prompts_BPC, features, self.segmenter.position, batch)
        # The expressions of an image come in random order, so the first few are any.
        count = self.size.decoded
        decoded = self.segmenter.decode(features, prompts_BPC[:, :count])
        part = _first_prompts(batch, count)
        losses |= self._mask_losses(decoded, part)
        return losses, {"hit": float(hit.detach()), **overlap(decoded, part)}

    def _mask_losses(self, decoded: Decoded, batch: TabletopBatch) -> Losses:
        assert decoded.presence is not None
        logits_BPmn, targets_BPmn = decoded.logits.float(), batch.masks_BPmn
        masks = mask_losses(
            list(logits_BPmn),
            list(targets_BPmn),
            bce_weight=self.weights.bce,
            dice_weight=self.weights.dice,
        )
        inside, target = logits_BPmn.detach() > 0, targets_BPmn > 0.5
        iou_BP = (inside & target).sum((2, 3)) / (inside | target).sum((2, 3)).clamp(min=1)
        iou_error_BP = (decoded.predicted_iou.float() - iou_BP) ** 2 * batch.found_BP
        presence = functional.binary_cross_entropy_with_logits(
            decoded.presence.float(), batch.found_BP
        )
        return {
            "bce": masks.bce,
            "dice": masks.dice,
            "presence": self.weights.presence * presence,
            "predicted_iou": self.weights.predicted_iou * iou_error_BP.mean(),
        }


@contextmanager
def _seen(layer: nn.Module) -> Iterator[list[Tensor]]:
    """Collect what a layer gives."""
    outputs: list[Tensor] = []
    hook = layer.register_forward_hook(lambda _layer, _taken, given: outputs.append(given))
    try:
        yield outputs
    finally:
        hook.remove()


def _first_prompts(batch: TabletopBatch, count: int) -> TabletopBatch:
    values: dict[str, Any] = {f.name: getattr(batch, f.name) for f in fields(batch)}
    for name in ("masks_BPmn", "found_BP"):
        values[name] = values[name][:, :count]
    return TabletopBatch(**values)
