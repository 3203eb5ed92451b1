"""Boxes around points in space, upright or along the camera's axes. Pure functions, metres."""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BOX_PERCENTILES = (1.0, 99.0)
LEAST_ABOVE = 0.4  # share of the points; with fewer above it, the support is no support
YAW_STEPS = 45  # of a quarter turn, then ten times finer around the best
BOX_POINTS, YAW_POINTS = 5000, 2000  # more change neither percentiles nor the yaw
GOLDEN = (5**0.5 - 1) / 2  # its multiples, less their whole parts, keep no rhythm


@dataclass(frozen=True)
class Box:
    """An oriented box around the visible surface, in the camera's optical frame."""

    center_m: Floats  # (3,)
    size_m: Floats  # (3,), along the box's own axes; upright: longer level side, shorter, height
    orientation_xyzw: Floats  # (4,), unit quaternion camera_from_box
    upright: bool = False  # its z axis is against gravity; else its axes are those of the camera


def camera_box(points: Floats) -> Box:
    """Fit a box to (N, 3) points along the axes of their frame, leaving out the outermost 1 %.

    For where gravity is not known: axes fitted to a surface that is seen from one side alone turn
    with the view, and look like an orientation of the object.
    """
    middle = points.mean(axis=0)
    centered = evenly(points, BOX_POINTS) - middle
    low, high = np.percentile(centered, BOX_PERCENTILES, axis=0)
    return Box(middle + (low + high) / 2, high - low, np.array([0.0, 0.0, 0.0, 1.0]))


def upright_box(
    points: Floats, up: Floats, support_m: float | None = None, sigma_m: float = 0.0
) -> Box:
    """Fit an upright box: its z axis is up, its x axis the longer level side.

    The level sides are those of the smallest rectangle around the points seen from above.

    Args:
        points: (N, 3), of a surface.
        up: (3,), against gravity, in the points' frame.
        support_m: the height along `up` of what the object stands on, where known. The box
            reaches down to it, and points of the support itself do not count.
        sigma_m: the error of a point; what is within three of them of the support is part of it.
    """
    length = float(np.linalg.norm(up))
    if not np.isfinite(length) or length == 0:
        raise ValueError(f"up is {list(up)}, need a direction")
    vertical = np.asarray(up, np.float64) / length
    body = points
    if support_m is not None:
        above = points[points @ vertical > support_m + 3 * sigma_m]
        body = above if len(above) > LEAST_ABOVE * len(points) else points
    middle = body.mean(axis=0)
    camera_from_box = _upright_axes(body - middle, vertical)
    centered = evenly(body, BOX_POINTS) - middle
    low, high = np.percentile(centered @ camera_from_box, BOX_PERCENTILES, axis=0)
    if support_m is not None:
        low[2] = min(low[2], support_m - float(middle @ vertical))
    return replace(_box(middle, camera_from_box, low, high), upright=True)


def evenly(values: NDArray[Any], most: int) -> NDArray[Any]:
    """Return all of (N, ...) values in a row, or `most` of more, from everywhere.

    In no rhythm: every n-th pixel of a mask whose rows are a multiple of n is one column of it.
    """
    if len(values) <= most:
        return values
    return values[(_steps(most) * (len(values) / most)).astype(np.intp)]


@lru_cache(maxsize=4)
def _steps(count: int) -> Floats:
    """Return (count,), each somewhere between its number and the next."""
    numbers = np.arange(count)
    return numbers + numbers * GOLDEN % 1.0


def _box(middle: Floats, camera_from_box: Floats, low: Floats, high: Floats) -> Box:
    return Box(
        center_m=middle + camera_from_box @ ((low + high) / 2),
        size_m=high - low,
        orientation_xyzw=quaternion_xyzw(camera_from_box),
    )


def _upright_axes(centered: Floats, vertical: Floats) -> Floats:
    """Return (3, 3) columns of axes: the longer level side, the shorter one, up."""
    level = np.cross(vertical, np.eye(3)[np.argmin(np.abs(vertical))])
    level /= np.linalg.norm(level)
    ground = np.stack([level, np.cross(vertical, level)])  # (2, 3)
    flat = evenly(centered, YAW_POINTS) @ ground.T
    coarse = np.arange(YAW_STEPS) * (np.pi / 2 / YAW_STEPS)
    best = coarse[np.argmin(_areas(flat, coarse))]
    fine = best + np.linspace(-1, 1, 21) * (np.pi / 2 / YAW_STEPS)
    yaw = fine[np.argmin(_areas(flat, fine))]
    sides = np.array([[np.cos(yaw), np.sin(yaw)], [-np.sin(yaw), np.cos(yaw)]])
    low, high = np.percentile(flat @ sides.T, BOX_PERCENTILES, axis=0)
    longer = _pointing_forward(sides[int(np.argmax(high - low))] @ ground)
    return np.stack([longer, np.cross(vertical, longer), vertical], axis=-1)


def _areas(flat: Floats, yaws: NDArray[np.floating]) -> Floats:
    """Return the area (len(yaws),) of the rectangle turned by each yaw around (N, 2) points."""
    sides = np.stack([np.cos(yaws), np.sin(yaws)]), np.stack([-np.sin(yaws), np.cos(yaws)])
    extents = [
        np.ptp(np.percentile(flat @ side, BOX_PERCENTILES, axis=0), axis=0) for side in sides
    ]
    return np.asarray(extents[0] * extents[1])


def quaternion_xyzw(rotation: Floats) -> Floats:
    """Turn a (3, 3) rotation matrix into a unit quaternion (x, y, z, w) with w >= 0."""
    # Bar-Itzhack 2000: an eigenvector, exact for every angle, where formulas with square
    # roots lose digits near half a turn.
    (r00, r01, r02), (r10, r11, r12), (r20, r21, r22) = rotation
    symmetric = np.array(
        [
            [r00 - r11 - r22, r10 + r01, r20 + r02, r21 - r12],
            [r10 + r01, r11 - r00 - r22, r21 + r12, r02 - r20],
            [r20 + r02, r21 + r12, r22 - r00 - r11, r10 - r01],
            [r21 - r12, r02 - r20, r10 - r01, r00 + r11 + r22],
        ]
    )
    quaternion = np.linalg.eigh(symmetric)[1][:, -1]
    return quaternion if quaternion[3] >= 0 else -quaternion


def rotation_matrix(quaternion_xyzw: Floats) -> Floats:
    """Turn a unit quaternion (x, y, z, w) into a (3, 3) rotation matrix."""
    x, y, z, w = quaternion_xyzw.tolist()
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def _pointing_forward(axis: Floats) -> Floats:
    """Fix the sign that an axis leaves open: the largest component is positive."""
    return axis if axis[np.argmax(np.abs(axis))] > 0 else -axis
