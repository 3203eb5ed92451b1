"""Coloured PointCloud2 of an object."""

import array

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import PointCloud2, PointField
from std_msgs.msg import Header

from evf_sam_ros.perception.geometry import (
    Floats,
    Mask,
    deproject,
    has_reading,
    transform,
    window,
)
from evf_sam_ros.ros.conversions import Rgb
from evf_sam_ros.ros.node.depth_source import RegisteredDepth

ROBUST_SIGMAS = 3.0
SPREAD_FLOOR_M = 0.01
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
    red, green, blue = image_rgb[near][on_object].astype(np.uint32).T
    # rviz and PCL read these bits as one float32 named rgb.
    points["rgb"] = red << 16 | green << 8 | blue
    return PointCloud2(
        header=header,
        height=1,
        width=points.size,
        fields=FIELDS,
        point_step=POINT.itemsize,
        row_step=points.nbytes,
        is_dense=True,
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
