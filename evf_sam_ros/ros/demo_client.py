"""The other end of the node's topics: what a robot's program would do with them."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import rclpy
from lifecycle_msgs.srv import GetState
from numpy.typing import NDArray
from rclpy.qos import QoSProfile
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import Image
from std_msgs.msg import String

from evf_sam_ros.msg import SegmentationResult
from evf_sam_ros.ros.conversions import rgb_from_image
from evf_sam_ros.ros.stamps import nanoseconds

STEP_S = 0.05
FRAMES = 5  # answers to take for one command: the last is shown, the times are their median
GRACE_S = 2.0  # for a node that answers, and is not active yet
UNANSWERED = (SegmentationResult.COMMAND_REJECTED, SegmentationResult.ERROR)


@dataclass(frozen=True)
class Reply:
    """What came back for one command."""

    result: SegmentationResult
    overlay_rgb: NDArray[np.uint8] | None  # (H, W, 3), of the same image as the result
    latency_s: float  # median, from the image's stamp to the result


class DemoClient:
    """Speaks on text_command and listens to the node, while the processes behind it live."""

    def __init__(self, check: Callable[[], None]) -> None:
        """Take what raises as soon as waiting has become pointless."""
        # Signals stay Python's: they end the demo by KeyboardInterrupt, wherever it is.
        rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
        self._check = check
        self._node = rclpy.create_node("demo")
        self._commands = self._node.create_publisher(String, "text_command", 10)
        self._state = self._node.create_client(GetState, "evf_sam/get_state")
        self._results: list[SegmentationResult] = []
        self._overlays: dict[int, Image] = {}
        qos = QoSProfile(depth=5)
        self._node.create_subscription(
            SegmentationResult, "evf_sam/result", self._results.append, qos
        )
        self._node.create_subscription(Image, "evf_sam/overlay", self._keep_overlay, qos)

    def close(self) -> None:
        self._node.destroy_node()
        rclpy.try_shutdown()

    def wait_until_active(self, timeout_s: float) -> None:
        """Wait for the node to have loaded its model and to listen.

        Raises:
            TimeoutError: it is not there in time, or it is there and does not become active.
        """
        self._wait(self._state.service_is_ready, timeout_s, "the node did not appear")
        end = time.monotonic() + GRACE_S
        while self._lifecycle_state(timeout_s) != "active":
            if time.monotonic() > end:
                raise TimeoutError("the node did not become active")
            time.sleep(STEP_S)
        heard = self._commands.get_subscription_count
        self._wait(lambda: heard() > 0, timeout_s, "nobody listens to text_command")

    def ask(self, text: str, timeout_s: float) -> Reply:
        """Publish a command and take the answers to it.

        Raises:
            TimeoutError: no answer came in time.
        """
        self._results.clear()
        self._overlays.clear()
        last_id = getattr(self, "_last_id", 0)
        self._commands.publish(String(data=text))

        def answers() -> list[SegmentationResult]:
            return [each for each in self._results if each.command_id > last_id]

        def enough() -> bool:
            got = answers()
            return len(got) >= FRAMES or any(each.status in UNANSWERED for each in got)

        self._wait(enough, timeout_s, f"no answer to {text!r}")
        result = answers()[-1]
        self._last_id = result.command_id
        stamp = nanoseconds(result.header.stamp)
        if result.status not in UNANSWERED:
            self._wait(lambda: stamp in self._overlays, timeout_s, "the overlay did not come")
        overlay = self._overlays.get(stamp)
        return Reply(
            result=result,
            overlay_rgb=None if overlay is None else rgb_from_image(overlay),
            latency_s=float(np.median([nanoseconds(each.total) for each in answers()])) / 1e9,
        )

    def _keep_overlay(self, message: Image) -> None:
        self._overlays[nanoseconds(message.header.stamp)] = message

    def _lifecycle_state(self, timeout_s: float) -> str:
        future = self._state.call_async(GetState.Request())
        self._wait(future.done, timeout_s, "the node does not tell its state")
        return str(future.result().current_state.label)

    def _wait(self, done: Callable[[], bool], timeout_s: float, complaint: str) -> None:
        end = time.monotonic() + timeout_s
        while not done():
            self._check()
            if time.monotonic() > end:
                raise TimeoutError(f"{complaint} within {timeout_s:g} s")
            rclpy.spin_once(self._node, timeout_sec=STEP_S)
