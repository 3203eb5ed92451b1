"""Fit p(found) to a model's signals on held-out data, and report the quality of the fit."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from evf_sam_ros.data.records import Dataset
from evf_sam_ros.evaluation.metrics import auroc, calibration_error
from evf_sam_ros.evaluation.tabletop import scene_and_expressions, threshold_for_t_acc
from evf_sam_ros.models.checkpoint import CONFIG
from evf_sam_ros.perception.decision import Calibration, probability_found
from evf_sam_ros.perception.predictor import Predictor
from evf_sam_ros.progress import progress as progress_bar
from evf_sam_ros.training.negatives import with_negatives
from evf_sam_ros.training.tabletop_levels import level_of
from evf_sam_ros.whole_files import write_text

Floats = NDArray[np.float64]

TARGET_T_ACC = 0.95  # of the sentences that have a target, at least so many keep it
MARGIN = 0.01  # more than that where the threshold is chosen: other data will differ
RIDGE = 1e-3  # keeps the weights of signals that say the same finite
LEAST = 20  # sentences with and without a target


@dataclass(frozen=True)
class Asked:
    """One sentence about one picture: the model's signals and the truth."""

    picture: int
    level: str  # "" where there is a target, else the sort of negative
    signals: Mapping[str, float]
    intersection: int  # pixels of the proposed mask and the target
    union: int
    target: int  # pixels

    @property
    def there(self) -> bool:
        return self.target > 0


def check_enough(dataset: Dataset, seed: int, *, limit: int | None = None) -> None:
    """Refuse data whose half is too little to fit on, before a model is asked about it.

    Raises:
        ValueError: too few sentences with or without a target.
    """
    there = absent = 0
    for record in with_negatives(dataset, seed).records[:limit:2]:  # the first of `halves`
        for expression in record.expressions:
            has_target = bool(expression.mask(record.height, record.width).any())
            there, absent = there + has_target, absent + (not has_target)
        if min(there, absent) >= LEAST:
            return
    _check_counts(there, absent)


def _check_counts(there: int, absent: int) -> None:
    if min(there, absent) < LEAST:
        raise ValueError(
            f"{there} sentences with a target and {absent} without, in the half of the pictures "
            f"that is fitted on: need {LEAST} of each"
        )


def ask_dataset(
    predict: Predictor, dataset: Dataset, seed: int, *, limit: int | None = None
) -> Iterator[Asked]:
    """Run the model on each picture's sentences, and on a negative of each level."""
    records = with_negatives(dataset, seed).records[:limit]
    for number, record in enumerate(progress_bar(records, "pictures", unit="picture")):
        texts = [expression.text for expression in record.expressions]
        masks = [e.mask(record.height, record.width) for e in record.expressions]
        levels = [
            "" if mask.any() else expression.kind or "no target"
            for expression, mask in zip(record.expressions, masks, strict=True)
        ]
        yield from _asked(predict, number, record.read_rgb(), texts, masks, levels)


def ask_tabletop(predict: Predictor, seeds: Sequence[int]) -> Iterator[Asked]:
    """Ask about simulated scenes; none of a seed from 900000 on, which are for evaluation."""
    for number, seed in enumerate(progress_bar(seeds, "scenes", unit="scene")):
        scene, expressions = scene_and_expressions(seed)
        texts = [expression.text for expression in expressions]
        masks = [scene.mask(expression.targets) for expression in expressions]
        levels = [level_of(expression, scene.objects) for expression in expressions]
        yield from _asked(predict, number, scene.rgb, texts, masks, levels)


def _asked(
    predict: Predictor,
    picture: int,
    image_rgb: NDArray[np.uint8],
    texts: Sequence[str],
    masks: Sequence[NDArray[np.bool_]],
    levels: Sequence[str],
) -> Iterator[Asked]:
    ((answer, signals),) = predict.measured([image_rgb], [texts])
    assert answer.proposed is not None
    for i, (mask, level) in enumerate(zip(masks, levels, strict=True)):
        proposed = answer.proposed[i]
        yield Asked(
            picture,
            level,
            {name: float(values[i]) for name, values in signals.items()},
            int(np.count_nonzero(proposed & mask)),
            int(np.count_nonzero(proposed | mask)),
            int(np.count_nonzero(mask)),
        )


def fit(asked: Sequence[Asked], names: Sequence[str]) -> Calibration:
    """Fit a logistic regression, and choose the threshold that keeps the wanted T-acc.

    Raises:
        ValueError: too few sentences with or without a target.
    """
    there = np.array([one.there for one in asked])
    _check_counts(int(there.sum()), int((~there).sum()))
    values = np.array([[one.signals[name] for name in names] for one in asked])
    means, scales = values.mean(0), np.maximum(values.std(0), 1e-6)
    weights, bias = logistic((values - means) / scales, there)
    weights = weights / scales
    raw = Calibration(
        dict(zip(names, weights.tolist(), strict=True)),
        float(bias - weights @ means),
        threshold=0.5,
        means=dict(zip(names, means.tolist(), strict=True)),
    )
    scores = probabilities(raw, [one for one in asked if one.there])
    threshold = threshold_for_t_acc(scores.tolist(), TARGET_T_ACC + MARGIN)
    assert threshold is not None
    return Calibration(raw.weights, raw.bias, threshold, raw.means)


def logistic(values: Floats, truth: NDArray[np.bool_]) -> tuple[Floats, float]:
    """Return weights (S,) and bias of a logistic regression of (N, S) values."""
    signal, wanted = torch.from_numpy(values), torch.from_numpy(truth).double()
    line = nn.Parameter(torch.zeros(values.shape[1] + 1, dtype=torch.float64))
    optimizer = torch.optim.LBFGS([line], max_iter=200, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        logits = signal @ line[:-1] + line[-1]
        error = nn.functional.binary_cross_entropy_with_logits(logits, wanted)
        error = error + RIDGE * (line[:-1] ** 2).sum()
        error.backward()
        return error

    optimizer.step(loss)
    found = line.detach().numpy()
    return found[:-1].copy(), float(found[-1])


def probabilities(calibration: Calibration, asked: Sequence[Asked]) -> Floats:
    """Return p(found) of each sentence."""
    if not asked:
        return np.zeros(0)
    names = asked[0].signals
    signals = {n: np.array([a.signals[n] for a in asked], np.float32) for n in names}
    signals.setdefault("predicted_iou", np.zeros(len(asked), np.float32))
    return probability_found(calibration, signals).astype(np.float64)


def measure(calibration: Calibration, asked: Sequence[Asked]) -> dict[str, Any]:
    """Evaluate the decision: overall, per level of negatives, and its cost."""
    present = [one for one in asked if one.there]
    absent = [one for one in asked if not one.there]
    scores = probabilities(calibration, present)
    levels = sorted({one.level for one in absent})
    kept = scores >= calibration.threshold
    odds = len(present) / max(len(absent), 1)
    figures = {
        "with_target": len(present),
        "without_target": len(absent),
        "threshold": calibration.threshold,
        "t_acc": float(kept.mean()) if len(present) else None,
        "ciou_always_found": _ciou(present, np.ones(len(present), bool)),
        "ciou_decided": _ciou(present, kept),
        "all": _level(calibration, scores, absent, odds),
        "by_level": {
            level: _level(calibration, scores, [a for a in absent if a.level == level], odds)
            for level in levels
        },
        "auroc_of_each_signal": {
            name: auroc([a.signals[name] for a in present], [a.signals[name] for a in absent])
            for name in (asked[0].signals if asked else ())
        },
    }
    return figures


def _level(
    calibration: Calibration, present: Floats, absent: Sequence[Asked], odds: float
) -> dict[str, Any]:
    scores = probabilities(calibration, absent)
    limit = threshold_for_t_acc(present.tolist(), TARGET_T_ACC)
    return {
        "sentences": len(absent),
        "auroc": auroc(present.tolist(), scores.tolist()),
        "n_acc": float((scores < calibration.threshold).mean()) if len(absent) else None,
        "n_acc_at_t_acc_95": float((scores < limit).mean()) if len(absent) and limit else None,
        "ece": balanced_calibration_error(present, scores, odds),
    }


def balanced_calibration_error(present: Floats, absent: Floats, odds: float) -> float | None:
    """Return the expected calibration error of p(found), were half of all sentences without.

    Args:
        odds: sentences with a target for one without, where p(found) was fitted; a level of
            negatives is only a part of these.
    """
    if not len(present) or not len(absent):
        return None
    scores = np.concatenate([present, absent])
    truth = np.arange(len(scores)) < len(present)
    weight = np.where(truth, 0.5 / len(present), 0.5 / len(absent))
    ratio = scores / np.maximum(1 - scores, 1e-12) / odds
    balanced = ratio / (1 + ratio)
    return calibration_error(balanced.tolist(), truth.tolist(), weight.tolist())


def _ciou(present: Sequence[Asked], kept: NDArray[np.bool_]) -> float | None:
    both = sum(one.intersection for one, keep in zip(present, kept, strict=True) if keep)
    either = sum(
        one.union if keep else one.target for one, keep in zip(present, kept, strict=True)
    )
    return both / either if either else None


def halves(asked: Sequence[Asked]) -> tuple[list[Asked], list[Asked]]:
    """Split by picture: sentences about one are never on both sides."""
    return (
        [one for one in asked if one.picture % 2 == 0],
        [one for one in asked if one.picture % 2 == 1],
    )


def store(folder: Path, calibration: Calibration) -> None:
    """Write the decision into a model's config.json, whole or not at all.

    A checkpoint that is released as one file gets a config.json with nothing but the decision.

    Raises:
        ValueError: the folder cannot be written to.
    """
    path = folder / CONFIG
    document = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    document["decision"] = calibration.document()
    try:
        write_text(path, json.dumps(document, indent=2) + "\n")
    except OSError as error:
        raise ValueError(f"cannot write the decision beside the weights: {error}") from error


def usable(names: Iterable[str], asked: Sequence[Asked]) -> list[str]:
    """Return which signals the model gives and that are not always the same."""
    return [
        name
        for name in names
        if all(name in one.signals for one in asked)
        and np.std([one.signals[name] for one in asked]) > 1e-9
    ]
