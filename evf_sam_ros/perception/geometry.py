"""From a mask and a depth image to a place in space: points, centroid, box. Pure functions.

Metres, pixels, optical frames (x right, y down, z forward). A matrix named a_from_b maps
points in frame b to frame a: p_a = a_from_b @ p_b.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]  # (H, W)

ROBUST_SIGMAS = 3.0
SCALE_FLOOR_M = 0.002  # a perfectly flat surface still has this much spread
MIN_READINGS = 8
MIN_VALID_RATIO = 0.05
MIN_READINGS_AFTER_EROSION = 20
BOX_PERCENTILES = (1.0, 99.0)


@dataclass(frozen=True)
class Intrinsics:
    """Pinhole camera, in pixels; (0, 0) is the centre of the top left pixel."""

    fx: float
    fy: float
    cx: float
    cy: float

    def __post_init__(self) -> None:
        finite = all(np.isfinite((self.fx, self.fy, self.cx, self.cy)))
        if not finite or self.fx <= 0 or self.fy <= 0:
            raise ValueError(f"{self} is no camera: focal lengths must be positive and finite")

    @classmethod
    def from_matrix(cls, camera_matrix: NDArray[np.floating]) -> "Intrinsics":
        """Read a (3, 3) camera matrix K, or the left part of a (3, 4) projection matrix P."""
        if camera_matrix.shape not in ((3, 3), (3, 4)):
            raise ValueError(f"camera matrix is {camera_matrix.shape}, need (3, 3) or (3, 4)")
        k = camera_matrix
        return cls(fx=float(k[0, 0]), fy=float(k[1, 1]), cx=float(k[0, 2]), cy=float(k[1, 2]))


@dataclass(frozen=True)
class Roi:
    """The smallest upright rectangle around a mask, in whole pixels."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class Outline:
    """What a mask alone tells, in pixels; (u, v) is (column, row)."""

    area_px: int
    roi: Roi
    centroid_uv: tuple[float, float]  # may lie outside a ring or a crescent
    anchor_uv: tuple[int, int]  # always inside, as far from the rim as possible


@dataclass(frozen=True)
class Box:
    """An oriented box around the visible surface, in the camera's optical frame."""

    center_m: Floats  # (3,)
    size_m: Floats  # (3,), along the box's own axes, longest spread first
    orientation_xyzw: Floats  # (4,), unit quaternion camera_from_box


@dataclass(frozen=True)
class Location:
    """Where an object is, in the camera's optical frame."""

    position_m: Floats  # (3,), centroid of the visible surface, not of the solid body
    covariance_m2: Floats  # (3, 3), of the position, not the extent of the object
    depth_valid_ratio: float  # share of the mask's pixels with a depth reading
    box: Box


@dataclass(frozen=True)
class NoLocation:
    """Why a mask has no place in space."""

    reason: str
    depth_valid_ratio: float


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
    rows, columns = np.nonzero(mask & has_reading(depth_m, 0.0, np.inf))
    z = depth_m[rows, columns].astype(np.float64)
    x = (columns - camera.cx) * z / camera.fx
    y = (rows - camera.cy) * z / camera.fy
    return np.stack([x, y, z], axis=-1)


def transform(target_from_source: Floats, points_source: Floats) -> Floats:
    """Apply a (4, 4) rigid transform to (N, 3) points."""
    rotation, translation = target_from_source[:3, :3], target_from_source[:3, 3]
    return points_source @ rotation.T + translation


def outline(mask: Mask) -> Outline:
    """Measure a mask that has at least one pixel."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if rows.size == 0:
        raise ValueError("the mask is empty: nothing to measure")
    x, y = int(columns[0]), int(rows[0])
    roi = Roi(x=x, y=y, width=int(columns[-1]) - x + 1, height=int(rows[-1]) - y + 1)
    cropped = mask[y : y + roi.height, x : x + roi.width]
    inside_v, inside_u = np.nonzero(cropped)
    # The frame of zeros makes the image's border count as rim, too.
    to_rim = cv2.distanceTransform(np.pad(cropped, 1).astype(np.uint8), cv2.DIST_L2, 5)
    anchor_v, anchor_u = np.unravel_index(int(np.argmax(to_rim)), to_rim.shape)
    return Outline(
        area_px=int(inside_u.size),
        roi=roi,
        centroid_uv=(x + float(inside_u.mean()), y + float(inside_v.mean())),
        anchor_uv=(x + int(anchor_u) - 1, y + int(anchor_v) - 1),
    )


def split_instances(mask: Mask, min_area_px: int = 1) -> list[Mask]:
    """Return the mask's connected parts of at least that area, the largest first, (H, W) each."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    areas = stats[:, cv2.CC_STAT_AREA]
    kept = [label for label in range(1, count) if areas[label] >= min_area_px]
    return [labels == label for label in sorted(kept, key=lambda label: -areas[label])]


def locate(
    mask: Mask,
    depth_m: NDArray[np.floating],
    camera: Intrinsics,
    depth_min_m: float = 0.1,
    depth_max_m: float = 10.0,
) -> Location | NoLocation:
    """Find the centroid of the surface seen through a mask, whatever the mask's rim let in.

    The rim is cut off by one pixel, then points whose depth is far from the median are dropped.

    Args:
        mask: (H, W), the object's pixels.
        depth_m: (H, W) distance along the optical axis, registered to the mask; may hold
            holes (0, NaN, Inf).
        camera: intrinsics of the depth image.
        depth_min_m: nearer readings are not believed.
        depth_max_m: farther readings are not believed.
    """
    _refuse_other_sizes(depth_m, mask)
    area = int(np.count_nonzero(mask))
    if area == 0:
        return NoLocation("the mask is empty", 0.0)
    readings = mask & has_reading(depth_m, depth_min_m, depth_max_m)
    count = int(np.count_nonzero(readings))
    ratio = count / area
    if count < MIN_READINGS or ratio < MIN_VALID_RATIO:
        return NoLocation(
            f"only {count} of the object's {area} pixels have a depth between "
            f"{depth_min_m:g} m and {depth_max_m:g} m, need {MIN_READINGS} and "
            f"{MIN_VALID_RATIO:.0%}",
            ratio,
        )
    points = _near_median_depth(deproject(depth_m, _without_rim(mask, readings), camera))
    position = points.mean(axis=0)
    return Location(position, _covariance(points, camera), ratio, oriented_box(points))


def oriented_box(points: Floats) -> Box:
    """Fit a box to (N, 3) points along their principal axes, leaving out the outermost 1 %."""
    middle = points.mean(axis=0)
    _, axes = np.linalg.eigh((points - middle).T @ (points - middle))
    first, second = (_pointing_forward(axis) for axis in (axes[:, 2], axes[:, 1]))
    camera_from_box = np.stack([first, second, np.cross(first, second)], axis=-1)
    low, high = np.percentile((points - middle) @ camera_from_box, BOX_PERCENTILES, axis=0)
    return Box(
        center_m=middle + camera_from_box @ ((low + high) / 2),
        size_m=high - low,
        orientation_xyzw=quaternion_xyzw(camera_from_box),
    )


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


def _refuse_other_sizes(depth_m: NDArray[np.floating], mask: Mask) -> None:
    if depth_m.shape != mask.shape:
        raise ValueError(f"depth is {depth_m.shape} but mask is {mask.shape}")


def _without_rim(mask: Mask, readings: Mask) -> Mask:
    """Drop readings at the mask's rim, where depth mixes object and background, if enough stay."""
    # Beyond the image nothing says that the object ends, so the image's border is no rim.
    kernel = np.ones((3, 3), np.uint8)
    core = cv2.erode(mask.astype(np.uint8), kernel, borderType=cv2.BORDER_REPLICATE)
    inner = readings & core.astype(bool)
    return inner if np.count_nonzero(inner) >= MIN_READINGS_AFTER_EROSION else readings


def _near_median_depth(points: Floats) -> Floats:
    distance = np.abs(points[:, 2] - np.median(points[:, 2]))
    sigma = 1.4826 * np.median(distance) + SCALE_FLOOR_M  # 1.4826: MAD of a normal to its sigma
    return points[distance <= ROBUST_SIGMAS * sigma]


def _covariance(points: Floats, camera: Intrinsics) -> Floats:
    """Return (3, 3) m^2: the mean's own scatter, one pixel of mask, and a depth sensor's bias."""
    scatter = np.cov(points, rowvar=False) / len(points) if len(points) > 1 else np.zeros((3, 3))
    z = float(points[:, 2].mean())
    # A typical stereo camera's error at z; it is shared by neighbours, so no mean removes it.
    depth_sigma_m = 0.001 + 0.0025 * z**2
    return scatter + np.diag([(z / camera.fx) ** 2, (z / camera.fy) ** 2, depth_sigma_m**2])


def _pointing_forward(axis: Floats) -> Floats:
    """Fix the sign that principal axes leave open: the largest component is positive."""
    return axis if axis[np.argmax(np.abs(axis))] > 0 else -axis
