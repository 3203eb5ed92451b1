"""Answers of the node as small JSON objects for a language model."""

import json
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from evf_sam_ros.msg import SegmentationResult
from evf_sam_ros.ros.agent.node_client import Found
from evf_sam_ros.ros.web.describe import result_document

MOST_POINTS = 64  # of an outline
# What a person reads of an answer; times and ids stay with the robot.
KEPT = (
    "status", "message", "expression", "score", "calibrated", "depth_status", "frame_id",
    "stamp_s",
)  # fmt: skip
_YES = (SegmentationResult.FOUND, SegmentationResult.AMBIGUOUS)


def plain(found: Found) -> dict[str, Any]:
    """Return status, message, score and objects of an answer; positions in metres or null."""
    document = json.loads(result_document(found.result))
    return {**{name: document[name] for name in KEPT}, "objects": document["objects"]}


def presence(found: Found) -> dict[str, Any]:
    """Return "yes", "no" or "unknown" with the reason."""
    result = found.result
    answer = "unknown"  # a bad picture, no image, a low score: neither yes nor no
    if result.status in _YES:
        answer = "yes"
    elif result.status == SegmentationResult.NOT_FOUND:
        answer = "no"
    document = plain(found)
    return {"answer": answer, **{name: document[name] for name in ("status", "message", "score")}}


def candidates(found: Found) -> dict[str, Any]:
    """Return each object that fits with the description that tells it from the others."""
    document = plain(found)
    objects = [
        {
            "description": each["description"] or document["expression"],
            "position_m": each["position_m"],
            "box_px": each["roi"],
        }
        for each in document["objects"]
    ]
    return {"status": document["status"], "message": document["message"], "candidates": objects}


def outlined(found: Found) -> dict[str, Any]:
    """Return the answer with the outlines of the mask, at most `MOST_POINTS` pixels each."""
    mask = _pixels(found)
    return {
        **plain(found),
        "image_size_px": [mask.shape[1], mask.shape[0]],
        "outlines_px": outlines(mask),
    }


def outlines(mask: NDArray[np.uint8]) -> list[list[list[int]]]:
    """Return the outer outlines of a mask (H, W), the largest first, as lists of (u, v).

    An outline of more than `MOST_POINTS` corners is simplified until it has no more.
    """
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    ordered = sorted(contours, key=cv2.contourArea, reverse=True)
    return [_simplified(each)[:, 0].tolist() for each in ordered[:16]]


def _simplified(contour: Any) -> Any:
    tolerance_px = 0.5
    while len(contour) > MOST_POINTS:
        contour = cv2.approxPolyDP(contour, tolerance_px, closed=True)
        tolerance_px *= 1.5
    return contour


def _pixels(found: Found) -> NDArray[np.uint8]:
    image = found.mask
    if not image.data:
        return np.zeros((0, 0), np.uint8)
    rows = np.frombuffer(image.data, np.uint8).reshape(image.height, image.step)
    return np.ascontiguousarray(rows[:, : image.width])
