"""From what a model answered to a status, a sentence about it, and the objects' masks."""

from dataclasses import dataclass, replace

import numpy as np

from evf_sam_ros.msg import SegmentationResult
from evf_sam_ros.perception.geometry import Mask, split_instances
from evf_sam_ros.perception.instances import means_several, split_objects
from evf_sam_ros.perception.predictor import Segmentation
from evf_sam_ros.ros.conversions import Depth
from evf_sam_ros.ros.parameters import NodeParameters

MAX_OBJECTS = 16  # more are no objects but a mask in shreds, and each one takes time
# So far below the model's own threshold it is wrong about as often as right: worth telling.
DOUBTFUL = 0.1


@dataclass(frozen=True)
class Judgement:
    """What came of one command; the message is empty where the status says enough."""

    status: int
    message: str = ""
    parts: tuple[Mask, ...] = ()  # (H, W) each, the largest object first


def judge(
    expression: str,
    answer: tuple[Segmentation, int],
    depth_m: Depth | None,
    threshold: float | None,
    parameters: NodeParameters,
) -> Judgement:
    """Decide what may be told about one prompt's answer.

    Args:
        expression: the prompt.
        answer: the model's, and the prompt's place in it.
        depth_m: (H, W), where the image has any.
        threshold: the score from which the object counts as found, None where any does.
        parameters: of the node.
    """
    judgement = _judge(expression, answer, depth_m, threshold, parameters)
    segmentation, index = answer
    readings = segmentation.readings[index : index + 1]
    told = [str(reading) for own in readings for reading in own]  # slips of the fingers
    message = "; ".join(filter(None, (*told, judgement.message)))
    return replace(judgement, message=message)


def _judge(
    expression: str,
    answer: tuple[Segmentation, int],
    depth_m: Depth | None,
    threshold: float | None,
    parameters: NodeParameters,
) -> Judgement:
    segmentation, index = answer
    least_px = parameters.min_mask_area_px
    if segmentation.found[index]:
        parts = objects_of(expression, segmentation.masks[index], depth_m, least_px)
        if len(parts) > 1 and not means_several(expression):
            return Judgement(
                SegmentationResult.AMBIGUOUS,
                f"{len(parts)} objects fit {expression!r}: say which one, as in 'the left one'",
                parts,
            )
        if parts:
            return Judgement(SegmentationResult.FOUND, "", parts)
        message = f"no part of the mask has min_mask_area_px, which is {least_px}"
        return Judgement(SegmentationResult.NOT_FOUND, message)
    if unknown := segmentation.unknown_words[index]:
        words = ", ".join(repr(word) for word in unknown)
        message = f"the model does not know {words}; say it in other words"
        return Judgement(SegmentationResult.NOT_FOUND, message)
    score = float(segmentation.scores[index])
    # A threshold that a person has set is a clear line; the model's own is an estimate.
    is_estimate = parameters.score_threshold < 0 and threshold is not None
    if is_estimate and threshold is not None and threshold - DOUBTFUL <= score < threshold:
        proposed = segmentation.proposed
        mask = segmentation.masks[index] if proposed is None else proposed[index]
        if parts := objects_of(expression, mask, depth_m, least_px):
            message = f"the score is {score:.2f}, and {threshold:.2f} counts as found"
            return Judgement(SegmentationResult.LOW_CONFIDENCE, message, parts)
    message = f"nothing in the image is {expression!r} to the model"
    return Judgement(SegmentationResult.NOT_FOUND, message)


def objects_of(
    expression: str, mask: Mask, depth_m: Depth | None, least_px: int
) -> tuple[Mask, ...]:
    """Return the separate objects of a mask; what is one object in several parts stays one."""
    parts = split_instances(mask, least_px)
    if len(parts) < 2 or means_several(expression):
        return tuple(parts[:MAX_OBJECTS])
    objects = split_objects(np.logical_or.reduce(parts), depth_m)
    if len(objects) > 1:
        return tuple(objects[:MAX_OBJECTS])
    return (np.logical_or.reduce(parts),)
