"""Metrics of what a robot acts on: the answer's anchor point, and its place in space."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evf_sam_ros.data.records import Record
from evf_sam_ros.evaluation.judged import Judged
from evf_sam_ros.perception.camera_model import Intrinsics
from evf_sam_ros.perception.geometry import Location, Mask, locate, outline

WITHIN_MM = (10, 25)


@dataclass(frozen=True)
class Lifting:
    """Depth image, (H, W) metres, and the camera that lifts its pixels to points."""

    depth_m: NDArray[np.float32]
    camera: Intrinsics

    def place(self, mask: Mask) -> NDArray[np.float64] | None:
        """Return the centroid of the surface in a mask, (3,) metres, as the node does."""
        place = locate(mask, self.depth_m, self.camera) if mask.any() else None
        return place.position_m if isinstance(place, Location) else None


@dataclass(frozen=True)
class Spot:
    """Distances of a mask's point and place from the truth."""

    anchor_inside: bool | None  # None: it lies on pixels that count for neither
    centroid_mm: float | None  # to the centroid of the true mask; None: one has no place
    center_mm: float | None  # to the centre of the body, where its pose is known
    placeable: bool  # the true mask has a place


def lifting_of(record: Record) -> Lifting | None:
    """Return what places masks of a picture in space; None without depth or camera.

    Raises:
        ValueError: the depth picture cannot be read.
    """
    if record.depth is None or record.depth.camera is None:
        return None
    depth_m = record.depth.read_m(record.height, record.width)
    return Lifting(depth_m, Intrinsics(*record.depth.camera))


def spot(
    predicted: Mask,
    target: Mask,
    ignored: Mask | None = None,
    *,
    lifting: Lifting | None = None,
    center_m: Sequence[float] | None = None,
) -> Spot:
    """Compare a mask with the true one, both (H, W), by what a robot takes from it.

    Args:
        predicted: the mask before the decision.
        target: the true mask.
        ignored: pixels that count neither as object nor as background.
        lifting: depth and camera of the picture.
        center_m: (3,), centre of the object's body in the camera's frame.
    """
    inside = _anchor_inside(predicted, target, ignored)
    if lifting is None:
        return Spot(inside, None, None, placeable=False)
    place, truth = lifting.place(predicted), lifting.place(target)
    return Spot(
        inside,
        _distance_mm(place, truth),
        _distance_mm(place, None if center_m is None else np.asarray(center_m, np.float64)),
        placeable=truth is not None,
    )


def point_accuracy(judged: Iterable[Judged]) -> float | None:
    """Return the share of sentences with a target whose answer's anchor lies in the true mask.

    "Not found" is no such answer.
    """
    points = [
        item.found and bool(item.anchor_inside)
        for item in judged
        if item.has_target and not (item.found and item.anchor_inside is None)
    ]
    return sum(points) / len(points) if points else None


def centroid_figures(judged: Iterable[Judged]) -> dict[str, Any] | None:
    """Return the errors of the centroid in space; None where no truth has a place.

    Median and 95th percentile are of the answers that have a place. The shares within a distance
    are of all sentences whose truth has one, so that "not found" is not within.
    """
    targets = [item for item in judged if item.has_target and item.placeable]
    if not targets:
        return None
    errors = [item.centroid_mm for item in targets if item.found and item.centroid_mm is not None]
    figures: dict[str, Any] = {"targets": len(targets), **_spread(errors)}
    for limit in WITHIN_MM:
        figures[f"within_{limit}mm"] = sum(error <= limit for error in errors) / len(targets)
    centers = [item.center_mm for item in targets if item.found and item.center_mm is not None]
    return figures | {f"center_{name}": value for name, value in _spread(centers).items()}


def _spread(errors: Sequence[float]) -> dict[str, float | None]:
    if not errors:
        return {"answers": 0, "median_mm": None, "p95_mm": None}
    return {
        "answers": len(errors),
        "median_mm": statistics.median(errors),
        "p95_mm": float(np.percentile(errors, 95)),
    }


def _anchor_inside(predicted: Mask, target: Mask, ignored: Mask | None) -> bool | None:
    if not predicted.any():
        return False
    u, v = outline(predicted).anchor_uv
    if ignored is not None and ignored[v, u]:
        return None
    return bool(target[v, u])


def _distance_mm(
    place: NDArray[np.float64] | None, truth: NDArray[np.float64] | None
) -> float | None:
    if place is None or truth is None:
        return None
    return 1000 * float(np.linalg.norm(place - truth))
