"""Calibration without labels: pictures are asked for what is almost surely not there.

Several phrases share one encoding of a picture. At most `MOST_FOUND` of what is absent is found;
the phrases of a picture that are seen most may be there, and are left out. The threshold is
halfway between the two: what is absent from a bank is easier to tell than a wrong colour. The
score orders answers; without right answers, it is not a frequency of being right.
"""

from collections.abc import Callable, Iterable, Sequence
from math import ceil, log

import numpy as np
from numpy.typing import NDArray

from evf_sam_ros.models.sam2 import Sam2
from evf_sam_ros.perception.absent_names import COLORS, NAMES, THINGS
from evf_sam_ros.perception.decision import Calibration
from evf_sam_ros.perception.predictor import Predictor
from evf_sam_ros.perception.signals import free_signals

Picture = NDArray[np.uint8]

MOST_FOUND = 0.05  # of what is absent
SEEN_MOST = 3  # phrases of a picture that may be there
PHRASES = 48  # of the bank, per picture: each is read with the picture
TOGETHER = 16  # share one run of the model
LEAST_PHRASES, LEAST_ANSWERS = 12, 200
LEAST_PICTURES = ceil(LEAST_ANSWERS / (PHRASES - SEEN_MOST))  # of a model that reads the bank
MEDIAN_SCORE = 0.05  # of what is absent; with the threshold at 0.5 this sets the scale


def bank_of(knows: Callable[[str], bool]) -> list[str]:
    """Return phrases that a model can read: names, or pairs of colour and thing.

    Raises:
        ValueError: it reads too few of either.
    """
    names = [name for name in NAMES if knows(name)]
    if len(names) < PHRASES:
        names = [f"{color} {thing}" for color in COLORS for thing in THINGS]
        names = [name for name in names if knows(name)]
    if len(names) < LEAST_PHRASES:
        raise ValueError(f"the model reads {len(names)} phrases of the bank, need {LEAST_PHRASES}")
    return names


class LabelFree:
    """A calibration that grows picture by picture; `calibration` ends it."""

    def __init__(self, predict: Predictor, seed: int = 0) -> None:
        """Choose the phrases to ask for.

        Args:
            predict: the model, with or without a calibration.
            seed: of the choice of phrases for each picture.

        Raises:
            ValueError: the model reads too few phrases of the bank.
        """
        knows = predict.unknown_words
        self._predict = predict
        self._bank = bank_of(lambda phrase: predict.reads_unknown or not knows(phrase))
        self._rng = np.random.default_rng(seed)
        self._answers: list[dict[str, NDArray[np.floating]]] = []

    @property
    def pictures(self) -> int:
        """Return how many pictures were usable so far."""
        return len(self._answers)

    def add(self, picture: Picture) -> bool:
        """Ask an RGB picture (H, W, 3) for absent phrases; return False if it is unsuitable."""
        phrases = [str(each) for each in self._rng.permutation(self._bank)[:PHRASES]]
        signals = _signals(self._predict, picture, phrases)
        if signals is None:
            return False
        self._answers.append(signals)
        return True

    def calibration(self) -> Calibration:
        """Return the calibration by which objects absent from these pictures are rejected.

        Raises:
            ValueError: too few usable pictures.
        """
        presence_alone = not isinstance(self._predict.model.segmenter, Sam2)
        return fit(self._answers, presence_alone=presence_alone)


def calibrate(predict: Predictor, pictures: Iterable[Picture], seed: int = 0) -> Calibration:
    """Return a calibration by which the model rejects objects absent from these pictures.

    Raises:
        ValueError: too few pictures, or too few phrases that the model reads.
    """
    growing = LabelFree(predict, seed)
    for picture in pictures:
        growing.add(picture)
    return growing.calibration()


def _signals(
    predict: Predictor, picture: Picture, phrases: Sequence[str]
) -> dict[str, NDArray[np.floating]] | None:
    """Return the signals of every phrase; None for a picture that is unsuitable."""
    runs = [phrases[i : i + TOGETHER] for i in range(0, len(phrases), TOGETHER)]
    parts = []
    for run in runs:
        answer = predict.batch([picture], [run])[0]
        if answer.unsuitable:
            return None
        parts.append(
            free_signals(answer.logits, answer.predicted_iou, answer.presence, answer.existence)
        )
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def fit(
    answers: Sequence[dict[str, NDArray[np.floating]]], *, presence_alone: bool
) -> Calibration:
    """Fit weights and threshold to the signals of absent objects, one entry per picture.

    Every signal counts in units of its deviation, unless a presence decides alone: one that was
    trained to tell what is absent, as SAM-2's object score was not on single images.

    Raises:
        ValueError: too few answers.
    """
    count = sum(len(each["predicted_iou"]) - SEEN_MOST for each in answers)
    if count < LEAST_ANSWERS:
        raise ValueError(
            f"{len(answers)} usable pictures give {count} answers, need {LEAST_ANSWERS}"
        )
    alone = presence_alone and "presence" in answers[0]
    names = ["presence"] if alone else list(answers[0])
    joined = {name: np.concatenate([each[name] for each in answers]) for name in names}
    means = {name: float(values.mean()) for name, values in joined.items()}
    weights = {name: 1.0 / max(float(values.std()), 1e-6) for name, values in joined.items()}
    ordered = [np.sort(_sum(weights, each)) for each in answers]
    absent = np.concatenate([each[:-SEEN_MOST] for each in ordered])
    middle, most = np.quantile(absent, [0.5, 1 - MOST_FOUND])
    # What is seen most is often there: the line is halfway to it, and no lower than `most`.
    high = (most + max(most, np.median([each[-1] for each in ordered]))) / 2
    scale = log(1 / MEDIAN_SCORE - 1) / max(float(high - middle), 1e-6)
    return Calibration(
        {name: scale * weight for name, weight in weights.items()},
        -scale * float(high),
        0.5,
        means,
    )


def _sum(
    weights: dict[str, float], signals: dict[str, NDArray[np.floating]]
) -> NDArray[np.floating]:
    return np.asarray(sum(weight * signals[name] for name, weight in weights.items()))
