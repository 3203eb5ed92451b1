"""Results as vision_msgs arrays, for programs that do not use our messages."""

from collections.abc import Sequence
from typing import Any

from geometry_msgs.msg import Pose
from std_msgs.msg import Header

from evf_sam_ros.msg import SegmentationResult, SegmentedObject
from evf_sam_ros.ros.interface import DETECTIONS, DETECTIONS_3D, installed_type

ACTED_ON = SegmentationResult.FOUND  # a detection has no status, so only what may be acted on


def detections_2d(header: Header, results: Sequence[SegmentationResult]) -> Any:
    """Return a Detection2DArray: an upright box in pixels for every object found."""
    array = _made(DETECTIONS.type, header=header)
    for expression, found in _objects(results):
        detection = _detection("Detection2D", header, expression, found)
        center = detection.bbox.center.position
        center.x = found.roi.x_offset + (found.roi.width - 1) / 2
        center.y = found.roi.y_offset + (found.roi.height - 1) / 2
        detection.bbox.size_x = float(found.roi.width)
        detection.bbox.size_y = float(found.roi.height)
        array.detections.append(detection)
    return array


def detections_3d(header: Header, results: Sequence[SegmentationResult]) -> Any:
    """Return a Detection3DArray: an oriented box in metres for every object located."""
    array = _made(DETECTIONS_3D.type, header=header)
    for expression, found in _objects(results):
        if not found.has_position:
            continue
        detection = _detection("Detection3D", header, expression, found)
        detection.bbox.center = Pose(position=found.box_center, orientation=found.orientation)
        detection.bbox.size = found.size
        array.detections.append(detection)
    return array


def _objects(results: Sequence[SegmentationResult]) -> list[tuple[str, SegmentedObject]]:
    acted_on = (result for result in results if result.status == ACTED_ON)
    return [(result.expression, each) for result in acted_on for each in result.objects]


def _detection(name: str, header: Header, expression: str, found: SegmentedObject) -> Any:
    hypothesis = _made("vision_msgs/ObjectHypothesisWithPose")
    hypothesis.hypothesis.class_id = expression
    hypothesis.hypothesis.score = float(found.score)
    if found.has_position:
        hypothesis.pose.pose = Pose(position=found.position, orientation=found.orientation)
        covariance = hypothesis.pose.covariance  # 6x6, of which ours is the upper left 3x3
        for row in range(3):
            covariance[6 * row : 6 * row + 3] = found.position_covariance[3 * row : 3 * row + 3]
    detection = _made(f"vision_msgs/{name}", header=header, id=str(found.label))
    detection.results.append(hypothesis)
    return detection


def _made(name: str, **values: Any) -> Any:
    kind = installed_type(name)
    assert kind is not None, f"{name} is only asked for where it is installed"
    return kind(**values)
