"""Client of the node's topics for the demo, as a robot's program would use them."""

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

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
from evf_sam_ros.ros.interface import BURST
from evf_sam_ros.ros.stamps import nanoseconds

STEP_S = 0.05
ASK_AGAIN_S = 2.0
FRAMES = 5  # answers to take for one command: the last is shown, the times are their median
GRACE_S = 2.0  # for a node that answers, and is not active yet
LINGER_S = 2.0  # for more answers and for the picture, once there is an answer
FINAL = (SegmentationResult.COMMAND_REJECTED, SegmentationResult.CANCELLED)  # no image was used


@dataclass(frozen=True)
class Reply:
    """The node's answer to one command."""

    result: SegmentationResult
    overlay_rgb: NDArray[np.uint8] | None  # (H, W, 3), of the same image as the result
    latency_s: float  # median, from the image's stamp to the result


class Checked(Protocol):
    """A reason to stop waiting: a program that has ended, a signal that has come."""

    def check(self) -> None:
        """Raise it, if it is there."""


class DemoClient:
    """Speaks on text_command and listens to the node, while the processes behind it live."""

    def __init__(self, checked: Iterable[Checked]) -> None:
        """Create the client's node, publisher and subscriptions.

        Args:
            checked: each may raise while the client waits, such as for a child process that ended.
        """
        # Signals stay the demo's.
        rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
        self._checked = list(checked)
        self._node = rclpy.create_node("demo")
        self._commands = self._node.create_publisher(String, "text_command", 10)
        self._state: Any = self._node.create_client(GetState, "evf_sam/get_state")
        self._last_id = 0
        self._results: list[SegmentationResult] = []
        self._overlays: dict[int, Image] = {}
        self._node.create_subscription(
            SegmentationResult, "evf_sam/result", self._results.append, QoSProfile(depth=BURST)
        )
        self._node.create_subscription(
            Image, "evf_sam/overlay", self._keep_overlay, QoSProfile(depth=5)
        )

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
            self.check()
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
        last_id = self._last_id
        self._commands.publish(String(data=text))

        def answers() -> list[SegmentationResult]:
            mine = [each for each in self._results if each.command_id > last_id]
            return [each for each in mine if each.status != SegmentationResult.REPLACED]

        self._wait(lambda: bool(answers()), timeout_s, f"no answer to {text!r}")
        self._linger(lambda: len(answers()) >= FRAMES or answers()[-1].status in FINAL)
        result = answers()[-1]
        self._last_id = result.command_id
        stamp = nanoseconds(result.header.stamp)
        self._linger(lambda: stamp in self._overlays or result.status in FINAL)
        overlay = self._overlays.get(stamp)
        return Reply(
            result=result,
            overlay_rgb=None if overlay is None else rgb_from_image(overlay),
            latency_s=float(np.median([nanoseconds(each.total) for each in answers()])) / 1e9,
        )

    def check(self) -> None:
        """Raise what makes waiting pointless, if there is something."""
        for each in self._checked:
            each.check()

    def _keep_overlay(self, message: Image) -> None:
        self._overlays[nanoseconds(message.header.stamp)] = message

    def _lifecycle_state(self, timeout_s: float) -> str:
        """Ask until an answer comes: one sent before both ends have met is lost."""
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            future: Any = self._state.call_async(GetState.Request())
            with suppress(TimeoutError):
                self._wait(future.done, ASK_AGAIN_S, "")
                return str(future.result().current_state.label)
        raise TimeoutError(f"the node does not tell its state within {timeout_s:g} s")

    def _linger(self, done: Callable[[], bool]) -> None:
        """Wait briefly; the answer may not come if the model is slow or the image is useless."""
        with suppress(TimeoutError):
            self._wait(done, LINGER_S, "")

    def _wait(self, done: Callable[[], bool], timeout_s: float, complaint: str) -> None:
        end = time.monotonic() + timeout_s
        while not done():
            self.check()
            if time.monotonic() > end:
                raise TimeoutError(f"{complaint} within {timeout_s:g} s")
            rclpy.spin_once(self._node, timeout_sec=STEP_S)
