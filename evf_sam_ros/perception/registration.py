"""Depth for every pixel of an image, also where another camera has measured it.

Sizes are (width, height) in pixels. image_from_depth maps points of the depth camera's optical
frame to the image's.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evf_sam_ros.perception.boxes import rotation_matrix
from evf_sam_ros.perception.camera_model import Intrinsics, project, transform
from evf_sam_ros.perception.depth_readings import DepthImage
from evf_sam_ros.perception.geometry import Floats, deproject
from evf_sam_ros.perception.image_messages import Depth, Size
from evf_sam_ros.perception.no_depth import may_be_one_camera

MOST_OFF_UNIT = 0.01  # of a quaternion that was rounded to two or three digits
SAME_VIEW_PX = 0.5  # of a pixel of the coarser image: nearer than any of its neighbours


@dataclass(frozen=True)
class RegisteredDepth:
    """Depth for every pixel of an image."""

    depth_m: Depth | DepthImage  # (H, W)
    camera: Intrinsics


@dataclass(frozen=True)
class View:
    """A camera as registration sees it: image size, frame and intrinsics."""

    size: Size
    frame_id: str
    camera: Intrinsics | None = None  # None: unknown


@dataclass(frozen=True)
class Registration:
    """The user's statement on the place of the depth camera."""

    is_registered: bool = False  # depth is the image's own, whatever its frame_id says
    image_from_depth: Floats | None = None  # (4, 4), where the cameras are apart


AS_TOLD = Registration()  # by size, frame_id and camera_info alone


def rigid_transform(numbers: Sequence[float]) -> Floats | None:
    """Return (4, 4) of x, y, z in metres and a quaternion x, y, z, w; None of seven zeros."""
    if len(numbers) != 7 or not np.isfinite(numbers).all():
        raise ValueError(
            f"image_from_depth is {list(numbers)}, need x, y, z and a quaternion x, y, z, w"
        )
    if not any(numbers):
        return None
    length = float(np.linalg.norm(numbers[3:]))
    if abs(length - 1) > MOST_OFF_UNIT:
        raise ValueError(f"the quaternion of image_from_depth has length {length:g}, need 1")
    placed = np.eye(4)
    placed[:3, 3] = numbers[:3]
    placed[:3, :3] = rotation_matrix(np.array(numbers[3:]) / length)
    return placed


def not_registered(depth: View, image: View, wish: Registration) -> str:
    """Return why depth cannot be brought to the image's pixels, empty if it can."""
    apart = not may_be_one_camera(depth.frame_id, image.frame_id) and not wish.is_registered
    told = wish.image_from_depth is not None
    if apart and not (told and depth.camera is not None):
        return (
            f"depth is in frame {depth.frame_id!r}, the image in {image.frame_id!r}: not "
            "registered, and no camera_info of the depth camera or no place of it is given"
        )
    if depth.size != image.size and depth.camera is None:
        return (
            f"depth is {depth.size[0]}x{depth.size[1]}, the image {image.size[0]}x"
            f"{image.size[1]}: need depth registered to the image, or its own camera_info"
        )
    return ""


def register(
    depth_m: Depth | DepthImage, depth: View, image: View, wish: Registration
) -> RegisteredDepth:
    """Bring depth that `not_registered` does not object to, to the pixels of an image.

    Args:
        depth_m: (h, w) metres, NaN for a missing reading.
        depth: of the camera that measured it.
        image: of the camera of the image, with its intrinsics.
        wish: what the user says.
    """
    assert image.camera is not None
    apart = not may_be_one_camera(depth.frame_id, image.frame_id) and not wish.is_registered
    if apart:
        assert wish.image_from_depth is not None
        return RegisteredDepth(
            _warped(_whole(depth_m), depth, image, wish.image_from_depth), image.camera
        )
    if depth.camera is None or (depth.size == image.size and wish.is_registered):
        return RegisteredDepth(depth_m, image.camera)
    if _see_the_same(depth, image):
        return RegisteredDepth(_scaled(_whole(depth_m), image.size), image.camera)
    return RegisteredDepth(_warped(_whole(depth_m), depth, image, np.eye(4)), image.camera)


def _whole(depth_m: Depth | DepthImage) -> Depth:
    return depth_m.whole() if isinstance(depth_m, DepthImage) else depth_m


def _see_the_same(depth: View, image: View) -> bool:
    """Tell whether the two pictures differ in their number of pixels only."""
    assert depth.camera is not None
    assert image.camera is not None
    lenses = [(each.fisheye, each.distortion) for each in (depth.camera, image.camera)]
    if lenses[0] != lenses[1] and any(any(factors) for _, factors in lenses):
        return False
    times = image.size[0] / depth.size[0], image.size[1] / depth.size[1]
    scaled = _rescaled(depth.camera, *times)
    tolerance_px = SAME_VIEW_PX * max(1.0, *times)
    corners = np.array([(0, 0), (image.size[0] - 1, image.size[1] - 1)])
    focal, middle = (np.array(pair) for pair in ((scaled.fx, scaled.fy), (scaled.cx, scaled.cy)))
    rays = np.column_stack([(corners - middle) / focal, np.ones(2)])
    plain = replace(image.camera, distortion=())
    return bool(np.abs(project(rays, plain) - corners).max() < tolerance_px)


def _rescaled(camera: Intrinsics, x: float, y: float) -> Intrinsics:
    """Return the camera of a picture that has so many times the pixels along x and y."""
    return Intrinsics(
        fx=camera.fx * x,
        fy=camera.fy * y,
        cx=(camera.cx + 0.5) * x - 0.5,
        cy=(camera.cy + 0.5) * y - 0.5,
    )


def _scaled(depth_m: Depth, size: Size) -> Depth:
    """Use the nearest reading for each pixel; an average of two surfaces would lie on neither."""
    height, width = depth_m.shape
    columns = ((np.arange(size[0]) + 0.5) * width / size[0]).astype(np.intp)
    rows = ((np.arange(size[1]) + 0.5) * height / size[1]).astype(np.intp)
    return np.ascontiguousarray(depth_m[rows[:, None], columns])


def _warped(depth_m: Depth, depth: View, image: View, image_from_depth: Floats) -> Depth:
    """Draw every reading where the image's camera sees it; of several the nearest stays."""
    assert depth.camera is not None
    assert image.camera is not None
    has_reading = np.isfinite(depth_m) & (depth_m > 0)
    points = transform(image_from_depth, deproject(depth_m, has_reading, depth.camera))
    points = points[points[:, 2] > 0]
    points = points[np.argsort(-points[:, 2], kind="stable")]  # what is written last stays
    side = _footprint(depth.camera, image.camera)
    registered = np.full(image.size[::-1], np.nan, np.float32)
    first = np.floor(project(points, image.camera) - (side - 1) / 2 + 0.5)
    for row in range(side):
        for column in range(side):
            _draw(registered, first + np.array([column, row]), points[:, 2])
    return registered


def _draw(onto: Depth, pixels_uv: NDArray[np.float64], z: Floats) -> None:
    height, width = onto.shape
    u, v = pixels_uv.T
    inside = (u >= 0) & (v >= 0) & (u < width) & (v < height)
    rows, columns = v[inside].astype(np.intp), u[inside].astype(np.intp)
    drawn = np.full_like(onto, np.nan)
    drawn[rows, columns] = z[inside]
    np.fmin(onto, drawn, out=onto)


def _footprint(depth: Intrinsics, image: Intrinsics) -> int:
    """Return how many pixels of the image one of the depth image covers, along a side."""
    return int(np.ceil(max(image.fx / depth.fx, image.fy / depth.fy) - 1e-9))
