"""Warn, with a remedy, if a camera is announced but its images do not arrive."""

from time import monotonic
from typing import Any

from rclpy.clock import Clock, ClockType  # type: ignore[attr-defined]
from rclpy.node import Node
from rclpy.qos import ReliabilityPolicy
from rclpy.subscription import Subscription

PATIENCE_S = 5.0
REPEAT_S = 60.0
CURE_MISMATCH = "set the parameter image_reliability to best_effort"
CURE_LOST = (
    "Fast DDS loses large images over its default transports: set "
    "FASTDDS_DEFAULT_PROFILES_FILE (Humble: FASTRTPS_DEFAULT_PROFILES_FILE) to the package's "
    "config/fastdds_local.xml for camera and node, or the parameter image_reliability to reliable"
)


class CameraWatch:
    """Watches one image subscription."""

    def __init__(self, node: Node, subscription: "Subscription[Any]") -> None:
        self._node = node
        self._topic = subscription.topic_name
        self._reliable = subscription.qos_profile.reliability == ReliabilityPolicy.RELIABLE
        self._last_image = monotonic()
        self._last_warning = -REPEAT_S
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._timer = node.create_timer(1.0, self._check, clock=steady)

    def destroy(self) -> None:
        self._node.destroy_timer(self._timer)

    def image_arrived(self) -> None:
        self._last_image = monotonic()

    def _check(self) -> None:
        silent_s = monotonic() - self._last_image
        if silent_s < PATIENCE_S or monotonic() - self._last_warning < REPEAT_S:
            return
        cameras = self._node.get_publishers_info_by_topic(self._topic)
        if not cameras:
            return
        self._last_warning = monotonic()
        best_effort = ReliabilityPolicy.BEST_EFFORT
        mismatch = self._reliable and cameras[0].qos_profile.reliability == best_effort
        self._node.get_logger().warning(
            f"A camera announces {self._topic}, but for {silent_s:.0f} s no image "
            f"has arrived. If it is publishing: {CURE_MISMATCH if mismatch else CURE_LOST}."
        )
