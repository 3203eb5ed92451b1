"""The training task of the published models: masks for sentences, as in the paper.

Shape suffixes: B images, P prompts per image, K real ones of an image, L tokens, C prompt width,
S S fusion image size, H W segmenter image size or, for masks, that of the photograph.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from evf_sam_ros.language.tokenizer import PAD, Tokenizer
from evf_sam_ros.models.evf_sam import EvfSam
from evf_sam_ros.models.variants import EvfSamConfig
from evf_sam_ros.perception.preprocess import Size, fusion_input, restore, segmenter_input
from evf_sam_ros.perception.signals import mirrored_prompt
from evf_sam_ros.training.augment import augment
from evf_sam_ros.training.features import FeatureStore, moved, stacked
from evf_sam_ros.training.losses import mask_losses
from evf_sam_ros.training.samples import Sample, Sampler
from evf_sam_ros.training.trainable import Trained, train_only

SURE = 20.0  # logit that costs nothing where it is right


@dataclass(frozen=True, kw_only=True)
class Weights:
    """Weight of each loss; the paper uses the two mask losses, both with weight 1."""

    bce: float = 1.0
    dice: float = 1.0
    presence: float = 0.0  # that something is there: for models with such a head
    predicted_iou: float = 0.0


@dataclass(frozen=True)
class ReferringBatch:
    """Pictures, each with sentences of its own and their masks at its own size."""

    fusions_B3SS: Tensor
    images: Any  # (B, 3, H, W), or precomputed features
    encoded: bool  # whether they are
    tokens_BPL: Tensor  # an image with fewer prompts repeats its first
    padding_BPL: Tensor
    targets: list[Tensor]  # (K, H, W) bool, per image
    ignored: list[Tensor]  # (K, H, W) bool, per image
    resized: list[Size]  # the photographs before padding

    def to(self, device: torch.device) -> "ReferringBatch":
        """Return the batch on a device."""
        return ReferringBatch(
            self.fusions_B3SS.to(device),
            moved(self.images, device),
            self.encoded,
            self.tokens_BPL.to(device),
            self.padding_BPL.to(device),
            [target.to(device) for target in self.targets],
            [ignored.to(device) for ignored in self.ignored],
            self.resized,
        )


class ReferringTask:
    """Train any model of the library on any data set that can be read."""

    def __init__(
        self,
        model: EvfSam,
        config: EvfSamConfig,
        tokenizer: Tokenizer,
        training: Sampler,
        held_out: Sampler | None,
        *,
        images: int,
        trained: Trained,
        weights: Weights | None = None,
        features: FeatureStore | None = None,
        held_out_batches: int = 16,
        vary: bool = False,
    ) -> None:
        """Prepare to train.

        Args:
            images: per batch.
            held_out_batches: how many are measured on.
            vary: mirror and disturb the pictures, for data sets so small that this is needed,
                at the model's own size.
        """
        self.module: nn.Module = _Frozen(model)
        self.model = model
        self.config = config
        self.learning = train_only(model, trained)
        self._tokenizer = tokenizer
        self._training = training
        self._held_out = held_out
        self._images = images
        self._weights = weights or Weights()
        self._features = features
        self._held_out_batches = held_out_batches
        self._vary = vary

    def batch(self, rng: np.random.Generator) -> ReferringBatch:
        """Draw pictures and sentences."""
        views = [_view(self._training.draw(rng)) for _ in range(self._images)]
        if self._vary:
            size = self.config.image_input.size
            views = [varied(shrunk(view, size), rng) for view in views]
        return self.collate(views)

    def loss(self, batch: ReferringBatch) -> tuple[Tensor, dict[str, float]]:
        """Return the weighted losses and their parts, masks compared at their own size."""
        batch = batch.to(next(self.module.parameters()).device)
        logits, decoded = self._answers(batch)
        # Where a data set does not say what is right, everything is.
        certain = [
            torch.where(ignored, SURE * (2.0 * target - 1), own)
            for own, target, ignored in zip(logits, batch.targets, batch.ignored, strict=True)
        ]
        losses = mask_losses(
            certain,
            batch.targets,
            bce_weight=self._weights.bce,
            dice_weight=self._weights.dice,
        )
        figures = {"bce": losses.bce.item(), "dice": losses.dice.item()}
        overlap = [
            _overlap(own, target, ignored)
            for own, target, ignored in zip(logits, batch.targets, batch.ignored, strict=True)
        ]
        counts_KN = torch.cat(overlap)
        figures["intersection"], figures["union"] = counts_KN.double().mean(0).tolist()
        total = losses.total + self._score_losses(decoded, batch, counts_KN)
        return total, figures

    def measure(self) -> dict[str, float]:
        """Return loss and cIoU on held-out data, always the same."""
        if self._held_out is None:
            return {}
        sums: dict[str, float] = {}
        rng = np.random.default_rng(0)
        for _ in range(self._held_out_batches):
            batch = self.collate([_view(self._held_out.draw(rng)) for _ in range(self._images)])
            loss, figures = self.loss(batch)
            for name, value in {"loss": float(loss), **figures}.items():
                sums[name] = sums.get(name, 0.0) + value / self._held_out_batches
        return {**sums, "ciou": sums["intersection"] / max(sums["union"], 1e-9)}

    def collate(self, views: Sequence["View"]) -> ReferringBatch:
        """Make the batch of some pictures."""
        photographs = [view.photograph for view in views]
        spec = self.config.image_input
        inputs = [segmenter_input(photograph, spec) for photograph in photographs]
        images: Any = torch.stack([image for image, _ in inputs])
        if self.config.fusion_input == spec:
            fusions = images
        else:
            fusions = torch.stack([fusion_input(p, self.config.fusion_input) for p in photographs])
        if self._features is not None:
            images = stacked([self._features.read(view.image) for view in views])
        tokens_BPL = self._tokens(views)
        return ReferringBatch(
            fusions,
            images,
            self._features is not None,
            tokens_BPL,
            tokens_BPL == PAD,
            [torch.from_numpy(view.masks) for view in views],
            [torch.from_numpy(view.ignored) for view in views],
            [resized for _, resized in inputs],
        )

    def _tokens(self, views: Sequence["View"]) -> Tensor:
        limit = self.model.encoder.config.max_tokens
        rows = [
            [_shortened(self._tokenizer.encode(text), limit) for text in view.texts]
            for view in views
        ]
        most = max(len(own) for own in rows)
        rows = [own + [own[0]] * (most - len(own)) for own in rows]
        longest = max(len(row) for own in rows for row in own)
        return torch.tensor([[r + [PAD] * (longest - len(r)) for r in own] for own in rows])

    def _answers(self, batch: ReferringBatch) -> tuple[list[Tensor], Any]:
        """Return the logits (K, H, W) of each image's own prompts, and all that was decoded."""
        if batch.encoded:
            features = batch.images
        else:
            with torch.no_grad():
                features = self.model.segmenter.encode(batch.images)
        prompts_BPC = self.model.prompt(batch.fusions_B3SS, batch.tokens_BPL, batch.padding_BPL)
        decoded = self.model.segmenter.decode(features, prompts_BPC)
        spec = self.config.image_input
        logits = [
            restore(own[: len(target)], spec, resized, (target.shape[1], target.shape[2]))
            for own, target, resized in zip(
                decoded.logits, batch.targets, batch.resized, strict=True
            )
        ]
        return logits, decoded

    def _score_losses(self, decoded: Any, batch: ReferringBatch, counts_KN: Tensor) -> Tensor:
        """Loss of the scores that the decoder gives its own masks, if those are trained."""
        there_K = torch.cat([target.any((1, 2)) for target in batch.targets])

        def own(values_BP: Tensor) -> Tensor:
            pairs = zip(values_BP, batch.targets, strict=True)
            return torch.cat([values[: len(target)] for values, target in pairs]).float()

        loss = counts_KN.new_zeros((), dtype=torch.float32)
        if self._weights.presence and decoded.presence is not None:
            loss = loss + self._weights.presence * functional.binary_cross_entropy_with_logits(
                own(decoded.presence), there_K.float()
            )
        if self._weights.predicted_iou:
            iou_K = counts_KN[:, 0] / counts_KN[:, 1].clamp(min=1)
            error_K = (own(decoded.predicted_iou) - iou_K) ** 2 * there_K
            loss = loss + self._weights.predicted_iou * error_K.mean()
        return loss


class _Frozen(nn.Module):
    """A model that keeps its running statistics while it learns: batches are small."""

    def __init__(self, model: EvfSam) -> None:
        super().__init__()
        self.model = model

    def train(self, mode: bool = True) -> "_Frozen":
        super().train(mode)
        for module in self.model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self


@dataclass(frozen=True)
class View:
    """A picture, its sentences and their masks: arrays in the model's format."""

    image: Path
    photograph: NDArray[np.uint8]  # (H, W, 3)
    texts: tuple[str, ...]
    masks: NDArray[np.bool_]  # (K, H, W)
    ignored: NDArray[np.bool_]  # (K, H, W)


def _view(sample: Sample) -> View:
    record, expressions = sample.record, sample.expressions
    size = record.height, record.width
    regions = [expression.ignored for expression in expressions]
    nothing = np.zeros(size, bool)
    return View(
        record.image,
        record.read_rgb(),
        tuple(expression.text for expression in expressions),
        np.stack([expression.mask(*size) for expression in expressions]),
        np.stack([nothing if region is None else region.mask(*size) for region in regions]),
    )


def shrunk(view: View, size: Size) -> View:
    """Return a picture and its masks no larger than `size`: a small model sees no more."""
    if view.photograph.shape[0] <= size[0] or view.photograph.shape[1] <= size[1]:
        return view
    small = cv2.resize(view.photograph, size[::-1], interpolation=cv2.INTER_AREA)
    masks, ignored = (
        np.stack(
            [
                cv2.resize(mask * np.float32(1), size[::-1], interpolation=cv2.INTER_AREA)
                for mask in each
            ]
        )
        >= 0.5
        for each in (view.masks, view.ignored)
    )
    return View(view.image, np.asarray(small, np.uint8), view.texts, masks, ignored)


def varied(view: View, rng: np.random.Generator) -> View:
    """Return a picture as another camera would have taken it, perhaps through a mirror."""
    photograph, texts, masks, ignored = view.photograph, view.texts, view.masks, view.ignored
    if rng.random() < 0.5:
        photograph, masks, ignored = photograph[:, ::-1], masks[..., ::-1], ignored[..., ::-1]
        texts = tuple(mirrored_prompt(text) for text in texts)
    disturbed = np.clip(augment(np.ascontiguousarray(photograph), rng), 0, 255).astype(np.uint8)
    return View(
        view.image, disturbed, texts, np.ascontiguousarray(masks), np.ascontiguousarray(ignored)
    )


def _overlap(logits_KHW: Tensor, target_KHW: Tensor, ignored_KHW: Tensor) -> Tensor:
    """Return pixels in both and in either mask, (K, 2), where the data set says what is right."""
    inside_KHW = (logits_KHW.detach() > 0) & ~ignored_KHW
    target_KHW = target_KHW & ~ignored_KHW
    both_K = (inside_KHW & target_KHW).sum((1, 2))
    either_K = (inside_KHW | target_KHW).sum((1, 2))
    return torch.stack([both_K, either_K], 1)


def _shortened(row: list[int], limit: int) -> list[int]:
    return row if len(row) <= limit else [*row[: limit - 1], row[-1]]
