"""Sampling of pictures and sentences from several data sets, each with its own rate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evf_sam_ros.data.records import Dataset, Expression, Record
from evf_sam_ros.training.negatives import Negatives

PROMPTS = 3  # sentences per picture, as the paper's code has it


@dataclass(frozen=True)
class Sample:
    """A picture and some sentences about it."""

    record: Record
    expressions: tuple[Expression, ...]


class Sampler:
    """Draws samples; the same generator state gives the same sample."""

    def __init__(
        self,
        datasets: Sequence[Dataset],
        rates: Mapping[str, float] | None = None,
        *,
        prompts: int = PROMPTS,
        negatives: float = 0.0,
    ) -> None:
        """Prepare to draw.

        Args:
            rates: how often each data set is drawn, by its label, relative to each other; 1
                where nothing is said.
            prompts: most sentences per picture.
            negatives: chance that a sentence is replaced by one that fits nothing in the picture.

        Raises:
            ValueError: a rate of no data set here, below 0, or none above 0.
        """
        self._datasets = [dataset for dataset in datasets if dataset.records]
        self._shares = _shares([dataset.label for dataset in self._datasets], rates or {})
        self._prompts = prompts
        self._chance = negatives
        self._negatives = [Negatives(dataset) for dataset in self._datasets] if negatives else []

    def draw(self, rng: np.random.Generator) -> Sample:
        """Choose a data set by its rate, then a picture and sentences, all alike likely."""
        number = int(rng.choice(len(self._datasets), p=self._shares))
        records = self._datasets[number].records
        record = records[int(rng.integers(len(records)))]
        count = min(self._prompts, len(record.expressions))
        chosen = rng.choice(len(record.expressions), count, replace=False)
        expressions = [record.expressions[i] for i in chosen]
        for i in range(len(expressions) if self._chance else 0):
            if rng.random() < self._chance:
                wrong = self._negatives[number].draw(record, rng)
                expressions[i] = wrong or expressions[i]
        return Sample(record, tuple(expressions))


def _shares(names: Sequence[str], rates: Mapping[str, float]) -> np.ndarray:
    if unknown := sorted(rates.keys() - set(names)):
        raise ValueError(f"a rate for {unknown[0]!r}, need one of {', '.join(sorted(set(names)))}")
    weights = np.array([rates.get(name, 1.0) for name in names], float)
    if not len(weights) or not np.isfinite(weights).all() or weights.min() < 0:
        raise ValueError(f"rates are {dict(rates)} of {', '.join(names)}: need numbers from 0 on")
    if not weights.sum():
        raise ValueError("every rate is 0: nothing to learn from")
    return weights / weights.sum()
