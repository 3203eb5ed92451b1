"""Rivals: other objects that fit an expression as well as the one in the mask.

A model that learned sentences for one object mostly covers one, whatever else fits. It is
therefore asked more: in the same encoding of the image for all that fit ("all red mugs"), and,
where that makes others likely, about the image without the object that it found. What it then
finds are rivals of that object. `evf-sam evaluate --data tabletop` measures both decisions.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from evf_sam_ros.language.all_of import AllOf, all_of
from evf_sam_ros.language.number import means_several
from evf_sam_ros.perception.geometry import Mask, split_instances
from evf_sam_ros.perception.segmentation import Segmentation, added

# Runs the model on images, each with its own prompts.
Ask: TypeAlias = Callable[[list[NDArray[np.uint8]], list[Sequence[str]]], list[Segmentation]]
Logits = NDArray[np.floating]
MARGIN_PX = 4  # erased around an object, so that its rim does not show
LEAST_OBJECT_PX = 16  # of a rival; `judge` applies the least area that a user wants
LEAST_CELLS = 3  # of a part, in the model's own grid of logits
NO_PART = -3.0  # logit that stands for a part that is not there
NEW = 0.5  # share of a part that no other candidate covers, from which it is one itself
PROBABILITY_LIMITS = 1e-4, 1 - 1e-4


@dataclass(frozen=True)
class Decider:
    """Logistic decision: yes from a weighted sum of signals of 0 on."""

    weights: Mapping[str, float]
    bias: float

    def __call__(self, signals: Mapping[str, float]) -> bool:
        total = self.bias + sum(weight * signals[name] for name, weight in self.weights.items())
        return total >= 0.0


@dataclass(frozen=True)
class RivalRules:
    """Decisions about plain expressions ("the red mug"), or about related ones."""

    suspicion: Decider  # from the answer for all: whether to look at the image without the object
    verdict: Decider  # from all answers: whether others fit


def rules_from(document: Mapping[str, Any]) -> Mapping[bool, RivalRules] | None:
    """Read the part `rivals` of a model's config.json, by whether an expression is related.

    None where it has none: that model is not asked for rivals.
    """
    values = document.get("rivals")
    if values is None:
        return None
    try:
        return {related: _rules(values[name]) for name, related in _KINDS.items()}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"config.json says rivals = {values!r}, need plain and related, each with suspicion "
            "and verdict of weights and bias"
        ) from error


_KINDS = {"plain": False, "related": True}


def _rules(values: Mapping[str, Any]) -> RivalRules:
    suspicion, verdict = (
        Decider(
            {str(name): float(weight) for name, weight in values[each]["weights"].items()},
            float(values[each]["bias"]),
        )
        for each in ("suspicion", "verdict")
    )
    if unknown := (suspicion.weights.keys() | verdict.weights.keys()) - SIGNALS:
        raise ValueError(f"no such signal: {sorted(unknown)}")
    return RivalRules(suspicion, verdict)


SIGNALS = {
    "own_score", "own_second_share", "own_second_mean", "own_second_peak",
    "all_score", "all_second_share", "all_second_mean", "all_second_peak",
    "other_mean", "other_area", "other_own_peak",
    "rest_score", "rest_area", "rest_inside", "rest_peak",
}  # fmt: skip


def with_rivals(
    ask: Ask,
    check: Callable[[str], None],
    rules: Mapping[bool, RivalRules],
    image_rgb: NDArray[np.uint8],
    prompts: Sequence[str],
    *,
    say: Callable[[str], str] = str,
) -> Segmentation:
    """Return the answers to some prompts, with what else fits those that mean one object.

    Args:
        ask: runs the model on images and their prompts.
        check: raises ValueError for a prompt that the model cannot read.
        rules: by whether an expression is related.
        image_rgb: (H, W, 3).
        prompts: referring expressions.
        say: puts a prompt into words that the model learned.
    """
    plurals = (
        {} if isinstance(prompts, str) else _plurals([say(prompt) for prompt in prompts], check)
    )
    if not plurals:
        return ask([image_rgb], [prompts])[0]
    answer = ask([image_rgb], [[*prompts, *(each.text for each in plurals.values())]])[0]
    own = answer.first(len(prompts))
    suspects = _suspects(answer, plurals, rules, len(prompts))
    if own.unsuitable or not suspects:
        return own
    images = [without(image_rgb, own.masks[index]) for index in suspects]
    rests = ask(images, [[prompts[index]] for index in suspects])
    rivals: list[tuple[Mask, ...]] = [()] * len(prompts)
    for (index, (place, signals)), rest in zip(suspects.items(), rests, strict=True):
        signals = signals | signals_of_rest(own.logits[index], *_said(rest, 0))
        if rules[plurals[index].is_related].verdict(signals):
            rivals[index] = others_in(own.masks[index], [_mask(rest, 0), _mask(answer, place)])
    times = added([own.times, *(rest.times for rest in rests)])
    return replace(own, rivals=tuple(rivals), times=times)


def _suspects(
    answer: Segmentation,
    plurals: Mapping[int, AllOf],
    rules: Mapping[bool, RivalRules],
    start: int,
) -> dict[int, tuple[int, dict[str, float]]]:
    """Return the prompts that others may fit, with the place of their plural and its signals.

    Args:
        answer: to the prompts, and from `start` on to their plurals.
        plurals: by the place of the prompt.
        rules: by whether an expression is related.
    """
    suspects = {}
    for place, (index, plural) in enumerate(plurals.items(), start=start):
        if answer.found[index]:
            signals = signals_of_all(*_said(answer, index), *_said(answer, place))
            if rules[plural.is_related].suspicion(signals):
                suspects[index] = place, signals
    return suspects


def _plurals(prompts: Sequence[str], check: Callable[[str], None]) -> dict[int, AllOf]:
    """Return, by the place of its prompt, what to ask for all that fit."""
    found: dict[int, AllOf] = {}
    for index, prompt in enumerate(prompts):
        if means_several(prompt) or (plural := all_of(prompt)) is None:
            continue
        with suppress(ValueError):  # a word more than the model reads
            check(plural.text)
            found[index] = plural
    return found


def _said(answer: Segmentation, index: int) -> tuple[Logits, float]:
    return answer.logits[index], float(answer.scores[index])


def _mask(answer: Segmentation, index: int) -> Mask:
    masks = answer.masks if answer.proposed is None else answer.proposed
    return np.asarray(masks[index])


def signals_of_all(
    own: Logits, own_score: float, every: Logits, every_score: float
) -> dict[str, float]:
    """Return what the answers for one and for all tell, from their logits (h, w) each."""
    inside = own > 0
    others = [part for part in _parts(every) if _share(part, inside) < 1 - NEW]
    size = max(_count(inside), 1)
    return {
        **_of_one(own, own_score, "own"),
        **_of_one(every, every_score, "all"),
        "other_mean": max((float(every[part].mean()) for part in others), default=NO_PART),
        "other_area": max((_count(part) / size for part in others), default=0.0),
        "other_own_peak": max((float(own[part].max()) for part in others), default=2 * NO_PART),
    }


def signals_of_rest(own: Logits, rest: Logits, rest_score: float) -> dict[str, float]:
    """Return what the answer about the image without the object tells, from logits (h, w)."""
    inside, found = own > 0, rest > 0
    return {
        "rest_score": _log_odds(rest_score),
        "rest_area": min(2.0, _count(found) / max(_count(inside), 1)),
        "rest_inside": _share(found, inside),
        "rest_peak": float(rest.max()),
    }


def without(image_rgb: NDArray[np.uint8], mask: Mask) -> NDArray[np.uint8]:
    """Return the image with an object painted over by what surrounds it; (H, W, 3) and (H, W)."""
    wide = 2 * MARGIN_PX + 1
    hole = cv2.dilate(mask.astype(np.uint8), np.ones((wide, wide), np.uint8))
    return np.asarray(cv2.inpaint(image_rgb, hole, 5, cv2.INPAINT_TELEA), np.uint8)


def others_in(
    own: Mask, masks: Sequence[Mask], least_px: int = LEAST_OBJECT_PX
) -> tuple[Mask, ...]:
    """Return the objects that some masks (H, W) show beside the object that was found, each once.

    Args:
        own: what was found.
        masks: the most trusted first; a part counts where it is mostly new.
        least_px: smaller parts do not count as objects.
    """
    found: list[Mask] = []
    covered = own.copy()
    for mask in masks:
        for part in split_instances(mask, least_px):
            fresh = part & ~covered
            if _count(fresh) >= max(least_px, NEW * _count(part)):
                found.append(fresh)
                covered |= part
    return tuple(found)


def _of_one(logits: Logits, score: float, name: str) -> dict[str, float]:
    parts = _parts(logits)
    signals = {f"{name}_score": _log_odds(score)}
    shares = [_count(part) for part in parts[:2]]
    has_second = len(parts) > 1
    return signals | {
        f"{name}_second_share": min(1.0, shares[1] / shares[0]) if has_second else 0.0,
        f"{name}_second_mean": float(logits[parts[1]].mean()) if has_second else NO_PART,
        f"{name}_second_peak": float(logits[parts[1]].max()) if has_second else NO_PART,
    }


def _parts(logits: Logits) -> list[Mask]:
    """Return the parts of a mask by their weight, the heaviest first."""
    parts = split_instances(logits > 0, LEAST_CELLS)
    return sorted(parts, key=lambda part: -float((1 / (1 + np.exp(-logits[part]))).sum()))


def _share(part: Mask, inside: Mask) -> float:
    """Return how much of a part lies inside a mask, 0 for an empty part."""
    return _count(part & inside) / max(_count(part), 1)


def _count(mask: Mask) -> int:
    return int(np.count_nonzero(mask))


def _log_odds(score: float) -> float:
    p = float(np.clip(score, *PROBABILITY_LIMITS))
    return float(np.log(p / (1 - p)))
