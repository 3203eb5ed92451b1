"""Coloured PointCloud2 of an object."""

import array

import cv2
import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import PointCloud2, PointField
from std_msgs.msg import Header

from evf_sam_ros.perception.camera_model import transform
from evf_sam_ros.perception.geometry import Floats, Mask, deproject, has_reading, window
from evf_sam_ros.ros.conversions import Rgb
from evf_sam_ros.ros.node.depth_source import RegisteredDepth

ROBUST_SIGMAS = 3.0
SPREAD_FLOOR_M = 0.01
RIM_OF_WIDTH = 0.005  # of the image: 3 pixels of 640
POINT = np.dtype([("x", "<f4"), ("y", "<f4"), ("z", "<f4"), ("rgb", "<u4")])
FIELDS = [
    PointField(name=name, offset=4 * number, datatype=PointField.FLOAT32, count=1)
    for number, name in enumerate(POINT.names or ())
]


def object_cloud(
    header: Header,
    masks: tuple[Mask, ...],
    depth: RegisteredDepth,
    image_rgb: Rgb,
    limits_m: tuple[float, float],
    target_from_image: Floats | None = None,
) -> PointCloud2:
    """Lift the masked pixels that have a believable reading.

    Args:
        header: stamp of the image and frame of the points.
        masks: (H, W) each, of separate objects.
        depth: registered to the image.
        image_rgb: (H, W, 3), gives the points their colour.
        limits_m: nearer and farther readings are left out.
        target_from_image: (4, 4); None: the points are in the image's optical frame.
    """
    near = window(np.logical_or.reduce(masks))
    depth_m = depth.depth_m[near]
    readings = has_reading(depth_m, *limits_m)
    on_object = np.logical_or.reduce([_surface(mask[near] & readings, depth_m) for mask in masks])
    points = np.empty(int(np.count_nonzero(on_object)), POINT)
    xyz = deproject(depth_m, on_object, depth.camera.cropped(near))
    if target_from_image is not None:
        xyz = transform(target_from_image, xyz)
    points["x"], points["y"], points["z"] = xyz.T
    points["rgb"] = _packed(image_rgb[near][on_object])
    return _message(header, points[None], is_dense=True)


def scene_cloud(
    header: Header,
    mask: Mask,
    depth: RegisteredDepth,
    image_rgb: Rgb,
    limits_m: tuple[float, float],
) -> PointCloud2:
    """Lift all pixels but an object's, for a planner that must not touch the rest.

    What lies within a few pixels of the object's rim is left out as well: depth is a mixture of
    object and background there, and would stand in the way of the gripper.

    Args:
        header: of the image.
        mask: (H, W), the object.
        depth: registered to the image.
        image_rgb: (H, W, 3), gives the points their colour.
        limits_m: nearer and farther readings are left out.
    """
    depth_m = depth.depth_m[:, :]
    rim = 2 * max(round(RIM_OF_WIDTH * mask.shape[1]), 1) + 1
    cut = cv2.dilate(mask.astype(np.uint8), np.ones((rim, rim), np.uint8)).astype(bool)
    rest = has_reading(depth_m, *limits_m) & ~cut
    points = np.empty(int(np.count_nonzero(rest)), POINT)
    points["x"], points["y"], points["z"] = deproject(depth_m, rest, depth.camera).T
    points["rgb"] = _packed(image_rgb[rest])
    return _message(header, points[None], is_dense=True)


def organised_cloud(
    header: Header, depth: RegisteredDepth, image_rgb: Rgb, limits_m: tuple[float, float]
) -> PointCloud2:
    """Lift every pixel, in the image's optical frame; NaN without a believable reading.

    Args:
        header: of the image.
        depth: registered to the image.
        image_rgb: (H, W, 3), gives the points their colour.
        limits_m: nearer and farther readings are none.
    """
    depth_m = depth.depth_m[:, :]
    readings = has_reading(depth_m, *limits_m)
    points = np.empty(depth_m.shape, POINT)
    xyz = np.full((*depth_m.shape, 3), np.nan, np.float32)
    xyz[readings] = deproject(depth_m, readings, depth.camera)
    points["x"], points["y"], points["z"] = np.moveaxis(xyz, -1, 0)
    points["rgb"] = _packed(image_rgb)
    return _message(header, points, is_dense=False)


def _packed(rgb: Rgb) -> NDArray[np.uint32]:
    """Return colours in the bits that rviz and PCL read as one float32 named rgb."""
    red, green, blue = np.moveaxis(rgb.astype(np.uint32), -1, 0)
    return np.asarray(red << 16 | green << 8 | blue, np.uint32)


def _message(header: Header, points: NDArray[np.void], *, is_dense: bool) -> PointCloud2:
    return PointCloud2(
        header=header,
        height=points.shape[0],
        width=points.shape[1],
        fields=FIELDS,
        point_step=POINT.itemsize,
        row_step=points.shape[1] * POINT.itemsize,
        is_dense=is_dense,
        data=array.array("B", points.tobytes()),
    )


def _surface(readings: Mask, depth_m: NDArray[np.floating]) -> Mask:
    """Leave out the readings far behind or before the object's, which a mask's rim lets in."""
    values = depth_m[readings]
    if values.size == 0:
        return readings
    middle = np.median(values)
    spread = 1.4826 * np.median(np.abs(values - middle)) + SPREAD_FLOOR_M
    return readings & (np.abs(depth_m - middle) <= ROBUST_SIGMAS * spread)
