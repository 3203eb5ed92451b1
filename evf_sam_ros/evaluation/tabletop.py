"""Evaluation of the predictor on unseen simulated scenes: masks, right objects, places, time."""

import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from evf_sam_ros.evaluation.ambiguity import (
    JudgedAmbiguity,
    ambiguity_figures,
    ambiguous_expressions,
    judge_ambiguity,
)
from evf_sam_ros.evaluation.baselines import keyword_guess, keyword_matches
from evf_sam_ros.evaluation.metrics import SegmentationMetrics, auroc
from evf_sam_ros.evaluation.worlds import WORLDS
from evf_sam_ros.perception.camera_model import Intrinsics
from evf_sam_ros.perception.geometry import Location, locate
from evf_sam_ros.perception.judgement import DEFAULT_RULES, Rules, Status, judge
from evf_sam_ros.perception.predictor import Segmentation
from evf_sam_ros.progress import progress as progress_bar
from evf_sam_ros.sim.depth_noise import realistic_depth
from evf_sam_ros.sim.expressions import Expression, sample_expressions
from evf_sam_ros.sim.scene import Scene

EXPRESSIONS_PER_SCENE = 6
CLOSE_ENOUGH_MM = 25.0
TARGET_T_ACC = 0.95
SINGLE_RUNS = 40  # scenes on which one expression alone is timed
SHOWN = (Status.FOUND, Status.AMBIGUOUS)  # something is there, whether or not it is one thing
EXPRESSION_STREAM, DEPTH_STREAM, GUESS_STREAM = 1, 2, 3  # independent randomness of one scene


class Predict(Protocol):
    """The predictor under evaluation."""

    def __call__(self, image_rgb: NDArray[np.uint8], prompts: Sequence[str]) -> Segmentation: ...


@dataclass(frozen=True)
class Judged:
    """One expression about one scene, and how the answer compares with the truth."""

    seed: int
    number: int  # of the expression in its scene
    expression: Expression
    score: float
    has_mask: bool  # before the decision
    status: Status  # as every front end tells it
    intersection: int  # pixels, of the mask as published
    union: int  # pixels
    object_hit: int | None  # the object the mask overlaps best
    centroid_error_mm: float | None  # to the visible surface's centroid, None: no place given
    baseline_intersection: int
    baseline_union: int
    baseline_hit: int | None

    @property
    def found(self) -> bool:
        """Tell whether something is there to the model, be it one object or several."""
        return self.status in SHOWN

    @property
    def ambiguous(self) -> bool:
        return self.status is Status.AMBIGUOUS

    @property
    def single(self) -> bool:
        return len(self.expression.targets) == 1

    @property
    def right(self) -> bool:
        """True if the model found exactly the object that the expression means."""
        return self.found and self.expression.targets == (self.object_hit,)

    @property
    def iou(self) -> float:
        return self.intersection / self.union if self.union else 1.0


@dataclass
class Measurement:
    """Everything that was judged."""

    judged: list[Judged] = field(default_factory=list)
    ambiguous: list[JudgedAmbiguity] = field(default_factory=list)  # asked apart from the others
    seconds_one: list[float] = field(default_factory=list)  # one expression, one image
    seconds_all: list[float] = field(default_factory=list)  # all of a scene's together


def measure(
    predict: Predict,
    seeds: Iterable[int],
    *,
    size: tuple[int, int] = (640, 480),
    progress: bool = True,
    say: Callable[[Scene, Expression], str] | None = None,
    rules: Rules = DEFAULT_RULES,
    world: str = "tabletop",
) -> Measurement:
    """Ask about each seed's scene, in pictures of `size` (width, height).

    Args:
        say: what the model is asked for an expression; None: its text.
        rules: limits of the decision.
        world: a key of `WORLDS`.
    """
    measurement = Measurement()
    for index, seed in enumerate(progress_bar(list(seeds), "scenes", disable=not progress)):
        scene, expressions = scene_and_expressions(seed, size, world)
        texts = [say(scene, each) if say else each.text for each in expressions]
        answer = predict(scene.rgb, texts)
        measurement.seconds_all.append(answer.times.total)
        if index < SINGLE_RUNS:
            alone = predict(scene.rgb, texts[:1])
            measurement.seconds_one.append(alone.times.total)
        measurement.judged.extend(_judge(scene, expressions, answer, rules))
        if say is None and (unclear := ambiguous_expressions(scene)):
            answer = predict(scene.rgb, [each.text for each in unclear])
            measurement.ambiguous.extend(judge_ambiguity(scene, unclear, answer, rules))
    return measurement


def scene_and_expressions(
    seed: int, size: tuple[int, int] = (640, 480), world: str = "tabletop"
) -> tuple[Scene, list[Expression]]:
    """Return the scene and the sentences of a seed in a world, always the same."""
    drawn = WORLDS[world]
    scene = drawn.render(seed, *size)
    rng = np.random.default_rng([seed, EXPRESSION_STREAM])
    return scene, sample_expressions(scene.objects, rng, EXPRESSIONS_PER_SCENE, drawn.mix)


def summarize(measurement: Measurement, shipped_threshold: float | None) -> dict[str, Any]:
    """Return all figures by name; None where nothing of the kind was seen."""
    judged = measurement.judged
    present = [item for item in judged if item.expression.targets]
    absent = [item for item in judged if not item.expression.targets]
    chosen = threshold_for_t_acc([_effective_score(item) for item in present], TARGET_T_ACC)
    return {
        "expressions": len(judged),
        "single_target": sum(item.single for item in judged),
        "no_target": len(absent),
        **_mask_metrics(judged).summary(),
        "right_object": _share(item.right for item in judged if item.single),
        "pair_accuracy": _share(_pairs(judged)),
        "ambiguous": _share(item.ambiguous for item in judged if item.single),
        "ambiguity": ambiguity_figures(
            measurement.ambiguous, [item.ambiguous for item in judged if item.single]
        ),
        "auroc": auroc(
            [_effective_score(item) for item in present],
            [_effective_score(item) for item in absent],
        ),
        "at_shipped_threshold": _rejection(present, absent, shipped_threshold),
        "at_t_acc_95": _rejection(present, absent, chosen),
        "centroid": _centroid_figures(judged),
        "latency_ms": {
            "one_expression": _median_and_p95(1e3 * t for t in measurement.seconds_one),
            "all_expressions_of_a_scene": _median_and_p95(
                1e3 * t for t in measurement.seconds_all
            ),
        },
        "by_kind": {kind: _kind_figures(judged, kind) for kind in _kinds(judged)},
        "keyword_oracle": _baseline(judged),
    }


def threshold_for_t_acc(scores_of_present: Sequence[float], t_acc: float) -> float | None:
    """Return the highest threshold that still keeps that share of present objects."""
    if not scores_of_present:
        return None
    ordered = np.sort(scores_of_present)[::-1]
    kept = int(np.ceil(t_acc * len(ordered)))
    return float(ordered[max(kept, 1) - 1])


def _judge(
    scene: Scene, expressions: Sequence[Expression], answer: Segmentation, rules: Rules
) -> Iterator[Judged]:
    depth_m = realistic_depth(scene.depth_m, np.random.default_rng([scene.seed, DEPTH_STREAM]))
    guesses = np.random.default_rng([scene.seed, GUESS_STREAM])
    for number, expression in enumerate(expressions):
        judged = judge(expression.text, answer, number, rules=rules)
        # Of AMBIGUOUS the model's own mask counts, not the rivals: they have figures of their own.
        target, mask = scene.mask(expression.targets), answer.masks[number]
        mask = mask & (judged.status in SHOWN)
        matches = keyword_matches(expression.text, scene.objects)
        guess = scene.mask(matches)
        yield Judged(
            seed=scene.seed,
            number=number,
            expression=expression,
            score=float(answer.scores[number]),
            has_mask=bool((answer.logits[number] > 0).any()),
            status=judged.status,
            intersection=int(np.count_nonzero(mask & target)),
            union=int(np.count_nonzero(mask | target)),
            object_hit=best_object(mask, scene),
            centroid_error_mm=_centroid_error_mm(scene, expression, mask, depth_m),
            baseline_intersection=int(np.count_nonzero(guess & target)),
            baseline_union=int(np.count_nonzero(guess | target)),
            baseline_hit=keyword_guess(matches, guesses),
        )


def best_object(mask: NDArray[np.bool_], scene: Scene) -> int | None:
    """Return the object whose visible pixels overlap a mask best, by IoU; None for none."""
    count = len(scene.objects) + 1
    inside = np.bincount(scene.instances[mask], minlength=count)[1:]
    visible = np.bincount(scene.instances.ravel(), minlength=count)[1:]
    if not inside.any():
        return None
    return int(np.argmax(inside / (np.count_nonzero(mask) + visible - inside)))


def _centroid_error_mm(
    scene: Scene, expression: Expression, mask: NDArray[np.bool_], depth_m: NDArray[np.float32]
) -> float | None:
    if len(expression.targets) != 1:
        return None
    place = locate(mask, depth_m, Intrinsics.from_matrix(scene.camera_matrix))
    if not isinstance(place, Location):
        return None
    truth = scene.surface_centroid(expression.targets)
    return float(1e3 * np.linalg.norm(place.position_m - truth))


def _mask_metrics(judged: Iterable[Judged]) -> SegmentationMetrics:
    metrics = SegmentationMetrics()
    for item in judged:
        metrics.add(
            item.intersection,
            item.union,
            has_target=bool(item.expression.targets),
            found=item.found,
        )
    return metrics


def _effective_score(item: Judged) -> float:
    """Rank of an answer by how sure it is; without a mask nothing is ever found."""
    return item.score if item.has_mask else -1.0


def _pairs(judged: Sequence[Judged]) -> Iterator[bool]:
    """Yield whether both answers are right, for each two expressions about different objects."""
    by_scene: dict[int, list[Judged]] = {}
    for item in judged:
        if item.single:
            by_scene.setdefault(item.seed, []).append(item)
    for items in by_scene.values():
        for one, other in combinations(items, 2):
            if one.expression.targets != other.expression.targets:
                yield one.right and other.right


def _rejection(
    present: Sequence[Judged], absent: Sequence[Judged], threshold: float | None
) -> dict[str, float | None]:
    # No threshold: whatever has a mask counts as found.
    limit = 0.0 if threshold is None else threshold
    return {
        "threshold": threshold,
        "t_acc": _share(item.has_mask and item.score >= limit for item in present),
        "n_acc": _share(not (item.has_mask and item.score >= limit) for item in absent),
    }


def _centroid_figures(judged: Iterable[Judged]) -> dict[str, Any]:
    single = [item for item in judged if item.single]
    errors = [item.centroid_error_mm for item in single if item.right]
    known = [error for error in errors if error is not None]
    close = (
        item.right
        and item.centroid_error_mm is not None
        and item.centroid_error_mm <= CLOSE_ENOUGH_MM
        for item in single
    )
    return {
        "right_object_mm": _median_and_p95(known),
        "without_place": len(errors) - len(known),
        "within_25_mm_of_all_single": _share(close),
    }


def _kinds(judged: Iterable[Judged]) -> list[str]:
    return sorted({item.expression.kind for item in judged})


def _kind_figures(judged: Iterable[Judged], kind: str) -> dict[str, Any]:
    items = [item for item in judged if item.expression.kind == kind]
    return {
        "expressions": len(items),
        "right_object": _share(item.right for item in items if item.single),
        "wrong_object": _share(item.found and not item.right for item in items if item.single),
        "missed": _share(not item.found for item in items if item.single),
        "keyword_right_object": _share(
            item.expression.targets == (item.baseline_hit,) for item in items if item.single
        ),
        "ciou": _mask_metrics(items).ciou,
        "found": _share(item.found for item in items),
    }


def _baseline(judged: Sequence[Judged]) -> dict[str, Any]:
    """Perfect segments of the first noun phrase: all matches as the mask, one as the guess."""
    metrics = SegmentationMetrics()
    for item in judged:
        metrics.add(
            item.baseline_intersection,
            item.baseline_union,
            has_target=bool(item.expression.targets),
            found=item.baseline_hit is not None,
        )
    single = [item for item in judged if item.single]
    right = _share(item.expression.targets == (item.baseline_hit,) for item in single)
    return {**metrics.summary(), "right_object": right}


def _share(values: Iterable[bool]) -> float | None:
    listed = list(values)
    return sum(listed) / len(listed) if listed else None


def _median_and_p95(values: Iterable[float]) -> dict[str, float] | None:
    listed = list(values)
    if not listed:
        return None
    return {"median": statistics.median(listed), "p95": float(np.percentile(listed, 95))}
