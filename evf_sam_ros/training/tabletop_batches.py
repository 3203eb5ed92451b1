"""Training batches from rendered scenes: pictures, sentences, masks and auxiliary targets.

Shape suffixes: B images, P expressions per image, L tokens, O objects (padded), h w the grid at
stride 8, u v the patch grid at stride 16, m n the mask size at stride 2.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from evf_sam_ros.language.tokenizer import PAD, Tokenizer
from evf_sam_ros.models.image_input import ImageInput
from evf_sam_ros.perception.preprocess import resized
from evf_sam_ros.sim.expressions import Expression, sample_expressions
from evf_sam_ros.sim.palette import COLORS, SHAPES
from evf_sam_ros.sim.words import mirror
from evf_sam_ros.training.augment import augment, reframe
from evf_sam_ros.training.tabletop_data import TrainingScenes

MASK_STRIDE, GRID_STRIDE, PATCH_STRIDE = 2, 8, 16  # pixels of the model's input
MOST_OBJECTS = 10
NONE = -1  # label of a place in O that holds no object


@dataclass(frozen=True)
class Labels:
    """The shapes and colours that the auxiliary heads tell apart, by their numbers."""

    shapes: tuple[str, ...]
    colors: tuple[str, ...]


TABLETOP_LABELS = Labels(SHAPES, tuple(COLORS))


@dataclass(frozen=True)
class TabletopBatch:
    """One training step's data; objects are weights over grid cells that sum to one."""

    images_B3HW: Tensor  # normalised
    tokens_BPL: Tensor
    padding_BPL: Tensor  # True where a token only fills up
    masks_BPmn: Tensor  # 0..1, share of each cell
    found_BP: Tensor  # 1 where the expression has a target
    targets_BPO: Tensor  # 1 where the sentence means the object
    candidates_BPO: Tensor  # 1 where the noun phrase alone would fit the object
    anchors_BPO: Tensor  # 1 where the sentence relates its target to the object
    objects_BOhw: Tensor
    shapes_BO: Tensor  # index into the labels' shapes or NONE
    colors_BO: Tensor  # index into the labels' colours or NONE

    def to(self, device: torch.device) -> "TabletopBatch":
        """Return the batch on a device."""
        return TabletopBatch(*(getattr(self, f.name).to(device) for f in fields(self)))


class BatchMaker:
    """Make the batch of a step; the same generator state gives the same batch."""

    def __init__(
        self,
        scenes: TrainingScenes,
        tokenizer: Tokenizer,
        picture: ImageInput,
        mix: Mapping[str, float],
        labels: Labels = TABLETOP_LABELS,
    ) -> None:
        """Prepare to draw.

        Args:
            scenes: what to draw from.
            tokenizer: of the model.
            picture: the model's input.
            mix: weight of each kind of expression.
            labels: numbers of shapes and colours; what they lack gets no label.
        """
        self.labels = labels
        self.objects = scenes.objects
        self.instances = scenes.instances
        self.pixels = np.stack([_channels_last(rgb, picture) for rgb in scenes.rgb])
        self.tokenizer = tokenizer
        self.picture = picture
        self.mix = mix

    def make(
        self, rng: np.random.Generator, images: int, prompts: int, *, vary: bool = True
    ) -> TabletopBatch:
        """Draw scenes and expressions; `vary` mirrors and disturbs the pictures."""
        examples: list[dict[str, Any]] = []
        while len(examples) < images:
            scene = int(rng.integers(len(self.objects)))
            expressions = sample_expressions(self.objects[scene], rng, prompts, self.mix)
            if len(expressions) == prompts:
                examples.append(self._example(scene, expressions, rng, vary))
        return self._collate(examples)

    def _example(
        self, scene: int, expressions: Sequence[Expression], rng: np.random.Generator, vary: bool
    ) -> dict[str, Any]:
        pixels = self.pixels[scene]
        instances = self.instances[scene]
        texts = [expression.text for expression in expressions]
        if vary and rng.random() < 0.5:
            pixels, instances = pixels[:, ::-1], instances[:, ::-1]
            texts = [mirror(text) for text in texts]
        if vary:
            if rng.random() < 0.5:
                pixels, instances = reframe(
                    np.ascontiguousarray(pixels), np.ascontiguousarray(instances), rng
                )
            pixels = augment(pixels, rng)
        height, width = (side // MASK_STRIDE for side in self.picture.size)
        layers = _layers(instances, len(self.objects[scene]), (height, width))
        return {
            "pixels": np.ascontiguousarray(pixels),
            "tokens": [self.tokenizer.encode(text) for text in texts],
            "masks": np.stack([layers[list(e.targets)].sum(0) for e in expressions]),
            "found": np.array([bool(e.targets) for e in expressions], np.float32),
            "targets": np.stack([_among(e.targets) for e in expressions]),
            "candidates": np.stack([_among(e.candidates) for e in expressions]),
            "anchors": np.stack([_among(e.anchors) for e in expressions]),
            "objects": _object_weights(layers),
            "shapes": _labels([o.shape for o in self.objects[scene]], self.labels.shapes),
            "colors": _labels([o.color for o in self.objects[scene]], self.labels.colors),
        }

    def _collate(self, examples: list[dict[str, Any]]) -> TabletopBatch:
        def stack(name: str) -> Tensor:
            return torch.from_numpy(np.stack([example[name] for example in examples]))

        tokens_BPL = _pad([example["tokens"] for example in examples])
        mean, std = (torch.tensor(values) for values in (self.picture.mean, self.picture.std))
        images_BHW3 = (stack("pixels").float() - mean) / std
        return TabletopBatch(
            images_B3HW=images_BHW3.permute(0, 3, 1, 2),  # channels last in memory
            tokens_BPL=tokens_BPL,
            padding_BPL=tokens_BPL == PAD,
            masks_BPmn=stack("masks"),
            found_BP=stack("found"),
            targets_BPO=stack("targets"),
            candidates_BPO=stack("candidates"),
            anchors_BPO=stack("anchors"),
            objects_BOhw=stack("objects"),
            shapes_BO=stack("shapes"),
            colors_BO=stack("colors"),
        )


class MixedBatches:
    """Make each batch from one of several worlds, by their shares."""

    def __init__(self, makers: Mapping[BatchMaker, float]) -> None:
        self._makers = list(makers)
        self._shares = np.array(list(makers.values())) / sum(makers.values())
        self.picture = self._makers[0].picture

    def make(
        self, rng: np.random.Generator, images: int, prompts: int, *, vary: bool = True
    ) -> TabletopBatch:
        """Draw a world, then its scenes and expressions, as `BatchMaker` does."""
        maker = self._makers[int(rng.choice(len(self._makers), p=self._shares))]
        return maker.make(rng, images, prompts, vary=vary)


Batches = BatchMaker | MixedBatches


def _channels_last(rgb: NDArray[np.uint8], picture: ImageInput) -> NDArray[np.uint8]:
    return resized(rgb, picture).permute(1, 2, 0).numpy()


def _layers(
    instances: NDArray[np.uint8], objects: int, size: tuple[int, int]
) -> NDArray[np.float32]:
    """Return the share of each cell that each object covers, (objects, *size)."""
    return np.stack(
        [
            cv2.resize(
                (instances == number).astype(np.float32), size[::-1], interpolation=cv2.INTER_AREA
            )
            for number in range(1, objects + 1)
        ]
    )


def _object_weights(layers: NDArray[np.float32]) -> NDArray[np.float32]:
    step = GRID_STRIDE // MASK_STRIDE
    objects, height, width = layers.shape
    cells = layers.reshape(objects, height // step, step, width // step, step).mean((2, 4))
    weights = np.zeros((MOST_OBJECTS, *cells.shape[1:]), np.float32)
    weights[:objects] = cells
    return weights


def _among(objects: Sequence[int]) -> NDArray[np.float32]:
    row = np.zeros(MOST_OBJECTS, np.float32)
    row[list(objects)] = 1
    return row


def _labels(names: Sequence[str], known: Sequence[str]) -> NDArray[np.int64]:
    labels = [known.index(name) if name in known else NONE for name in names]
    return np.array(labels + [NONE] * (MOST_OBJECTS - len(labels)))


def _pad(tokens: list[list[list[int]]]) -> Tensor:
    longest = max(len(row) for rows in tokens for row in rows)
    padded = np.full((len(tokens), len(tokens[0]), longest), PAD)
    for image, rows in enumerate(tokens):
        for prompt, row in enumerate(rows):
            padded[image, prompt, : len(row)] = row
    return torch.from_numpy(padded)
