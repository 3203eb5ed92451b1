"""Publish the followed object as a frame of tf."""

from typing import Any

from geometry_msgs.msg import Transform, TransformStamped, Vector3
from rclpy.lifecycle import LifecycleNode
from rclpy.qos import QoSProfile

from evf_sam_ros.msg import SegmentationResult
from evf_sam_ros.ros.interface import OBJECT_FRAME, installed_type

QOS = QoSProfile(depth=100)  # as tf2's own broadcaster


class ObjectFrame:
    """The transform to the centroid, turned as the object's box; nothing while it is not seen."""

    def __init__(self, node: LifecycleNode) -> None:
        """Create the publisher.

        Raises:
            ValueError: tf2_msgs is not installed.
        """
        self._kind: Any = installed_type(OBJECT_FRAME.type)
        if self._kind is None:
            raise ValueError(
                "publish_tf is true, but tf2_msgs is not installed: install it, or set it to false"
            )
        self._node = node
        self._child = f"{node.get_name()}_object"
        self._publisher = node.create_lifecycle_publisher(self._kind, OBJECT_FRAME.name, QOS)

    def destroy(self) -> None:
        self._node.destroy_lifecycle_publisher(self._publisher)

    def publish(self, result: SegmentationResult) -> None:
        """Publish where the result's first object, which has a position, is in its frame."""
        found = result.objects[0]
        place = found.position
        transform = Transform(
            translation=Vector3(x=place.x, y=place.y, z=place.z), rotation=found.orientation
        )
        stamped = TransformStamped(
            header=result.header, child_frame_id=self._child, transform=transform
        )
        self._publisher.publish(self._kind(transforms=[stamped]))
