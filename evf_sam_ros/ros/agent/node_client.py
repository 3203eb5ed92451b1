"""Client of the node's service and action for programs without an executor of their own."""

import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import rclpy
from rclpy.action.client import ActionClient
from rclpy.duration import Duration
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import Image

from evf_sam_ros.action import FindObject
from evf_sam_ros.msg import SegmentationResult
from evf_sam_ros.srv import Segment

NAME = "evf_sam_agent"
STEP_S = 0.02
PRESENT_S = 5.0  # for the node to be discovered
GRACE_S = 5.0  # beyond the time in which the node itself gives up


class NoAnswerError(Exception):
    """The node is missing, refuses, or does not answer in time; the message says which."""


@dataclass(frozen=True)
class Found:
    """An answer and its mask, mono8, without data where there is none."""

    result: SegmentationResult
    mask: Image


class NodeClient:
    """Asks the node and waits; every method may be called from any thread."""

    def __init__(self, namespace: str = "/", node: str = "evf_sam") -> None:
        """Start a ROS node whose executor runs in a thread.

        Args:
            namespace: of the segmentation node.
            node: its name.
        """
        rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
        self._name = f"{namespace.rstrip('/')}/{node}"
        self._node = rclpy.create_node(NAME, namespace=namespace)
        self._segment: Any = self._node.create_client(Segment, f"{self._name}/segment")
        self._find: Any = ActionClient(self._node, FindObject, f"{self._name}/find_object")
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)
        self._thread = threading.Thread(target=self._spin, name="agent", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread and the node."""
        self._executor.shutdown()
        self._thread.join(GRACE_S)
        self._node.destroy_node()
        rclpy.try_shutdown()

    def segment(self, text: str, timeout_s: float) -> Found:
        """Ask about the newest image, once.

        Raises:
            NoAnswerError: the node is not there, or does not answer.
        """
        if not self._segment.wait_for_service(PRESENT_S):
            raise NoAnswerError(f"the node {self._name} is not running, or is not discovered")
        future = self._segment.call_async(Segment.Request(text=text))
        answer = self._wait(future, timeout_s, f"no answer within {timeout_s:g} s")
        return Found(answer.result, answer.mask)

    def find(self, text: str, timeout_s: float, images: int) -> Found:
        """Look until several images in a row agree, or the time is up.

        Raises:
            NoAnswerError: the node is not there, rejects the goal, or does not answer.
        """
        if not self._find.wait_for_server(PRESENT_S):
            raise NoAnswerError(f"the node {self._name} is not running, or is not discovered")
        goal = FindObject.Goal(text=text, stable_frames=images)
        goal.timeout = Duration(seconds=timeout_s).to_msg()
        handle = self._wait(self._find.send_goal_async(goal), GRACE_S, "the goal was not taken")
        if not handle.accepted:
            # The action has no reason of a rejection; the service judges the sentence alike.
            answer = self.segment(text, GRACE_S)
            if answer.result.status == SegmentationResult.COMMAND_REJECTED:
                return answer
            raise NoAnswerError("the node rejects the goal: its log says why")
        ended = self._wait(
            handle.get_result_async(), timeout_s + GRACE_S, "the search did not end in time"
        )
        if not ended.result.result.status:
            raise NoAnswerError("the node lost the goal")
        return Found(ended.result.result, ended.result.mask)

    def _wait(self, future: Any, timeout_s: float, complaint: str) -> Any:
        end = time.monotonic() + timeout_s
        while not future.done():
            if time.monotonic() > end:
                future.cancel()
                raise NoAnswerError(complaint)
            time.sleep(STEP_S)
        return future.result()

    def _spin(self) -> None:
        with suppress(ExternalShutdownException):
            self._executor.spin()
