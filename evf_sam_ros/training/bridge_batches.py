"""Tabletop batches that carry the categories of the objects that each sentence means."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from torch import Tensor

from evf_sam_ros.language.tokenizer import Tokenizer
from evf_sam_ros.models.bridge.categories import BACKGROUND
from evf_sam_ros.models.image_input import ImageInput
from evf_sam_ros.sim.expressions import Expression
from evf_sam_ros.sim.palette import SHAPES
from evf_sam_ros.sim.scene import SceneObject
from evf_sam_ros.training.tabletop_batches import BatchMaker, TabletopBatch
from evf_sam_ros.training.tabletop_data import TrainingScenes

CATEGORIES = (*SHAPES, BACKGROUND)


@dataclass(frozen=True)
class BridgeBatch(TabletopBatch):
    """A tabletop batch, and what only the bridge learns from."""

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
        example["categories"] = np.array(categories)
        return example

    def _collate(self, examples: list[dict[str, Any]]) -> BridgeBatch:
        known = super()._collate(examples)
        parts = {f.name: getattr(known, f.name) for f in fields(known)}
        categories_BP = torch.from_numpy(np.stack([one["categories"] for one in examples]))
        return BridgeBatch(**parts, categories_BP=categories_BP)


def category_number(expression: Expression, objects: Sequence[SceneObject]) -> int:
    """Return the category of a sentence's first target, as a number in CATEGORIES."""
    if not expression.targets:
        return CATEGORIES.index(BACKGROUND)
    return CATEGORIES.index(objects[expression.targets[0]].shape)
