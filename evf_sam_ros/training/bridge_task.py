"""The bridge's training task on the tabletop, and the same task for an EVF-SAM to compare with.

Shape suffixes: B images, P prompts per image, N = B * P, O objects, m n mask size.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from evf_sam_ros.models.bridge.model import SamClipBridge
from evf_sam_ros.models.evf_sam import EvfSam
from evf_sam_ros.models.segmenter import Decoded
from evf_sam_ros.training.bridge_batches import BridgeBatch, BridgeBatchMaker
from evf_sam_ros.training.bridge_losses import (
    BridgeWeights,
    Targets,
    Texts,
    final_mask_losses,
    no_target_loss,
    query_losses,
)
from evf_sam_ros.training.overlap import overlap

Losses = dict[str, Tensor]

# Names that never learn, by their start: both picture encoders, and SAM's opinions of its masks.
FROZEN = (
    "encoder.picture.",
    "segmenter.promptable.image_encoder.",
    "segmenter.promptable.prompt_encoder.",
    "segmenter.promptable.mask_decoder.iou_prediction_head.",
)
# The same of small models: of CLIP's tower only the stem has learned anything before.
_IMAGE_SIDE = ("trunk.", "blocks.", "norm.", "position", "iou_head.")
BRIDGE_FROZEN = (
    "encoder.picture.clip.vision_model.embeddings.patch_embedding.trunk.",
    *(f"segmenter.promptable.{part}" for part in (*_IMAGE_SIDE, "presence_head.")),
)
EVF_SAM_FROZEN = (
    "encoder.vision_embed.trunk.",
    *(f"segmenter.{part}" for part in _IMAGE_SIDE),
)


class BridgeTask:
    """Trains a model on tabletop scenes; `losses` computes the loss of a batch."""

    def __init__(
        self,
        model: EvfSam,
        losses: Callable[[Any, BridgeBatch], tuple[Losses, Decoded]],
        training: BridgeBatchMaker,
        held_out: BridgeBatchMaker,
        *,
        images: int,
        prompts: int,
        frozen: Sequence[str],
        held_out_batches: int = 24,
    ) -> None:
        """Freeze the parts of a model that are not trained.

        Args:
            model: the model to train.
            losses: computes the losses of a batch.
            training: makes the batches to train on.
            held_out: makes the batches to measure on.
            images: number of pictures per batch.
            prompts: number of sentences per picture.
            frozen: prefixes of the names of frozen parameters.
            held_out_batches: number of batches to measure on.
        """
        freeze(model, frozen)
        self.model = model
        self.module: nn.Module = Resting(model)
        self._losses = losses
        self._training = training
        self.held_out = held_out
        self._images = images
        self._prompts = prompts
        self._held_out_batches = held_out_batches

    def batch(self, rng: np.random.Generator) -> BridgeBatch:
        """Draw scenes and expressions; nothing is augmented."""
        return self._training.make(rng, self._images, self._prompts, vary=False)

    def loss(self, batch: BridgeBatch) -> tuple[Tensor, dict[str, float]]:
        """Return the sum of the losses, its parts and the overlap."""
        batch = batch.to(next(self.module.parameters()).device)
        losses, decoded = self._losses(self.model, batch)
        parts = {name: float(value.detach()) for name, value in losses.items()}
        return torch.stack(list(losses.values())).sum(), {**parts, **overlap(decoded, batch)}

    def measure(self) -> dict[str, float]:
        """Return the mean of every figure over held-out scenes, always the same."""
        rng = np.random.default_rng(0)
        sums: dict[str, float] = {}
        for _ in range(self._held_out_batches):
            loss, figures = self.loss(
                self.held_out.make(rng, self._images, self._prompts, vary=False)
            )
            for name, value in {"loss": float(loss), **figures}.items():
                sums[name] = sums.get(name, 0.0) + value / self._held_out_batches
        return {**sums, "ciou": sums["intersection"] / max(sums["union"], 1e-9)}


def bridge_losses(weights: BridgeWeights) -> Callable[[Any, BridgeBatch], tuple[Losses, Decoded]]:
    """Return the lesson of the bridge at these weights."""

    def losses(model: SamClipBridge, batch: BridgeBatch) -> tuple[Losses, Decoded]:
        prompts = model.prompt(batch.images_B3HW, batch.tokens_BPL, batch.padding_BPL)
        with torch.no_grad():
            features = model.segmenter.encode(batch.images_B3HW)
        learned = model.segmenter.learn(features, prompts)
        targets = targets_of(batch)
        texts = Texts(prompts.sentences_NC, model.encoder.category_texts_KD)
        total = final_mask_losses(learned.decoded.logits.flatten(0, 1), targets, weights)
        total |= query_losses(learned.said, model.segmenter.queries, texts, targets, weights)
        if learned.no_target_N2 is not None:
            total["no_target"] = no_target_loss(learned.no_target_N2, targets, weights)
        return total, learned.decoded

    return losses


def evf_sam_losses(weights: BridgeWeights) -> Callable[[Any, BridgeBatch], tuple[Losses, Decoded]]:
    """Return the same lesson for an EVF-SAM: mask and whether there is a target."""

    def losses(model: EvfSam, batch: BridgeBatch) -> tuple[Losses, Decoded]:
        with torch.no_grad():
            features = model.segmenter.encode(batch.images_B3HW)
        prompts_BPC = model.prompt(batch.images_B3HW, batch.tokens_BPL, batch.padding_BPL)
        decoded = model.segmenter.decode(features, prompts_BPC)
        assert decoded.presence is not None
        targets = targets_of(batch)
        total = final_mask_losses(decoded.logits.flatten(0, 1), targets, weights)
        presence_N = decoded.presence.flatten()
        two_logits_N2 = torch.stack([presence_N, torch.zeros_like(presence_N)], 1)
        total["no_target"] = no_target_loss(two_logits_N2, targets, weights)
        return total, decoded

    return losses


def targets_of(batch: BridgeBatch) -> Targets:
    """Return the ground truth of each sentence."""
    objects = [
        own_Ohw[meant_O]
        for own_Ohw, meant_PO in zip(batch.objects_BOhw, batch.targets_BPO > 0, strict=True)
        for meant_O in meant_PO
    ]
    return Targets(
        batch.masks_BPmn.flatten(0, 1).clamp(max=1), objects, batch.categories_BP.flatten()
    )


def freeze(model: nn.Module, frozen: Sequence[str]) -> None:
    """Freeze the parameters whose names start with one of these prefixes."""
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(not name.startswith(tuple(frozen)))


class Resting(nn.Module):
    """A model whose parts without any gradient keep their running statistics in training."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def train(self, mode: bool = True) -> "Resting":
        super().train(mode)
        for part in self.model.modules():
            own = list(part.parameters())
            if own and not any(parameter.requires_grad for parameter in own):
                part.eval()
        return self
