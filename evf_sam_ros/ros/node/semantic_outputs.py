"""Publishers of the semantic topics, to the contract of Nav2's semantic segmentation layer."""

from collections.abc import Sequence
from typing import Any

from rclpy.lifecycle import LifecycleNode
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from std_msgs.msg import Header

from evf_sam_ros.perception.class_labels import ClassLabels
from evf_sam_ros.perception.class_table import SemanticClass
from evf_sam_ros.ros.conversions import Rgb, image_message
from evf_sam_ros.ros.interface import (
    SEMANTIC_CONFIDENCE,
    SEMANTIC_INFO,
    SEMANTIC_MASK,
    SEMANTIC_OUTPUTS,
    SEMANTIC_POINTS,
    installed_type,
)
from evf_sam_ros.ros.node.clouds import organised_cloud
from evf_sam_ros.ros.node.depth_source import RegisteredDepth

SENSOR_DATA = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)
LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


class SemanticOutputs:
    """Mask, confidence and points of one image; the table of classes."""

    def __init__(self, node: LifecycleNode) -> None:
        self._node = node
        self._publishers = {
            each: node.create_lifecycle_publisher(each.type, each.name, SENSOR_DATA)
            for each in SEMANTIC_OUTPUTS
        }
        self._info_type: Any = installed_type(SEMANTIC_INFO.type)
        self._info = None
        if self._info_type is None:
            node.get_logger().info(
                f"{SEMANTIC_INFO.name} is not published: vision_msgs is missing", once=True
            )
        else:
            self._info = node.create_lifecycle_publisher(
                self._info_type, SEMANTIC_INFO.name, LATCHED
            )

    def destroy(self) -> None:
        for publisher in (*self._publishers.values(), self._info):
            if publisher is not None:
                self._node.destroy_lifecycle_publisher(publisher)
        self._publishers, self._info = {}, None

    @property
    def is_heard(self) -> bool:
        """Tell whether anybody listens to anything that is made from an image."""
        return any(each.get_subscription_count() for each in self._publishers.values())

    @property
    def wants_points(self) -> bool:
        return bool(self._publishers[SEMANTIC_POINTS].get_subscription_count())

    def announce(self, classes: Sequence[SemanticClass], threshold: float) -> None:
        """Publish the table of classes, for whoever listens now or comes later."""
        if self._info is None:
            return
        message = self._info_type(threshold=threshold)
        message.header.stamp = self._node.get_clock().now().to_msg()
        message.class_map = [_vision_class(each) for each in classes]
        self._info.publish(message)

    def publish(
        self,
        header: Header,
        labels: ClassLabels,
        image_rgb: Rgb,
        depth: RegisteredDepth | None,
        limits_m: tuple[float, float],
    ) -> None:
        """Publish what is known of one image, all with its header.

        Args:
            header: of the image.
            labels: of the image.
            image_rgb: (H, W, 3), the image.
            depth: registered to it; None: there is none, or nobody wants points.
            limits_m: nearest and farthest reading.
        """
        if depth is not None and self.wants_points:
            cloud = organised_cloud(header, depth, image_rgb, limits_m)
            self._publishers[SEMANTIC_POINTS].publish(cloud)
        for endpoint, pixels in (
            (SEMANTIC_CONFIDENCE, labels.confidence),
            (SEMANTIC_MASK, labels.labels),
        ):
            publisher = self._publishers[endpoint]
            if publisher.get_subscription_count():
                publisher.publish(image_message(pixels, "mono8", header))


def _vision_class(each: SemanticClass) -> Any:
    kind = installed_type("vision_msgs/VisionClass")
    assert kind is not None  # it comes with LabelInfo
    return kind(class_id=each.id, class_name=each.name)
