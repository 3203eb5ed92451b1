"""Ambiguity benchmark: a sentence that fits several objects must give AMBIGUOUS, and them all."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evf_sam_ros.perception.geometry import Mask
from evf_sam_ros.perception.judgement import Judgement, Rules, Status, judge
from evf_sam_ros.perception.segmentation import Segmentation
from evf_sam_ros.sim.expressions import Expression, sample_expressions
from evf_sam_ros.sim.scene import Scene

AMBIGUOUS = "ambiguous"  # kind of these sentences
PER_SCENE = 2
STREAM = 4  # independent randomness of one scene, beside those of `evaluation.tabletop`
SAME = 0.5  # intersection over union of an object and the candidate that stands for it


@dataclass(frozen=True)
class JudgedAmbiguity:
    """One sentence that several objects fit, and the answer to it."""

    seed: int
    expression: Expression
    status: Status
    candidates: int  # objects that were told, of any status
    recovered: int  # fitting objects that are among them

    @property
    def complete(self) -> bool:
        """Tell whether every fitting object is among the candidates."""
        return self.recovered == len(self.expression.targets)


def ambiguous_expressions(scene: Scene) -> list[Expression]:
    """Return sentences that two or more objects of a scene fit: always the same for a seed."""
    rng = np.random.default_rng([scene.seed, STREAM])
    return sample_expressions(scene.objects, rng, PER_SCENE, {AMBIGUOUS: 1.0})


def judge_ambiguity(
    scene: Scene, expressions: Sequence[Expression], answer: Segmentation, rules: Rules
) -> Iterator[JudgedAmbiguity]:
    """Compare answers with the objects that fit."""
    for number, expression in enumerate(expressions):
        told = judge(expression.text, answer, number, rules=rules)
        found = [scene.mask([target]) for target in expression.targets]
        yield JudgedAmbiguity(
            scene.seed,
            expression,
            told.status,
            len(told.parts),
            sum(_is_among(each, told) for each in found),
        )


def ambiguity_figures(
    judged: Sequence[JudgedAmbiguity], false: Sequence[bool]
) -> dict[str, Any] | None:
    """Return recall, completeness and false alarms; None where nothing of the kind was asked.

    Args:
        judged: sentences that several objects fit.
        false: for each clear sentence about one object, whether it was told as AMBIGUOUS.
    """
    if not judged:
        return None
    told = [item for item in judged if item.status is Status.AMBIGUOUS]
    return {
        "expressions": len(judged),
        "recall": len(told) / len(judged),
        "recall_plain": _recall(item for item in judged if not item.expression.anchors),
        "recall_related": _recall(item for item in judged if item.expression.anchors),
        "found_instead": sum(item.status is Status.FOUND for item in judged) / len(judged),
        "complete_of_told": _share(item.complete for item in told),
        "complete": sum(item.complete for item in told) / len(judged),
        "false": _share(false),
    }


def _is_among(target: Mask, told: Judgement) -> bool:
    return any(
        np.count_nonzero(part & target) >= SAME * np.count_nonzero(part | target)
        for part in told.parts
    )


def _recall(items: Iterable[JudgedAmbiguity]) -> float | None:
    return _share(item.status is Status.AMBIGUOUS for item in items)


def _share(values: Iterable[bool]) -> float | None:
    listed = list(values)
    return sum(listed) / len(listed) if listed else None
