"""Familiarity of a picture: how like its model's training pictures it is, by two measures.

The features that the segmenter decodes are pooled: how much each channel deviates over the
picture, as a logarithm, and its mean. A picture is refused where the deviations are too far from
those of the training pictures (Mahalanobis' distance with a ridge), or where a linear discriminant
takes it for a drawn picture of something else. A small file beside the weights holds both, with
limits that a known share of held-out training pictures exceeds. A fine-tuned model, whose features
are its parent's, adds a world: its own pictures. docs/measurements/unknown_pictures.md compares
other measures.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from evf_sam_ros.models.compact import CompactFeatures
from evf_sam_ros.models.weights import WEIGHTS
from evf_sam_ros.perception.suitability import Flaw, Picture, Unsuitable, flaw_of

Floats = NDArray[np.floating]

FILE = "familiarity.npz"
FLOOR = 0.05  # added to a deviation before its logarithm
_ARRAYS = ("mean", "scale", "whitening", "limit", "discriminant", "most")


@dataclass(frozen=True)
class World:
    """Distribution of the pooled features of some training pictures; F features, C channels."""

    mean: Floats  # (C,), of the logarithmic deviations, the first C features
    scale: Floats  # (C,), their deviations
    whitening: Floats  # (C, C), of what is standardised by these two
    limit: float  # of the distance
    discriminant: Floats  # (F,), zeros where there is none
    most: float = 0.0  # of the discriminant's sum

    def distances(self, pooled_BF: Floats) -> Floats:
        """Return the distance of every picture, (B,)."""
        standard = (pooled_BF[:, : len(self.mean)] - self.mean) / self.scale
        return np.asarray(np.linalg.norm(standard @ self.whitening, axis=1), np.float64)

    def excess(self, pooled_BF: Floats) -> Floats:
        """Return by how much every picture is beyond a limit, (B,), in limits; up to 1: within."""
        shares = self.distances(pooled_BF) / self.limit
        looks_else = pooled_BF @ self.discriminant > self.most
        return np.where(looks_else & (shares <= 1), np.nextafter(1.0, 2.0), shares)


@dataclass(frozen=True)
class Familiarity:
    """The worlds that a model knows; a picture of any of them is familiar."""

    worlds: tuple[World, ...]

    @classmethod
    def of(cls, folder: Path) -> "Familiarity | None":
        """Read the statistics of a model folder; None where it has none for these weights."""
        path = folder / FILE
        if not path.is_file():
            return None
        try:
            with np.load(path, allow_pickle=False) as stored:
                if str(stored["weights"]) != digest_of(folder / WEIGHTS):
                    return None  # the model was trained on since: other features
                arrays: dict[str, Any] = {name: stored[name] for name in _ARRAYS}
            return cls(tuple(_world(arrays, number) for number in range(len(arrays["limit"]))))
        except (KeyError, OSError, TypeError, ValueError) as error:
            raise ValueError(
                f"{path} holds no statistics of training pictures: {error}"
            ) from error

    def write(self, folder: Path) -> None:
        """Store the statistics beside the weights to which they belong."""
        arrays: dict[str, Any] = {
            name: np.stack([np.float32(getattr(world, name)) for world in self.worlds])
            for name in _ARRAYS
        }
        np.savez(folder / FILE, **arrays, weights=digest_of(folder / WEIGHTS))

    def unfamiliar(self, pooled_BF: Floats) -> list[Unsuitable | None]:
        """Tell of every picture whether it is too far from the training pictures."""
        nearest = np.min([world.excess(pooled_BF) for world in self.worlds], axis=0)
        return [
            Unsuitable(Flaw.UNFAMILIAR, f"distance {share:.1f} times the limit")
            if share > 1 else None
            for share in nearest
        ]  # fmt: skip


def _world(arrays: dict[str, Any], number: int) -> World:
    values = {name: arrays[name][number] for name in _ARRAYS}
    return World(**{**values, "limit": float(values["limit"]), "most": float(values["most"])})


def pooled(features: Any) -> Floats:
    """Return the pooled features of every image, (B, F).

    Of each channel of the grid that is decoded: how much it deviates, as a logarithm, then the
    means of all channels.
    """
    if isinstance(features, list):  # one tuple per image, of an engine that has no other form
        return np.concatenate([_pooled(each[0]) for each in features])
    return _pooled(features.grid_BChw if isinstance(features, CompactFeatures) else features)


def _pooled(grid_BChw: Tensor) -> Floats:
    grid_BChw = grid_BChw.float()
    deviations, means = grid_BChw.std((2, 3)), grid_BChw.mean((2, 3))
    both = torch.cat([(deviations + FLOOR).log(), means], 1)
    return np.asarray(both.cpu().numpy(), np.float64)


def reasons(
    images_rgb: Sequence[Picture], features: Any, familiarity: Familiarity | None
) -> list[str]:
    """Tell of every image why nothing can be said about it; empty where something can.

    Args:
        features: what the segmenter made of the images.
        familiarity: None where nothing is known about the training pictures.
    """
    flaws = [flaw_of(image) for image in images_rgb]
    if familiarity is not None:
        strange = familiarity.unfamiliar(pooled(features))
        flaws = [flaw or other for flaw, other in zip(flaws, strange, strict=True)]
    return ["" if flaw is None else str(flaw) for flaw in flaws]


def digest_of(weights: Path) -> str:
    """Return a digest of a weight file, empty if it is missing."""
    if not weights.is_file():
        return ""
    return hashlib.sha256(weights.read_bytes()).hexdigest()[:32]
