"""Convert the measurements of a mask into an object message."""

import numpy as np
from geometry_msgs.msg import Point, Quaternion, Vector3
from sensor_msgs.msg import RegionOfInterest

from evf_sam_ros.msg import SegmentedObject
from evf_sam_ros.perception.geometry import Location, Mask, NoLocation, outline


def object_message(
    mask: Mask, score: float, place: Location | NoLocation | None
) -> SegmentedObject:
    """Describe an object of at least one pixel; None: no depth to find a place with."""
    shape = outline(mask)
    message = SegmentedObject(
        score=score,
        area=shape.area_px,
        roi=RegionOfInterest(
            x_offset=shape.roi.x,
            y_offset=shape.roi.y,
            width=shape.roi.width,
            height=shape.roi.height,
        ),
    )
    message.centroid_u, message.centroid_v = shape.centroid_uv
    message.anchor_u, message.anchor_v = map(float, shape.anchor_uv)
    if place is not None:
        message.depth_valid_ratio = place.depth_valid_ratio
    if isinstance(place, Location):
        message.has_position = True
        message.position = _point(place.position_m)
        message.position_covariance = place.covariance_m2.ravel().tolist()
        message.box_center = _point(place.box.center_m)
        x, y, z, w = place.box.orientation_xyzw.tolist()
        message.orientation = Quaternion(x=x, y=y, z=z, w=w)
        x, y, z = place.box.size_m.tolist()
        message.size = Vector3(x=x, y=y, z=z)
    return message


def _point(position_m: np.ndarray) -> Point:
    x, y, z = position_m.tolist()
    return Point(x=x, y=y, z=z)
