"""Tabletop batches that also tell which objects a sentence means, and what these are called."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from evf_sam_ros.models.bridge.categories import BACKGROUND
from evf_sam_ros.models.image_input import ImageInput
from evf_sam_ros.perception.tokenizer import Tokenizer
from evf_sam_ros.sim.expressions import Expression
from evf_sam_ros.sim.palette import SHAPES
from evf_sam_ros.sim.scene import SceneObject
from evf_sam_ros.training.tabletop_batches import MOST_OBJECTS, BatchMaker, TabletopBatch
from evf_sam_ros.training.tabletop_data import TrainingScenes

CATEGORIES = (*SHAPES, BACKGROUND)


@dataclass(frozen=True)
class BridgeBatch(TabletopBatch):
    """A tabletop batch, and what only the bridge learns from."""

    targets_BPO: Tensor  # True where the sentence means the object
    categories_BP: Tensor  # number in CATEGORIES; without a target, that of the background

    def to(self, device: torch.device) -> "BridgeBatch":
        """Return the batch on a device."""
        return BridgeBatch(*(getattr(self, f.name).to(device) for f in fields(self)))


class BridgeBatchMaker(BatchMaker):
    """Make batches of the bridge out of the same draws."""

    def __init__(
        self,
        scenes: TrainingScenes,
        tokenizer: Tokenizer,
        picture: ImageInput,
        mix: Mapping[str, float],
        *,
        first_category: int | None = None,
    ) -> None:
        """Prepare to draw.

        Args:
            first_category: token number of the first category, for a model that is told one.
        """
        super().__init__(scenes, tokenizer, picture, mix)
        self._first_category = first_category

    def make(
        self, rng: np.random.Generator, images: int, prompts: int, *, vary: bool = True
    ) -> BridgeBatch:
        """Draw scenes and expressions, as `BatchMaker` does."""
        batch = super().make(rng, images, prompts, vary=vary)
        assert isinstance(batch, BridgeBatch)
        return batch

    def _example(
        self, scene: int, expressions: Sequence[Expression], rng: np.random.Generator, vary: bool
    ) -> dict[str, Any]:
        example = super()._example(scene, expressions, rng, vary)
        categories = [category_number(e, self.objects[scene]) for e in expressions]
        if self._first_category is not None:
            example["tokens"] = [
                [row[0], self._first_category + category, *row[1:]]
                for row, category in zip(example["tokens"], categories, strict=True)
            ]
        example["targets"] = np.stack([_among(e.targets) for e in expressions])
        example["categories"] = np.array(categories)
        return example

    def _collate(self, examples: list[dict[str, Any]]) -> BridgeBatch:
        def stack(name: str) -> Tensor:
            return torch.from_numpy(np.stack([example[name] for example in examples]))

        known = super()._collate(examples)
        parts = {f.name: getattr(known, f.name) for f in fields(known)}
        return BridgeBatch(
            **parts, targets_BPO=stack("targets"), categories_BP=stack("categories")
        )


def category_number(expression: Expression, objects: Sequence[SceneObject]) -> int:
    """Return what a sentence's first target is, as a number in CATEGORIES."""
    if not expression.targets:
        return CATEGORIES.index(BACKGROUND)
    return CATEGORIES.index(objects[expression.targets[0]].shape)


def _among(objects: Sequence[int]) -> NDArray[np.bool_]:
    row = np.zeros(MOST_OBJECTS, bool)
    row[list(objects)] = True
    return row
