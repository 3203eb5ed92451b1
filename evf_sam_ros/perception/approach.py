"""A pose for a robot before an object, on the ground, facing it."""

from dataclasses import dataclass

import numpy as np

from evf_sam_ros.perception.boxes import Box, rotation_matrix
from evf_sam_ros.perception.geometry import Floats

LEAST_DISTANCE_M = 0.01  # between camera and object, seen from above, to tell a direction


@dataclass(frozen=True)
class Approach:
    """A pose on the ground plane of a frame whose z axis points up."""

    x_m: float
    y_m: float
    yaw_rad: float  # of the robot, which looks at the object


def approach(
    box: Box, camera_m: Floats, stand_off_m: float, yaw_rad: float | None = None
) -> Approach:
    """Return where to stand.

    Args:
        box: around the object, in a frame whose z axis points up.
        camera_m: (3,) place of the camera in that frame.
        stand_off_m: distance from the middle of the box, along the ground.
        yaw_rad: direction in which the robot looks; None: from the camera to the object.

    Raises:
        ValueError: that place is inside the object, or no direction can be told.
    """
    ahead = _direction(box, camera_m) if yaw_rad is None else _unit(yaw_rad)
    reach_m = _reach(box, ahead)
    if stand_off_m <= reach_m:
        raise ValueError(
            f"no approach pose: stand_off_m is {stand_off_m:g}, which is inside the object: it "
            f"reaches {reach_m:.2f} m from its middle on that side"
        )
    x, y = (box.center_m[:2] - stand_off_m * ahead).tolist()
    return Approach(x, y, float(np.arctan2(ahead[1], ahead[0])))


def _direction(box: Box, camera_m: Floats) -> Floats:
    ahead = (box.center_m - camera_m)[:2]
    length = float(np.linalg.norm(ahead))
    if length < LEAST_DISTANCE_M:
        raise ValueError(
            "no approach pose: the camera is straight above the object, which tells no side to "
            "come from: set approach_from to yaw"
        )
    return np.asarray(ahead / length, np.float64)


def _unit(yaw_rad: float) -> Floats:
    return np.array([np.cos(yaw_rad), np.sin(yaw_rad)])


def _reach(box: Box, ahead: Floats) -> float:
    """Return how far a box reaches from its middle along a direction on the ground."""
    axes = rotation_matrix(box.orientation_xyzw)[:2]  # (2, 3), seen from above
    return float(np.abs(ahead @ axes) @ box.size_m / 2)
