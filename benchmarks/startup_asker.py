"""Ask a starting node for one object and record the time of each answer; for `startup.py`."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import rclpy
from numpy.typing import NDArray
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import String

from benchmarks.node import cpu_seconds
from evf_sam_ros.msg import SegmentationResult
from evf_sam_ros.ros.child import Child
from evf_sam_ros.ros.stamps import nanoseconds

EVENTS = ("heard", "first answer", "right answer")
LEAST_IOU = 0.5
TIMEOUT_S = 900.0  # for graphs of the largest models
POLL_S = 0.02


@dataclass(frozen=True)
class Moment:
    """Time of an event: seconds since the start of the process, and its CPU time."""

    s: float
    cpu_s: float


class Asker:
    """Says one command as soon as the node listens, and looks at the answers."""

    def __init__(self, text: str, truth: NDArray[np.bool_], *, any_answer: bool) -> None:
        rclpy.init()
        self._message = String(data=text)
        self._truth, self._any_answer = truth, any_answer
        self._node = rclpy.create_node("asker")
        self._commands = self._node.create_publisher(String, "text_command", 10)
        self._mask: Image | None = None
        self._found: SegmentationResult | None = None
        self._began_s, self._process = 0.0, 0
        self.sees_camera = False
        self.moments: dict[str, Moment] = {}
        subscribe = self._node.create_subscription
        subscribe(CameraInfo, "camera_info", self._on_camera, qos_profile_sensor_data)
        subscribe(Image, "evf_sam/mask", self._on_mask, 10)
        subscribe(SegmentationResult, "evf_sam/result", self._on_result, 10)

    def begin(self, began_s: float, process: int) -> None:
        """Take when the node's process was started, by the monotonic clock, and its number."""
        self._began_s, self._process = began_s, process

    def wait(self, done: Callable[[], bool], children: Sequence[Child]) -> None:
        """Take what arrives until something is so."""
        end = time.monotonic() + TIMEOUT_S
        while not done():
            for child in children:
                child.check()
            if time.monotonic() > end:
                raise SystemExit(f"nothing within {TIMEOUT_S:g} s; {children[-1].last_words()}")
            self._speak()
            rclpy.spin_once(self._node, timeout_sec=POLL_S)

    def close(self) -> None:
        self._node.destroy_node()
        rclpy.shutdown()

    def _speak(self) -> None:
        if "heard" not in self.moments and self._commands.get_subscription_count():
            self._commands.publish(self._message)
            self._note("heard")

    def _on_camera(self, _: CameraInfo) -> None:
        self.sees_camera = True

    def _on_mask(self, mask: Image) -> None:
        self._mask = mask
        self._judge()

    def _on_result(self, result: SegmentationResult) -> None:
        self._note("first answer")
        if self._any_answer:
            self._note("right answer")
        elif result.status == SegmentationResult.FOUND:
            self._found = result
            self._judge()

    def _judge(self) -> None:
        """Look whether what was found is what was meant, once result and mask are both here."""
        if self._mask is None or self._found is None:
            return
        same = nanoseconds(self._mask.header.stamp) == nanoseconds(self._found.header.stamp)
        if same and is_there(self._mask, self._truth):
            self._note("right answer")

    def _note(self, event: str) -> None:
        moment = Moment(time.monotonic() - self._began_s, cpu_seconds(self._process))
        self.moments.setdefault(event, moment)


def is_there(mask: Image, truth: NDArray[np.bool_]) -> bool:
    """Tell whether a mask, mono8, overlaps the truth, (H, W), by more than half."""
    rows = np.frombuffer(mask.data, np.uint8).reshape(mask.height, mask.step)
    pixels = rows[:, : mask.width] > 0
    return bool((pixels & truth).sum() > LEAST_IOU * (pixels | truth).sum())
