"""Distance between a picture and its model's training pictures, and the limit of that distance.

The features that the segmenter decodes are pooled: how much each channel deviates over the
picture, as a logarithm. The distance is Mahalanobis' to the training pictures, with a ridge. A
small file beside the weights holds these statistics and the limit, which a known share of held-out
training pictures exceeds. docs/measurements/unknown_pictures.md compares other distances.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from evf_sam_ros.models.compact import CompactFeatures
from evf_sam_ros.models.weights import WEIGHTS
from evf_sam_ros.perception.suitability import Flaw, Picture, Unsuitable, flaw_of

Floats = NDArray[np.floating]

FILE = "familiarity.npz"
RIDGE = 0.15  # of a channel's variance: what few pictures do not tell
FLOOR = 0.05  # added to a deviation before its logarithm
FALSE_ALARMS = 0.004  # of the training pictures
BLOCK, PARTS = 32, 3  # pictures in a row may share a table: blocks are held out whole
LEAST_PICTURES = 200  # fewer say too little about the tail
_ARRAYS = ("mean", "scale", "whitening", "limit")


@dataclass(frozen=True)
class Familiarity:
    """Distribution of the pooled features of the training pictures."""

    mean: Floats  # (F,)
    scale: Floats  # (F,), deviations
    whitening: Floats  # (F, F), of what is standardised by these two
    limit: float  # of the distance

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
        except (KeyError, OSError, ValueError) as error:
            raise ValueError(
                f"{path} holds no statistics of training pictures: {error}"
            ) from error
        return cls(**{**arrays, "limit": float(arrays["limit"])})

    def write(self, folder: Path) -> None:
        """Store the statistics beside the weights to which they belong."""
        arrays: dict[str, Any] = {name: np.float32(getattr(self, name)) for name in _ARRAYS}
        np.savez(folder / FILE, **arrays, weights=digest_of(folder / WEIGHTS))

    def distances(self, pooled_BF: Floats) -> Floats:
        """Return the distance of every picture, (B,)."""
        standard = (pooled_BF - self.mean) / self.scale
        return np.asarray(np.linalg.norm(standard @ self.whitening, axis=1), np.float64)

    def unfamiliar(self, pooled_BF: Floats) -> list[Unsuitable | None]:
        """Tell of every picture whether it is too far from the training pictures."""
        return [
            Unsuitable(Flaw.UNFAMILIAR, f"distance {share:.1f} times the limit")
            if share > 1 else None
            for share in self.distances(pooled_BF) / self.limit
        ]  # fmt: skip


def fit(pooled_NF: Floats, false_alarms: float = FALSE_ALARMS) -> Familiarity:
    """Learn the distribution from all pictures, and the limit from each third by the others.

    Raises:
        ValueError: too few pictures.
    """
    if len(pooled_NF) < LEAST_PICTURES:
        raise ValueError(f"{len(pooled_NF)} pictures are too few: need {LEAST_PICTURES}")
    parts = np.arange(len(pooled_NF)) // BLOCK % PARTS
    distances = [
        _known(pooled_NF[parts != n]).distances(pooled_NF[parts == n]) for n in range(PARTS)
    ]
    limit = float(np.quantile(np.concatenate(distances), 1 - false_alarms))
    return replace(_known(pooled_NF), limit=limit)


def _known(pooled_NF: Floats) -> Familiarity:
    mean, scale = pooled_NF.mean(0), pooled_NF.std(0) + 1e-6
    standard = (pooled_NF - mean) / scale
    variances, axes = np.linalg.eigh(standard.T @ standard / len(standard))
    return Familiarity(mean, scale, axes / np.sqrt(np.maximum(variances, 0) + RIDGE), 1.0)


def pooled(features: Any) -> Floats:
    """Return how much every channel of the grid that is decoded deviates, as logarithms (B, F)."""
    if isinstance(features, list):  # one tuple per image, of an engine that has no other form
        return np.concatenate([_pooled(each[0]) for each in features])
    return _pooled(features.grid_BChw if isinstance(features, CompactFeatures) else features)


def _pooled(grid_BChw: Tensor) -> Floats:
    deviations = grid_BChw.float().std((2, 3))
    return np.asarray((deviations + FLOOR).log().cpu().numpy(), np.float64)


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
