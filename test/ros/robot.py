"""The node's surroundings in the tests: a camera, a person who speaks, and a listener."""

import time
from dataclasses import dataclass, fields

import numpy as np
import rclpy
from geometry_msgs.msg import PointStamped, PoseStamped
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from patience import patience
from rcl_interfaces.srv import SetParameters
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, PointCloud2
from std_msgs.msg import Header, String
from std_srvs.srv import SetBool, Trigger
from visualization_msgs.msg import MarkerArray

from evf_sam_ros.msg import SegmentationResult
from evf_sam_ros.ros.cameras.sim_camera_node import depth_message, info_message
from evf_sam_ros.ros.conversions import image_from_rgb
from evf_sam_ros.ros.parameters import NodeParameters
from evf_sam_ros.ros.stamps import time_message
from evf_sam_ros.srv import Segment

TIMEOUT_S = patience(60.0)
BEST_EFFORT = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)
OUTPUTS = {
    "result": SegmentationResult,
    "mask": Image,
    "label_mask": Image,
    "centroid": PointStamped,
    "pose": PoseStamped,
    "object_points": PointCloud2,
    "overlay": Image,
    "markers": MarkerArray,
}


@dataclass(frozen=True)
class Shot:
    """Messages that a camera sends at one instant."""

    image: Image
    depth: Image | None = None
    info: CameraInfo | None = None


class Robot:
    """One ROS node that publishes to the segmentation node and keeps what it answers."""

    def __init__(self, namespace="/", image_qos=BEST_EFFORT, name="robot"):
        self.camera_qos = image_qos
        self.node = rclpy.create_node(name, namespace=namespace)
        self.executor = SingleThreadedExecutor()
        self.executor.add_node(self.node)
        self._image = self.node.create_publisher(Image, "image", image_qos)
        self._compressed = self.node.create_publisher(
            CompressedImage, "image/compressed", image_qos
        )
        self._depth = self.node.create_publisher(Image, "depth", image_qos)
        self._info = self.node.create_publisher(CameraInfo, "camera_info", image_qos)
        self._text = self.node.create_publisher(String, "text_command", 10)
        self.simulated_s = None  # the time on images, where it is not the system's
        self.received = {name: [] for name in OUTPUTS}
        self._subscriptions = [
            self.node.create_subscription(kind, f"evf_sam/{name}", kept.append, 50)
            for (name, kind), kept in zip(OUTPUTS.items(), self.received.values(), strict=True)
        ]

    def close(self):
        self.executor.shutdown()
        self.node.destroy_node()

    # Waiting

    def spin_until(self, done, timeout_s=TIMEOUT_S, what="it"):
        end = time.monotonic() + timeout_s
        while not (value := done()):
            assert time.monotonic() < end, f"waited {timeout_s} s for {what}"
            self.executor.spin_once(timeout_sec=0.05)
        return value

    def spin_for(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.executor.spin_once(timeout_sec=0.05)

    def call(self, kind, name, request=None, node="evf_sam"):
        client = self.node.create_client(kind, f"{node}/{name}")
        assert client.wait_for_service(TIMEOUT_S), f"no service {name}"
        self.spin_for(0.1)  # an answer sent before the server has met this client is lost
        future = client.call_async(request or kind.Request())
        self.spin_until(future.done, what=f"an answer of {name}")
        self.node.destroy_client(client)
        return future.result()

    # The node's state

    def wait_until_active(self, process):
        self.wait_for_state("active", process)
        self.spin_until(self.is_connected, what="the topics to be connected")

    def wait_for_state(self, state, process):
        def is_there():
            assert process.poll() is None, "the node has ended"
            return self.state() == state

        self.spin_until(is_there, what=f"the node to be {state}")

    def is_connected(self):
        """Tell whether discovery is through; until then, what is sent is lost."""
        listened = self._text.get_subscription_count() and (
            self._image.get_subscription_count() or self._compressed.get_subscription_count()
        )
        names = (f"evf_sam/{name}" for name in OUTPUTS)
        # More than one: another node answers as well, and nobody could tell whose answer it is.
        return listened and all(self.node.count_publishers(name) == 1 for name in names)

    def reactivate(self, **values):
        """Deactivate, set parameters that are read when activated, and activate again."""
        assert self.change_state(Transition.TRANSITION_DEACTIVATE)
        assert self.set(**values) == ""
        assert self.change_state(Transition.TRANSITION_ACTIVATE)

    def state(self):
        client = self.node.create_client(GetState, "evf_sam/get_state")
        assert client.wait_for_service(TIMEOUT_S)
        for _ in range(20):  # see `call`: while the node starts, answers may be lost
            future = client.call_async(GetState.Request())
            end = time.monotonic() + 3
            while not future.done() and time.monotonic() < end:
                self.executor.spin_once(timeout_sec=0.05)
            if future.done():
                self.node.destroy_client(client)
                return future.result().current_state.label
        raise AssertionError("the node does not tell its state")

    def change_state(self, transition):
        request = ChangeState.Request()
        request.transition.id = transition
        return self.call(ChangeState, "change_state", request).success

    def set(self, node="evf_sam", **values):
        """Set parameters; return the reason of the first refusal, empty if there was none."""
        request = SetParameters.Request(
            parameters=[
                Parameter(name, value=value).to_parameter_msg() for name, value in values.items()
            ]
        )
        results = self.call(SetParameters, "set_parameters", request, node).results
        return next((result.reason for result in results if not result.successful), "")

    def reset(self):
        """Enable the node, end its command, give back its parameters; forget what it sent."""
        assert self.call(SetBool, "enable", SetBool.Request(data=True)).success
        at_once = {
            each.name: each.default
            for each in fields(NodeParameters)
            if each.metadata["effect"].value == "at once"
        }
        # Each bound is checked against the other, so one that moved first could be refused.
        assert self.set(**at_once) == ""
        self.call(Trigger, "cancel")
        self.spin_for(0.2)
        self.forget()

    def let_images_grow_old(self):
        """Wait until none that was shown is fresh to the node, with its default parameters."""
        self.spin_for(NodeParameters.max_frame_age_s + 0.1)

    def forget(self):
        for kept in self.received.values():
            kept.clear()

    # Speaking and showing

    def say(self, text):
        self._text.publish(String(data=text))

    def header(self, age_s=0.0, frame_id="camera"):
        now = self.simulated_s or self.node.get_clock().now().nanoseconds / 1e9
        stamp = time_message(round((now - age_s) * 1e9))
        return Header(stamp=stamp, frame_id=frame_id)

    def shot(self, scene, with_depth=True, age_s=0.0):
        """Photograph a simulated scene now, without noise."""
        header = self.header(age_s)
        image = image_from_rgb(scene.rgb, header)
        if not with_depth:
            return Shot(image)
        depth = depth_message(scene.depth_m, "32FC1", header)
        return Shot(image, depth, info_message(scene, header))

    def show(self, shot):
        if shot.info is not None:
            self._info.publish(shot.info)
        if shot.depth is not None:
            self._depth.publish(shot.depth)
        publisher = self._image if isinstance(shot.image, Image) else self._compressed
        publisher.publish(shot.image)

    # Asking

    def ask(self, text, make_shot, timeout_s=TIMEOUT_S):
        """Say a command and show images until one of them is answered; return that result."""
        self.say(text)
        return self.look(text, make_shot, timeout_s)

    def look(self, text, make_shot, timeout_s=TIMEOUT_S):
        """Show images until one of them is answered for a command; return that result."""
        stamps = []
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            shot = make_shot()
            stamps.append(shot.image.header.stamp)
            self.show(shot)
            self.spin_for(0.15)
            for result in self.received["result"]:
                if result.command == text and result.header.stamp in stamps:
                    return result
        others = [(each.command, each.status, each.message) for each in self.received["result"]]
        raise AssertionError(f"no answer to {text!r} in {timeout_s} s, but {others[-3:]}")

    def with_stamp(self, name, stamp):
        """Return the message of an output that carries this stamp."""

        def matching():
            return [each for each in self.received[name] if each.header.stamp == stamp]

        return self.spin_until(matching, what=f"{name} with the stamp {stamp}")[0]

    def result_with(self, status, timeout_s=TIMEOUT_S):
        """Wait for a result of this status."""

        def matching():
            return [each for each in self.received["result"] if each.status == status]

        return self.spin_until(matching, timeout_s, f"a result with status {status}")[0]

    def segment(self, text, image=None):
        request = Segment.Request(text=text)
        if image is not None:
            request.image = image
        return self.call(Segment, "segment", request)


def mask_array(message):
    """Return (H, W) bool of a mask message; it must be 0 and 255."""
    assert message.encoding == "mono8"
    values = np.frombuffer(message.data, np.uint8).reshape(message.height, message.step)
    assert set(np.unique(values)) <= {0, 255}
    return values[:, : message.width] > 0


def overlap(one, other):
    """Return intersection over union of two masks, 1 for two empty ones."""
    union = np.count_nonzero(one | other)
    return np.count_nonzero(one & other) / union if union else 1.0
