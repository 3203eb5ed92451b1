"""Metrics of referring segmentation, computed from integer pixel counts.

The name "gIoU" is not used: the literature uses the word for two different things, which
are called `miou` and `giou_gres`.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

PRECISION_PERCENT = (50, 60, 70, 80, 90)
CALIBRATION_BINS = 15


@dataclass(frozen=True)
class Sample:
    """One expression in one image, judged."""

    intersection: int  # pixels
    union: int  # pixels
    has_target: bool  # the expression refers to something that is there
    found: bool  # the model says so

    @property
    def iou(self) -> float:
        """Overlap of the masks, 0 to 1; two empty masks agree where nothing was meant."""
        return self.intersection / self.union if self.union else float(not self.has_target)


@dataclass
class SegmentationMetrics:
    """Collects samples; figures do not depend on their order, nor on how many there are.

    A figure that no sample says anything about is None.
    """

    samples: list[Sample] = field(default_factory=list)

    def add(self, intersection: int, union: int, *, has_target: bool, found: bool) -> None:
        """Count one expression; a mask the model itself rejects overlaps nothing."""
        if not 0 <= intersection <= union:
            raise ValueError(f"intersection {intersection}, union {union} cannot be")
        kept = int(intersection) if found else 0
        self.samples.append(Sample(kept, int(union), bool(has_target), bool(found)))

    def add_masks(
        self,
        predicted: NDArray[np.bool_],
        target: NDArray[np.bool_],
        *,
        found: bool | None = None,
    ) -> None:
        """Count one expression by its masks, both (H, W).

        Args:
            found: what the model decided; None takes any predicted pixel as "found". A mask
                predicted beside `found=False` still enlarges the union, as in GRES: pass an
                empty one where that mask is never shown.
        """
        if predicted.shape != target.shape:
            raise ValueError(f"prediction is {predicted.shape} but target is {target.shape}")
        predicted, target = predicted.astype(bool), target.astype(bool)
        self.add(
            int(np.count_nonzero(predicted & target)),
            int(np.count_nonzero(predicted | target)),
            has_target=bool(target.any()),
            found=bool(predicted.any()) if found is None else found,
        )

    @property
    def ciou(self) -> float | None:
        """Sum of intersections over sum of unions (also called oIoU)."""
        union = sum(sample.union for sample in self.samples)
        return sum(sample.intersection for sample in self.samples) / union if union else None

    @property
    def miou(self) -> float | None:
        """Mean IoU over expressions (EVF-SAM's and LISA's gIoU)."""
        return _mean(sample.iou for sample in self.samples)

    @property
    def giou_gres(self) -> float | None:
        """As `miou`, but without a target it is 1 for a rejection and else 0 (ReLA's gIoU)."""
        return _mean(
            sample.iou if sample.has_target else int(not sample.found) for sample in self.samples
        )

    def precision_at(self, percent: int) -> float | None:
        """Share of expressions with a target whose IoU is at least that many percent."""
        return _mean(
            int(sample.union > 0 and 100 * sample.intersection >= percent * sample.union)
            for sample in self.samples
            if sample.has_target
        )

    @property
    def n_acc(self) -> float | None:
        """Share of the expressions without a target that were rejected."""
        return _mean(int(not sample.found) for sample in self.samples if not sample.has_target)

    @property
    def t_acc(self) -> float | None:
        """Share of the expressions with a target that were not rejected."""
        return _mean(int(sample.found) for sample in self.samples if sample.has_target)

    def summary(self) -> dict[str, float | None]:
        """Return every figure under the name it is reported by."""
        figures = {"ciou": self.ciou, "miou": self.miou, "giou_gres": self.giou_gres}
        for percent in PRECISION_PERCENT:
            figures[f"pr@{percent / 100}"] = self.precision_at(percent)
        return figures | {"n_acc": self.n_acc, "t_acc": self.t_acc}


def auroc(positive: Sequence[float], negative: Sequence[float]) -> float | None:
    """Return the chance that a positive scores above a negative, ties counting half."""
    if not len(positive) or not len(negative):
        return None
    ordered = np.sort(negative)
    below = np.searchsorted(ordered, positive, side="left")
    not_above = np.searchsorted(ordered, positive, side="right")
    return float((below + not_above).mean() / 2 / len(ordered))


def calibration_error(
    probabilities: Sequence[float],
    outcomes: Sequence[bool],
    weights: Sequence[float] | None = None,
) -> float | None:
    """Return the expected calibration error (Guo et al. 2017).

    Probabilities fall into bins of one width, (0, 1/bins], (1/bins, 2/bins], ..., 0 into the
    first; in each, how sure the model was on average is compared with how often it was right.

    Args:
        weights: how much each counts; None: all the same.
    """
    if not len(probabilities):
        return None
    sure, right = np.asarray(probabilities, np.float64), np.asarray(outcomes, np.float64)
    weight = np.ones(len(sure)) if weights is None else np.asarray(weights, np.float64)
    number = np.clip(np.ceil(sure * CALIBRATION_BINS).astype(int) - 1, 0, CALIBRATION_BINS - 1)
    gaps = np.bincount(number, weights=weight * (sure - right), minlength=CALIBRATION_BINS)
    return float(np.abs(gaps).sum() / weight.sum())


def _mean(values: Iterable[float]) -> float | None:
    numbers = list(values)
    return math.fsum(numbers) / len(numbers) if numbers else None
