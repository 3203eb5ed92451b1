"""Spatial relations between objects: left of, behind, next to, between; only the clear cases.

A relation is True, False, or None where it could be argued about; a sentence is only used where
no candidate can be argued about. Metres along the ground, seen from the camera; u and v are
shares of the picture.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from evf_sam_ros.sim.scene import SceneObject  # whose lexicon has these

ASPECT = 3 / 4  # height over width of the picture in which u and v were measured


def left_of(target: SceneObject, anchor: SceneObject) -> bool | None:
    """Picture and ground must agree, and sideways must be the main direction."""
    sideways = anchor.u - target.u
    along = abs(target.v - anchor.v) * ASPECT
    ground = anchor.right - target.right
    if sideways > 0.06 and ground > 0.03 and sideways > 0.5 * along:
        return True
    return False if sideways < -0.01 and ground < 0 else None


def behind(target: SceneObject, anchor: SceneObject) -> bool | None:
    """Further from the camera along the ground, and that mainly."""
    away = target.away - anchor.away
    if away > 0.07 and away > 0.5 * abs(target.right - anchor.right):
        return True
    return False if away < -0.01 else None


def gap(target: SceneObject, anchor: SceneObject) -> float:
    """Return the free distance between two objects, metres."""
    distance = np.hypot(target.right - anchor.right, target.away - anchor.away)
    return float(distance) - target.radius - anchor.radius


def between(target: SceneObject, first: SceneObject, second: SceneObject) -> bool | None:
    """Near the line from one anchor to the other, and near its middle."""
    start = np.array([first.right, first.away])
    line = np.array([second.right, second.away]) - start
    length = float(np.linalg.norm(line))
    offset = np.array([target.right, target.away]) - start
    along = float(offset @ line) / length**2
    aside = abs(float(line[0] * offset[1] - line[1] * offset[0])) / length
    if 0.2 < along < 0.8 and aside < min(0.30 * length, 0.10):
        return True
    return None if -0.05 < along < 1.05 and aside < 0.6 * length else False


Relation = Callable[["SceneObject", "SceneObject"], "bool | None"]
RELATIONS: dict[str, tuple[tuple[str, ...], Relation]] = {
    "left": (("left of", "to the left of", "on the left of"), left_of),
    "right": (
        ("right of", "to the right of", "on the right of"),
        lambda target, anchor: left_of(anchor, target),
    ),
    "behind": (("behind",), behind),
    "front": (("in front of",), lambda target, anchor: behind(anchor, target)),
}
NEAR = ("next to", "near", "beside", "closest to")
