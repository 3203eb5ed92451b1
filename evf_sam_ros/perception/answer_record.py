"""Answers in files and on the terminal: records, mask pictures, captions."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evf_sam_ros.perception.geometry import Mask, outline
from evf_sam_ros.perception.judgement import Judgement, label_image
from evf_sam_ros.perception.overlay import Annotation
from evf_sam_ros.perception.predictor import Segmentation


def answer_record(
    expression: str, judged: Judgement, segmentation: Segmentation, index: int
) -> dict[str, Any]:
    """Return an answer as JSON has it: of a found object its shape, else the candidates."""
    presence = segmentation.presence
    readings = segmentation.readings[index] if segmentation.readings else ()
    record: dict[str, Any] = {
        "expression": expression,
        "status": judged.status.name,
        "found": judged.found,
        "message": judged.message,
        "score": round(judged.score, 6),
        "calibrated": judged.calibrated,
        "predicted_iou": round(float(segmentation.predicted_iou[index]), 6),
        "presence": None if presence is None else round(float(presence[index]), 4),
        "unknown_words": list(segmentation.unknown_words[index]),
        "read_as": {reading.said: reading.read for reading in readings},
    }
    return record | places(judged)


def places(judged: Judgement) -> dict[str, Any]:
    """Return the shape of a found object, else the candidates, if there are any."""
    if judged.found:
        return shape_record(judged.mask(judged.parts[0].shape))
    names = judged.descriptions or ("",) * len(judged.parts)
    candidates = [
        {"description": name, **shape_record(part)}
        for name, part in zip(names, judged.parts, strict=True)
    ]
    return {"candidates": candidates} if candidates else {}


def shape_record(mask: Mask) -> dict[str, Any]:
    """Return position and size of a mask, in pixels."""
    measured = outline(mask)
    roi = measured.roi
    return {
        "area_px": measured.area_px,
        "box_xywh": [roi.x, roi.y, roi.width, roi.height],
        # Adding 0.0 turns -0.0 into 0.0.
        "centroid_uv": [round(float(value), 2) + 0.0 for value in measured.centroid_uv],
        "anchor_uv": list(measured.anchor_uv),
        "cut_off": measured.cut_off,
    }


def numbered_masks(judged: Sequence[Judgement], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return (H, W): 255 on the only expression's object, or each expression's number from 1.

    Only what may be acted on is in it, as in `~/mask` of the node: candidates are not.
    """
    labels = range(1, len(judged) + 1) if len(judged) > 1 else (255,)
    masks = (each.mask(size) for each in judged)
    return label_image(size, zip(labels, masks, strict=True)).astype(np.uint8)


def annotation(
    expression: str, judged: Judgement, size: tuple[int, int], detail: str = ""
) -> Annotation:
    """Return an answer as it is drawn, candidates included; `detail` replaces the message."""
    shown = np.zeros(size, bool)
    for part in judged.parts:
        shown |= part
    detail = detail or judged.message
    return Annotation(shown, expression, judged.status.name, judged.score, detail)
