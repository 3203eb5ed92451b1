"""Convert the measurements of a mask into an object message."""

import math

from geometry_msgs.msg import Point, Pose, PoseStamped, Quaternion, Vector3
from sensor_msgs.msg import RegionOfInterest
from std_msgs.msg import Header

from evf_sam_ros.msg import SegmentationResult, SegmentedObject
from evf_sam_ros.perception.approach import Approach
from evf_sam_ros.perception.geometry import Floats, Location, Mask, NoLocation, outline
from evf_sam_ros.perception.placement import moved


def object_message(
    mask: Mask,
    score: float,
    place: Location | NoLocation | None,
    target_from_image: Floats | None = None,
) -> SegmentedObject:
    """Describe an object of at least one pixel.

    Args:
        mask: (H, W), the object's pixels.
        score: of the answer.
        place: in the image's optical frame; None: no depth to find it with.
        target_from_image: (4, 4), to give the place in the target frame as well.
    """
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
    message.cut_off = shape.cut_off
    if place is not None:
        message.depth_valid_ratio = place.depth_valid_ratio
    if isinstance(place, Location):
        message.has_position = True
        message.position = _point(place.position_m)
        message.position_covariance = place.covariance_m2.ravel().tolist()
        message.box_center = _point(place.box.center_m)
        message.orientation = _quaternion(place.box.orientation_xyzw)
        x, y, z = place.box.size_m.tolist()
        message.size = Vector3(x=x, y=y, z=z)
        message.box_upright = place.box.upright
        if target_from_image is not None:
            _add_target(message, moved(place, target_from_image))
    return message


def _add_target(message: SegmentedObject, place: Location) -> None:
    message.has_target_position = True
    message.target_position = _point(place.position_m)
    message.target_position_covariance = place.covariance_m2.ravel().tolist()
    message.target_box_center = _point(place.box.center_m)
    message.target_orientation = _quaternion(place.box.orientation_xyzw)


def in_target(result: SegmentationResult) -> SegmentationResult:
    """Return a result whose header and objects are those of its target frame."""
    header = Header(stamp=result.header.stamp, frame_id=result.target_frame)
    objects = [
        SegmentedObject(
            score=each.score,
            label=each.label,
            track_id=each.track_id,
            has_position=each.has_target_position,
            position=each.target_position,
            position_covariance=each.target_position_covariance,
            box_center=each.target_box_center,
            orientation=each.target_orientation,
            size=each.size,
            cut_off=each.cut_off,
            box_upright=each.box_upright,
        )
        for each in result.objects
    ]
    return SegmentationResult(
        header=header, status=result.status, expression=result.expression, objects=objects
    )


def approach_message(header: Header, pose: Approach, ground_z_m: float) -> PoseStamped:
    """Return the pose before an object, on the ground of the header's frame."""
    half = pose.yaw_rad / 2
    turned = Quaternion(z=math.sin(half), w=math.cos(half))
    place = Point(x=pose.x_m, y=pose.y_m, z=ground_z_m)
    return PoseStamped(header=header, pose=Pose(position=place, orientation=turned))


def _quaternion(xyzw: Floats) -> Quaternion:
    x, y, z, w = xyzw.tolist()
    return Quaternion(x=x, y=y, z=z, w=w)


def _point(position_m: Floats) -> Point:
    x, y, z = position_m.tolist()
    return Point(x=x, y=y, z=z)
