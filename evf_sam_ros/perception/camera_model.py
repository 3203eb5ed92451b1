"""The pinhole camera with its distortion: from pixels to rays and from points to pixels.

Metres, pixels, optical frames (x right, y down, z forward). A matrix named a_from_b maps
points in frame b to frame a: p_a = a_from_b @ p_b.
"""

from dataclasses import dataclass, replace
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]  # (N,)
Undistorted: TypeAlias = tuple[Floats, float]

UNDISTORTING_ROUNDS, UNDISTORTED_PX = 20, 0.02
UNDONE_PX = 1.0  # what misses its pixel by more is no ray of it


@dataclass(frozen=True)
class Intrinsics:
    """Pinhole camera, in pixels; (0, 0) is the centre of the top left pixel."""

    fx: float
    fy: float
    cx: float
    cy: float
    # Of a raw image, in OpenCV's order (k1 k2 p1 p2 k3 ...); empty: there is no distortion.
    distortion: tuple[float, ...] = ()
    fisheye: bool = False  # the distortion is k1..k4 of the equidistant model

    def __post_init__(self) -> None:
        numbers = (self.fx, self.fy, self.cx, self.cy, *self.distortion)
        if not all(np.isfinite(numbers)) or self.fx <= 0 or self.fy <= 0:
            raise ValueError(f"{self} is not a camera: focal lengths must be positive and finite")

    @classmethod
    def from_matrix(cls, camera_matrix: NDArray[np.floating]) -> "Intrinsics":
        """Read a (3, 3) camera matrix K, or the left part of a (3, 4) projection matrix P."""
        if camera_matrix.shape not in ((3, 3), (3, 4)):
            raise ValueError(f"camera matrix is {camera_matrix.shape}, need (3, 3) or (3, 4)")
        k = camera_matrix
        return cls(fx=float(k[0, 0]), fy=float(k[1, 1]), cx=float(k[0, 2]), cy=float(k[1, 2]))

    def cropped(self, window: tuple[slice, slice]) -> "Intrinsics":
        """Return the camera of a part of the image, rows and columns that start somewhere."""
        return replace(self, cx=self.cx - window[1].start, cy=self.cy - window[0].start)


def rays(columns: Indices, rows: Indices, camera: Intrinsics) -> Floats:
    """Return (2, N), the x and y that the rays of pixels have at a depth of 1.

    Raises:
        ValueError: the camera's distortion cannot be undone there.
    """
    if not any(camera.distortion) or not columns.size:
        return np.stack([(columns - camera.cx) / camera.fx, (rows - camera.cy) / camera.fy])
    matrix = np.array([[camera.fx, 0, camera.cx], [0, camera.fy, camera.cy], [0, 0, 1]])
    pixels = np.stack([columns, rows], axis=-1).astype(np.float64)[:, None]
    try:
        found, missed_px = _undistorted(
            pixels, matrix, np.array(camera.distortion), camera.fisheye
        )
    except cv2.error as error:
        raise ValueError(
            f"OpenCV cannot undo the distortion {list(camera.distortion)} of camera_info"
        ) from error
    if not missed_px < UNDONE_PX:  # nor NaN
        raise ValueError(
            f"the distortion {list(camera.distortion)} of camera_info cannot be undone at the "
            "object: no ray leads to its pixels"
        )
    return np.asarray(found[:, 0].T)


def _undistorted(pixels: Floats, matrix: Floats, factors: Floats, fisheye: bool) -> Undistorted:
    """Return (N, 1, 2) rays at a depth of 1, and how far the worst misses its pixel."""
    nowhere = np.zeros(3)
    if fisheye:
        rays = np.asarray(cv2.fisheye.undistortPoints(pixels, matrix, factors), np.float64)
        points = cv2.convertPointsToHomogeneous(rays)
        seen = cv2.fisheye.projectPoints(points, nowhere, nowhere, matrix, factors)[0]
        return rays, float(np.abs(pixels - seen).max())
    rays = np.asarray(cv2.undistortPoints(pixels, matrix, factors), np.float64)
    worst = np.inf
    for _ in range(UNDISTORTING_ROUNDS):  # OpenCV's own few leave pixels in corners of wide lenses
        points = cv2.convertPointsToHomogeneous(rays)
        missed = pixels - cv2.projectPoints(points, nowhere, nowhere, matrix, factors)[0]
        worst = float(np.abs(missed).max())
        if worst < UNDISTORTED_PX:
            break
        rays = rays + missed / (matrix[0, 0], matrix[1, 1])
    return rays, worst


def project(points: Floats, camera: Intrinsics) -> Floats:
    """Return (N, 2), the pixels (u, v) at which (N, 3) points before the camera are seen."""
    if not any(camera.distortion) or not len(points):
        focal, middle = (camera.fx, camera.fy), (camera.cx, camera.cy)
        return np.asarray(points[:, :2] / points[:, 2:] * focal + middle)
    matrix = np.array([[camera.fx, 0, camera.cx], [0, camera.fy, camera.cy], [0, 0, 1]])
    factors, nowhere = np.array(camera.distortion), np.zeros(3)
    lens = cv2.fisheye if camera.fisheye else cv2
    try:
        seen = lens.projectPoints(points[:, None], nowhere, nowhere, matrix, factors)[0]
    except cv2.error as error:
        raise ValueError(f"OpenCV cannot apply the distortion {list(factors)}") from error
    return np.asarray(seen[:, 0], np.float64)


def transform(target_from_source: Floats, points_source: Floats) -> Floats:
    """Apply a (4, 4) rigid transform to (N, 3) points."""
    rotation, translation = target_from_source[:3, :3], target_from_source[:3, 3]
    return points_source @ rotation.T + translation
