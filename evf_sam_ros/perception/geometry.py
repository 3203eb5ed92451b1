"""Compute an object's points and centroid in space from mask and depth image. Pure functions.

Metres, pixels, optical frames (x right, y down, z forward). A matrix named a_from_b maps
points in frame b to frame a: p_a = a_from_b @ p_b.
"""

from dataclasses import dataclass
from enum import Enum

import cv2
import numpy as np
from numpy.typing import NDArray

from evf_sam_ros.perception.boxes import Box, camera_box, evenly, upright_box
from evf_sam_ros.perception.camera_model import Intrinsics, rays
from evf_sam_ros.perception.defaults import DEPTH_LIMITS_M
from evf_sam_ros.perception.depth_readings import DepthMap

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]  # (H, W)
Indices = NDArray[np.intp]  # (N,) of pixels, in row-major order

ROBUST_SIGMAS = 3.0
SCALE_FLOOR_M = 0.002  # a perfectly flat surface still has this much spread
MIN_READINGS = 8
MIN_VALID_RATIO = 0.05
MIN_READINGS_AFTER_EROSION = 20
MOST_POINTS = 10_000  # of one object; their mean is certain to a hundredth of their spread
LEAST_PART = 0.05  # of the largest part's area; smaller ones are specks
SURROUNDINGS_PX = 8  # how far around an object its support is looked for
LEAST_LEVEL = 0.35  # share of the points around an object that must lie level to be its support
NEARER_M = 0.01  # what hides the middle of an object is nearer by at least this


class DepthStatus(Enum):
    """Result of placing an object by depth: OK, or the reason why it failed."""

    OK = "OK"
    NONE = "NONE"  # no depth image, or no camera to lift it with
    NOT_REGISTERED = "NOT_REGISTERED"  # of another size, or in another frame than the image
    TOO_SPARSE = "TOO_SPARSE"  # hardly a reading on the object
    OUT_OF_SYNC = "OUT_OF_SYNC"  # taken too long before or after the image
    STAMPS_NOT_DISTINCT = "STAMPS_NOT_DISTINCT"  # stamps do not tell whose depth it is
    CAMERA_MISMATCH = "CAMERA_MISMATCH"  # camera_info is of another camera


@dataclass(frozen=True)
class Roi:
    """The smallest upright rectangle around a mask, in whole pixels."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class Outline:
    """Shape of a mask in pixels; (u, v) is (column, row)."""

    area_px: int
    roi: Roi
    centroid_uv: tuple[float, float]  # may lie outside a ring or a crescent
    anchor_uv: tuple[int, int]  # always inside, as far from the rim as possible
    cut_off: bool  # it reaches the image's border: what is beyond that nobody sees


@dataclass(frozen=True)
class Location:
    """Position of an object in the camera's optical frame."""

    position_m: Floats  # (3,), centroid of the visible surface, not of the solid body
    covariance_m2: Floats  # (3, 3), of the position, not the extent of the object
    depth_valid_ratio: float  # share of the mask's pixels with a depth reading
    box: Box
    status: DepthStatus = DepthStatus.OK


@dataclass(frozen=True)
class NoLocation:
    """The reason why a mask could not be placed in space."""

    reason: str
    depth_valid_ratio: float
    status: DepthStatus = DepthStatus.TOO_SPARSE


def has_reading(depth_m: NDArray[np.floating], minimum_m: float, maximum_m: float) -> Mask:
    """Return (H, W), True where depth is a measurement: 0, NaN and +-Inf are none (REP 117)."""
    # Comparisons with NaN are False, and with +-Inf one of the two is.
    return (depth_m > 0) & (depth_m >= minimum_m) & (depth_m <= maximum_m) & (depth_m < np.inf)


def deproject(depth_m: NDArray[np.floating], mask: Mask, camera: Intrinsics) -> Floats:
    """Lift the masked pixels to 3-D.

    Args:
        depth_m: (H, W) distance along the optical axis. Not finite or <= 0: no reading.
        mask: (H, W), the pixels to lift.
        camera: intrinsics of the depth image.

    Returns:
        (N, 3) points in the camera's optical frame, metres, in row-major pixel order; N may be 0.
    """
    _refuse_other_sizes(depth_m, mask)
    return _lifted(depth_m, np.flatnonzero(mask & has_reading(depth_m, 0.0, np.inf)), camera)


def _lifted(depth_m: NDArray[np.floating], pixels: Indices, camera: Intrinsics) -> Floats:
    rows, columns = np.divmod(pixels, depth_m.shape[1])
    z = depth_m.ravel()[pixels].astype(np.float64)
    x, y = rays(columns, rows, camera)
    return np.stack([x * z, y * z, z]).T  # column by column in memory: sums of columns are fast


def outline(mask: Mask) -> Outline:
    """Measure a mask that has at least one pixel."""
    if not mask.any():
        raise ValueError("the mask is empty: nothing to measure")
    inside = window(mask)
    cropped = mask[inside]
    (height, width), (y, x) = cropped.shape, (side.start for side in inside)
    pixels = cropped.astype(np.uint8)
    moments = cv2.moments(pixels, binaryImage=True)  # of whole numbers: exact
    area = moments["m00"]
    # The frame of zeros makes the image's border count as rim, too.
    framed = cv2.copyMakeBorder(pixels, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    to_rim = cv2.distanceTransform(framed, cv2.DIST_L2, 5)
    anchor_v, anchor_u = np.unravel_index(int(np.argmax(to_rim)), to_rim.shape)
    return Outline(
        area_px=int(area),
        roi=Roi(x=x, y=y, width=width, height=height),
        centroid_uv=(x + moments["m10"] / area, y + moments["m01"] / area),
        anchor_uv=(x + int(anchor_u) - 1, y + int(anchor_v) - 1),
        cut_off=x == 0 or y == 0 or x + width == mask.shape[1] or y + height == mask.shape[0],
    )


def window(mask: Mask, margin_px: int = 0) -> tuple[slice, slice]:
    """Return the box of all of a mask: what is done there costs a twentieth of the whole image."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return np.s_[0:1, 0:1]  # OpenCV takes no empty image
    (top, bottom), (left, right) = ((int(ends[0]), int(ends[-1])) for ends in (rows, columns))
    return np.s_[
        max(top - margin_px, 0) : bottom + 1 + margin_px,
        max(left - margin_px, 0) : right + 1 + margin_px,
    ]


def split_instances(mask: Mask, min_area_px: int = 1) -> list[Mask]:
    """Return the mask's connected parts of at least that area, the largest first, (H, W) each.

    Where there is but one it is the mask itself, no copy.
    """
    inside = window(mask)
    count, labels = cv2.connectedComponents(mask[inside].astype(np.uint8))
    if count == 2:  # with the background
        return [mask] if np.count_nonzero(mask[inside]) >= min_area_px else []
    areas = np.bincount(labels.ravel(), minlength=count)
    kept = [label for label in range(1, count) if areas[label] >= min_area_px]
    parts = [np.zeros_like(mask) for _ in kept]
    for part, label in zip(parts, sorted(kept, key=lambda label: -areas[label]), strict=True):
        part[inside] = labels == label
    return parts


def main_body(mask: Mask, depth_m: DepthMap) -> Mask:
    """Return the largest connected part of a mask, and the parts that belong to it, (H, W).

    Another part belongs to it where something nearer stands between the two and hides what
    joins them; any other is a stray blob, on another object or on the ground.
    """
    _refuse_other_sizes(depth_m, mask)
    if not mask.any():
        return mask
    inside = window(mask)
    body = np.zeros_like(mask)
    body[inside] = _main_body(mask[inside], depth_m[inside])
    return body


def _main_body(mask: Mask, depth_m: NDArray[np.floating]) -> Mask:
    parts = split_instances(mask)
    if len(parts) == 1:
        return mask
    body = largest = parts[0]
    least = LEAST_PART * np.count_nonzero(largest)
    away, nearest = cv2.distanceTransformWithLabels(
        (~largest).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    for part in parts[1:]:
        if np.count_nonzero(part) < least:
            break  # they come in order of size
        end = _pixel(np.where(part, away, np.inf).argmin(), part)
        start = _pixel(((nearest == nearest[end]) & largest).argmax(), part)
        if _hidden_between(start, end, depth_m, part | largest):
            body = body | part
    return body


def _pixel(index: np.integer, image: Mask) -> tuple[int, int]:
    row, column = np.unravel_index(int(index), image.shape)
    return int(row), int(column)


def locate(
    mask: Mask,
    depth_m: DepthMap,
    camera: Intrinsics,
    depth_min_m: float = DEPTH_LIMITS_M[0],
    depth_max_m: float = DEPTH_LIMITS_M[1],
    *,
    up: Floats | None = None,
) -> Location | NoLocation:
    """Find the centroid of the surface seen through a mask, whatever else the mask let in.

    Only its `main_body` counts; the rim is cut off by one pixel, then points whose depth is far
    from the median are dropped.

    Args:
        mask: (H, W), the object's pixels.
        depth_m: (H, W) distance along the optical axis, registered to the mask; may hold
            holes (0, NaN, Inf).
        camera: intrinsics of the depth image.
        depth_min_m: nearer readings are not believed.
        depth_max_m: farther readings are not believed.
        up: (3,), against gravity, in the camera's frame: the box then stands upright, on what the
            object stands on where that is seen. None, gravity is not known: the box has the
            camera's axes.
    """
    _refuse_other_sizes(depth_m, mask)
    near = window(mask, SURROUNDINGS_PX + 1)
    return _located(
        mask[near], depth_m[near], camera.cropped(near), (depth_min_m, depth_max_m), up
    )


def _located(
    mask: Mask,
    depth_m: NDArray[np.floating],
    camera: Intrinsics,
    limits_m: tuple[float, float],
    up: Floats | None,
) -> Location | NoLocation:
    mask = main_body(mask, depth_m)
    area = int(np.count_nonzero(mask))
    if area == 0:
        return NoLocation("the mask is empty", 0.0)
    readings = mask & has_reading(depth_m, *limits_m)
    count = int(np.count_nonzero(readings))
    ratio = count / area
    if count < MIN_READINGS or ratio < MIN_VALID_RATIO:
        return NoLocation(
            f"only {count} of the object's {area} pixels have a depth between "
            f"{limits_m[0]:g} m and {limits_m[1]:g} m, need {MIN_READINGS} and "
            f"{MIN_VALID_RATIO:.0%}",
            ratio,
        )
    try:
        lifted = _lifted(depth_m, _some(_without_rim(mask, readings)), camera)
        support_m = None if up is None else _support(mask, depth_m, camera, up)
    except ValueError as error:
        return NoLocation(str(error), ratio, DepthStatus.NONE)
    points = _near_median_depth(lifted)
    position = points.mean(axis=0)
    if up is None:
        return Location(position, _covariance(points, camera), ratio, camera_box(points))
    box = upright_box(points, up, support_m, _depth_sigma_m(float(position[2])))
    return Location(position, _covariance(points, camera), ratio, box)


def _support(
    mask: Mask, depth_m: NDArray[np.floating], camera: Intrinsics, up: Floats
) -> float | None:
    """Return the height, along `up`, of what surrounds an object, None where it is not level."""
    near, far = (np.ones((2 * n + 1, 2 * n + 1), np.uint8) for n in (2, SURROUNDINGS_PX))
    grown = [cv2.dilate(mask.astype(np.uint8), kernel).astype(bool) for kernel in (near, far)]
    around = grown[1] & ~grown[0] & has_reading(depth_m, 0.0, np.inf)
    points = _lifted(depth_m, _some(around), camera)
    if len(points) < MIN_READINGS:
        return None
    heights = np.sort(points @ (up / np.linalg.norm(up)))
    window_m = 6 * _depth_sigma_m(float(np.median(points[:, 2])))
    counts = np.searchsorted(heights, heights + window_m, side="right") - np.arange(len(heights))
    first = int(np.argmax(counts))
    if counts[first] < LEAST_LEVEL * len(heights):
        return None
    return float(np.median(heights[first : first + counts[first]]))


def _refuse_other_sizes(depth_m: DepthMap, mask: Mask) -> None:
    if depth_m.shape != mask.shape:
        raise ValueError(f"depth is {depth_m.shape} but mask is {mask.shape}")


def _hidden_between(
    start: tuple[int, int], end: tuple[int, int], depth_m: NDArray[np.floating], around: Mask
) -> bool:
    """Tell whether what lies between two pixels (row, column) is nearer than what is there."""
    count = max(abs(end[0] - start[0]), abs(end[1] - start[1])) + 1
    line = np.linspace(start, end, count).round().astype(int)
    gap = line[~around[line[:, 0], line[:, 1]]]
    between = depth_m[gap[:, 0], gap[:, 1]]
    between = between[has_reading(between, 0.0, np.inf)]
    beside = [_depth_near(place, depth_m, around) for place in (start, end)]
    if not between.size or not np.isfinite(beside).all():
        return False
    return bool(np.median(between) < min(beside) - NEARER_M)


def _depth_near(place: tuple[int, int], depth_m: NDArray[np.floating], mask: Mask) -> float:
    """Return the median depth of the masked pixels around one, NaN without a reading."""
    v, u = place
    window = np.s_[max(v - 4, 0) : v + 5, max(u - 4, 0) : u + 5]
    depths = depth_m[window][mask[window]]
    depths = depths[has_reading(depths, 0.0, np.inf)]
    return float(np.median(depths)) if depths.size else float("nan")


def _without_rim(mask: Mask, readings: Mask) -> Mask:
    """Drop readings at the mask's rim, where depth mixes object and background, if enough stay."""
    # Beyond the image nothing says that the object ends, so the image's border is no rim.
    kernel = np.ones((3, 3), np.uint8)
    core = cv2.erode(mask.astype(np.uint8), kernel, borderType=cv2.BORDER_REPLICATE)
    inner = readings & core.astype(bool)
    return inner if np.count_nonzero(inner) >= MIN_READINGS_AFTER_EROSION else readings


def _some(readings: Mask) -> Indices:
    """Return all readings, or some of very many."""
    return evenly(np.flatnonzero(readings), MOST_POINTS)


def _near_median_depth(points: Floats) -> Floats:
    distance = np.abs(points[:, 2] - np.median(points[:, 2]))
    sigma = 1.4826 * np.median(distance) + SCALE_FLOOR_M  # 1.4826: MAD of a normal to its sigma
    return points.T.compress(distance <= ROBUST_SIGMAS * sigma, axis=1).T


def _covariance(points: Floats, camera: Intrinsics) -> Floats:
    """Return (3, 3) m^2: the mean's own scatter, one pixel of mask, and a depth sensor's bias."""
    centered = points - points.mean(axis=0)
    scatter = centered.T @ centered / (len(points) * max(len(points) - 1, 1))
    z = float(points[:, 2].mean())
    # The sensor's error is shared by neighbours, so no mean removes it.
    sigmas = np.array([z / camera.fx, z / camera.fy, _depth_sigma_m(z)])
    return scatter + np.diag(sigmas**2)


def _depth_sigma_m(z: float) -> float:
    """Return a typical stereo camera's error at a depth, metres."""
    return 0.001 + 0.0025 * z**2
