"""Judge a model's answer: its status, an explanation, and the masks of the objects.

Every front end (node, action, service, `evf-sam segment`, `bag`, `track`, `evaluate`) calls
`judge`, so that one picture and one expression have one answer. The order of the decision:

1. A picture that the model cannot answer about (`Segmentation.unsuitable` gives the reason) is
   UNSUITABLE_IMAGE, whatever the mask shows.
2. A word that the model never learned is NOT_FOUND.
3. A score below the threshold is NOT_FOUND; just below a threshold that is the model's own
   estimate it is LOW_CONFIDENCE.
4. Without a part of `least_area_px` the mask shows nothing: NOT_FOUND.
5. Several objects for an expression that means one are AMBIGUOUS: candidates, nothing to act on.
6. Otherwise FOUND; where the model has no calibration and `require_calibration` is set, it is
   LOW_CONFIDENCE instead. `Judgement.calibrated` says in any case whether the score may be
   read as a probability.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from evf_sam_ros.language.nouns import counted
from evf_sam_ros.language.number import means_several
from evf_sam_ros.perception.candidate_names import told_apart
from evf_sam_ros.perception.defaults import LEAST_AREA_PX
from evf_sam_ros.perception.depth_readings import DepthMap
from evf_sam_ros.perception.geometry import Mask
from evf_sam_ros.perception.instances import MAX_OBJECTS, objects_of
from evf_sam_ros.perception.segmentation import Segmentation

# So far below the model's own threshold it is wrong about as often as right: worth telling.
DOUBTFUL = 0.1


class Status(Enum):
    """Outcome of a command in one image; the constants of SegmentationResult.msg have these names.

    `judge` gives the first five, the others come from the node, which may not have looked at all.
    """

    FOUND = "FOUND"
    NOT_FOUND = "NOT_FOUND"
    AMBIGUOUS = "AMBIGUOUS"
    LOW_CONFIDENCE = "LOW_CONFIDENCE"
    UNSUITABLE_IMAGE = "UNSUITABLE_IMAGE"
    NO_FRAME = "NO_FRAME"
    STALE_FRAME = "STALE_FRAME"
    COMMAND_EXPIRED = "COMMAND_EXPIRED"
    COMMAND_REJECTED = "COMMAND_REJECTED"
    CANCELLED = "CANCELLED"
    REPLACED = "REPLACED"
    ERROR = "ERROR"


@dataclass(frozen=True)
class Rules:
    """Limits of the decision that a user may set; the defaults are those of every front end."""

    threshold: float | None = None  # score from which the object counts as found; None: any
    is_estimate: bool = True  # False: a person set the threshold, which is then a clear line
    least_area_px: int = LEAST_AREA_PX
    require_calibration: bool = False  # FOUND becomes LOW_CONFIDENCE without a calibration


DEFAULT_RULES = Rules()


@dataclass(frozen=True)
class Judgement:
    """Decision about one expression; the message is empty if the status says enough."""

    status: Status
    score: float  # 0..1
    calibrated: bool  # whether the score is a probability
    message: str = ""
    parts: tuple[Mask, ...] = ()  # (H, W) each: the objects or candidates, the largest first
    descriptions: tuple[str, ...] = ()  # one per part where there are several: "the left one"

    @property
    def found(self) -> bool:
        """True if a robot may act on the answer."""
        return self.status is Status.FOUND

    def mask(self, size: tuple[int, int]) -> Mask:
        """Return (H, W), what may be acted on: all False unless the status is FOUND."""
        if not (self.found and self.parts):
            return np.zeros(size, bool)
        return reduce(np.logical_or, self.parts)


def judge(
    expression: str,
    segmentation: Segmentation,
    index: int = 0,
    depth_m: DepthMap | None = None,
    rules: Rules = DEFAULT_RULES,
    *,
    choice: str = "",
) -> Judgement:
    """Decide what may be told about one expression's answer.

    Args:
        expression: the prompt, by which one or several objects are meant.
        segmentation: the model's answers to one picture.
        index: the prompt's place in them.
        depth_m: (H, W), where the image has any; it joins parts that something nearer separates.
        rules: limits of the decision.
        choice: the description of the candidate that a user chose, "the left one"; else empty.
    """
    judgement = _judged(expression, segmentation, index, depth_m, rules)
    if choice:
        judgement = _chosen(judgement, expression, choice)
    slips = [str(reading) for own in segmentation.readings[index : index + 1] for reading in own]
    message = "; ".join(filter(None, (*slips, judgement.message)))
    return replace(judgement, message=message)


def _chosen(judgement: Judgement, expression: str, choice: str) -> Judgement:
    """Keep the chosen one of several candidates; a single object may be it or another."""
    if judgement.status not in (Status.AMBIGUOUS, Status.FOUND):
        return judgement
    count = len(judgement.parts)
    if choice in judgement.descriptions:
        part = judgement.parts[judgement.descriptions.index(choice)]
        message = f"{choice} of {counted(expression, count)}"
        return replace(
            judgement, status=Status.FOUND, message=message, parts=(part,), descriptions=()
        )
    message = f"{choice} was chosen, but of {counted(expression, count)} none is that for sure"
    return replace(judgement, status=Status.LOW_CONFIDENCE, message=message)


def label_image(size: tuple[int, int], labelled: Iterable[tuple[int, Mask]]) -> NDArray[np.uint16]:
    """Return (H, W): each mask's label, 0 elsewhere; a shared pixel belongs to the first mask.

    The first command, or the first expression of a command line, is therefore never covered by
    a later one, in `~/label_mask` as in the files of `segment` and `bag`.
    """
    labels = np.zeros(size, np.uint16)
    for label, mask in reversed(list(labelled)):
        labels[mask] = label
    return labels


def _judged(
    expression: str,
    segmentation: Segmentation,
    index: int,
    depth_m: DepthMap | None,
    rules: Rules,
) -> Judgement:
    nothing = Judgement(
        Status.NOT_FOUND, float(segmentation.scores[index]), segmentation.calibrated
    )
    if segmentation.unsuitable:
        return replace(nothing, status=Status.UNSUITABLE_IMAGE, message=segmentation.unsuitable)
    if segmentation.found[index]:
        parts = _parts(expression, segmentation, index, depth_m, rules.least_area_px)
        return _of_objects(nothing, expression, parts, rules)
    if unknown := segmentation.unknown_words[index]:
        words = ", ".join(repr(word) for word in unknown)
        return replace(nothing, message=f"the model does not know {words}; say it in other words")
    if parts := _doubtful_parts(expression, segmentation, index, depth_m, rules):
        message = f"the score is {nothing.score:.2f}, and {rules.threshold:.2f} counts as found"
        return replace(nothing, status=Status.LOW_CONFIDENCE, message=message, parts=parts)
    return replace(nothing, message=f"nothing in the image is {expression!r} to the model")


def _parts(
    expression: str,
    segmentation: Segmentation,
    index: int,
    depth_m: DepthMap | None,
    least_px: int,
) -> tuple[Mask, ...]:
    """Return the objects of a mask and, for an expression for one, its rivals."""
    named = segmentation.instances_of(index)
    own = objects_of(expression, segmentation.masks[index], depth_m, least_px, named=named)
    if not own or means_several(expression):
        return own
    rivals = (each for each in segmentation.rivals_of(index) if _area(each) >= least_px)
    return tuple(sorted((*own, *rivals), key=_area, reverse=True)[:MAX_OBJECTS])


def _area(mask: Mask) -> int:
    """Return a mask's size in pixels."""
    return int(np.count_nonzero(mask))


def _of_objects(
    nothing: Judgement, expression: str, parts: tuple[Mask, ...], rules: Rules
) -> Judgement:
    """Judge the objects of a mask whose score is high enough."""
    if not parts:
        message = f"no part of the mask has min_mask_area_px = {rules.least_area_px} pixels"
        return replace(nothing, message=message)
    seen = replace(nothing, parts=parts, descriptions=told_apart(parts))
    if len(parts) > 1 and not means_several(expression):
        message = f"{counted(expression, len(parts))}: {', '.join(seen.descriptions)}; say which"
        return replace(seen, status=Status.AMBIGUOUS, message=message)
    if rules.require_calibration and not nothing.calibrated:
        message = "the model has no calibration: evf-sam calibrate makes one"
        return replace(seen, status=Status.LOW_CONFIDENCE, message=message)
    return replace(seen, status=Status.FOUND)


def _doubtful_parts(
    expression: str,
    segmentation: Segmentation,
    index: int,
    depth_m: DepthMap | None,
    rules: Rules,
) -> tuple[Mask, ...]:
    """Return the objects of a mask that an estimated threshold refused by a little."""
    score, threshold = float(segmentation.scores[index]), rules.threshold
    if threshold is None or not rules.is_estimate:
        return ()
    if not threshold - DOUBTFUL <= score < threshold:
        return ()
    proposed = segmentation.proposed
    mask = segmentation.masks[index] if proposed is None else proposed[index]
    named = segmentation.instances_of(index)
    return objects_of(expression, mask, depth_m, rules.least_area_px, named=named)
