"""Boxes of found objects as collision objects of a planning scene.

A box is added with every answer that shows it, and removed by the one that says that it is gone.
"""

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any

from geometry_msgs.msg import Pose, Quaternion
from std_msgs.msg import Header

from evf_sam_ros.msg import SegmentationResult, SegmentedObject
from evf_sam_ros.ros.interface import COLLISION_OBJECT, installed_type
from evf_sam_ros.ros.node.objects import in_target

LEAST_SIDE_M = 0.001  # a planner refuses a box without thickness
# After these what was there before may be there no more. After others nobody has looked: what was
# there stays, as to go round what is gone costs less than to run into what is not.
TELLING = (
    SegmentationResult.FOUND,
    SegmentationResult.NOT_FOUND,
    SegmentationResult.AMBIGUOUS,
    SegmentationResult.LOW_CONFIDENCE,
    SegmentationResult.COMMAND_EXPIRED,
    SegmentationResult.CANCELLED,
    SegmentationResult.REPLACED,
)


class CollisionObjects:
    """The boxes that a planning scene has of us."""

    def __init__(self, name: str, publish: Callable[[Any], None]) -> None:
        """Start without boxes.

        Args:
            name: of the node, with which the ids of the boxes begin.
            publish: publishes a moveit_msgs/CollisionObject.
        """
        self._name = name
        self._publish = publish
        self._headers: dict[str, Header] = {}  # by id, of the boxes that were added
        self._lock = Lock()

    def publish(self, results: Sequence[SegmentationResult]) -> None:
        """Add what the results of one image show, and remove what they do not show any more."""
        with self._lock:
            shown: dict[str, Header] = {}
            for result in results:
                shown |= self._added(result)
            is_told = any(result.status in TELLING for result in results)
            if is_told and not any(map(_lacks_place, results)):
                gone = {name: each for name, each in self._headers.items() if name not in shown}
                self._removed(gone, results[0].header)
                self._headers = {}
            self._headers |= shown

    def remove_all(self) -> None:
        """Remove every box."""
        with self._lock:
            self._removed(self._headers, Header())
            self._headers = {}

    def _added(self, result: SegmentationResult) -> dict[str, Header]:
        if result.status != SegmentationResult.FOUND:
            return {}
        added = {}
        for original, found in zip(result.objects, in_target(result).objects, strict=True):
            seen, header = original, result.header
            if found.has_position:
                seen, header = found, Header(stamp=header.stamp, frame_id=result.target_frame)
            if seen.has_position:
                name = self._id(original)
                self._publish(_box(name, header, seen))
                added[name] = header
        return added

    def _removed(self, boxes: dict[str, Header], now: Header) -> None:
        for name, before in boxes.items():
            message = _message(name, Header(stamp=now.stamp, frame_id=before.frame_id))
            message.operation = type(message).REMOVE
            self._publish(message)

    def _id(self, found: SegmentedObject) -> str:
        """Return a name that stays while an object is followed, or its place in the answer."""
        number = f"track_{found.track_id}" if found.track_id else f"{found.label}"
        return f"{self._name}_{number}"


def _lacks_place(result: SegmentationResult) -> bool:
    """Tell whether something is seen of which it is not known where it is."""
    is_found = result.status == SegmentationResult.FOUND
    return is_found and not all(each.has_position for each in result.objects)


def _box(name: str, header: Header, found: SegmentedObject) -> Any:
    message = _message(name, header)
    message.operation = type(message).ADD
    message.pose = Pose(position=found.box_center, orientation=found.orientation)
    solid: Any = _type("shape_msgs/SolidPrimitive")
    sides = (found.size.x, found.size.y, found.size.z)
    dimensions = [max(side, LEAST_SIDE_M) for side in sides]
    message.primitives = [solid(type=solid.BOX, dimensions=dimensions)]
    message.primitive_poses = [Pose(orientation=Quaternion(w=1.0))]  # within the object's own
    return message


def _message(name: str, header: Header) -> Any:
    return _type(COLLISION_OBJECT.type)(header=header, id=name)


def _type(name: str) -> Any:
    kind = installed_type(name)
    assert kind is not None  # whoever has moveit_msgs has what they are made of
    return kind
