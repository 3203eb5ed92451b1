"""The node's subscriptions, which exist while it is active."""

from collections.abc import Callable
from typing import Any

from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy

from evf_sam_ros.ros.interface import (
    BURST,
    CAMERA_INFO,
    COMPRESSED_DEPTH,
    COMPRESSED_IMAGE,
    DEPTH,
    DEPTH_INFO,
    IMAGE,
    SPEECH,
    TEXT_COMMAND,
    TF,
    Endpoint,
    installed_type,
)
from evf_sam_ros.ros.node.camera_watch import CameraWatch
from evf_sam_ros.ros.node.depth_source import KEPT, DepthSource
from evf_sam_ros.ros.node.publisher_watch import PublisherWatch
from evf_sam_ros.ros.node.replies import Frame
from evf_sam_ros.ros.node.speech import recogniser
from evf_sam_ros.ros.parameters import NodeParameters

EVERY_FRAME_ROOM = 300  # images and depth images that may wait: ten seconds at 30 Hz
# QoS depth of image and depth; camera_infos are small, and one that is lost costs a position.
QUEUE = {"latest": (1, KEPT // 2), "every_frame": (50, 50)}
INFO_QUEUE = 50


class Inputs:
    """Creates all subscriptions; ValueError if a parameter needs a package that is missing."""

    def __init__(
        self,
        node: Node,
        parameters: NodeParameters,
        depth: DepthSource,
        *,
        on_image: Callable[[Frame], None],
        on_text: Callable[[str], None],
        on_mixed: Callable[[str], None],
    ) -> None:
        """Create the subscriptions.

        Args:
            node: the node that subscribes.
            parameters: its parameters.
            depth: gets depth images and camera_infos.
            on_image: gets images.
            on_text: gets finished sentences.
            on_mixed: gets a sentence on inputs with several publishers, empty if none has.
        """
        self._node = node
        self._depth = depth
        self._subscriptions: list[Any] = []
        self._on_image = on_image
        reliable = parameters.image_reliability == "reliable"
        self._reliability = (
            ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT
        )
        if parameters.register_depth_by_tf:
            _require_frames()
        self._speech = None
        if parameters.speech_type != "none":
            self._speech = recogniser(parameters.speech_type)
        self.room = 1 if parameters.processing == "latest" else EVERY_FRAME_ROOM
        depth.make_room(max(KEPT, self.room))
        image_queue, depth_queue = QUEUE[parameters.processing]
        raw = parameters.image_transport == "raw"
        image = self._listen(IMAGE if raw else COMPRESSED_IMAGE, self._take_image, image_queue)
        info = self._listen(CAMERA_INFO, depth.put_info, INFO_QUEUE)
        raw_depth = parameters.depth_transport == "raw"
        depth_input = DEPTH if raw_depth else COMPRESSED_DEPTH
        depths = self._listen(depth_input, depth.put_depth, depth_queue)
        self._listen(DEPTH_INFO, depth.put_depth_info, INFO_QUEUE)
        self._hear_sentences(on_text)
        self._watch = CameraWatch(node, image)
        self._on_mixed = on_mixed
        self._publishers = PublisherWatch(node, (image, info, depths), self._tell_mixed)
        self.image_topic = str(image.topic_name)

    def _hear_sentences(self, on_text: Callable[[str], None]) -> None:
        self._hear(TEXT_COMMAND.type, TEXT_COMMAND.name, lambda message: on_text(message.data))
        if self._speech is not None:
            read = self._speech.text
            # Ignore empty transcripts: an unfinished sentence has no final text.
            self._hear(
                self._speech.type,
                SPEECH.name,
                lambda message: on_text(read(message)) if read(message).strip() else None,
            )

    @property
    def are_rectified(self) -> bool:
        """Tell whether images are: REP 104 leaves it to the topic's name."""
        return any(part.startswith("image_rect") for part in self.image_topic.split("/"))

    def destroy(self) -> None:
        self._watch.destroy()
        self._publishers.destroy()
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)
        self._subscriptions = []

    def _take_image(self, message: Frame) -> None:
        self._watch.image_arrived()
        self._depth.put_image(message)
        self._on_image(message)

    def _tell_mixed(self, said: str) -> None:
        self._depth.tell_mixed(bool(said))
        self._on_mixed(said)

    def _listen(self, endpoint: Endpoint, callback: Callable[[Any], None], depth: int) -> Any:
        qos = QoSProfile(depth=depth, reliability=self._reliability)
        subscription = self._node.create_subscription(endpoint.type, endpoint.name, callback, qos)
        self._subscriptions.append(subscription)
        return subscription

    def _hear(self, kind: Any, name: str, callback: Callable[[Any], None]) -> None:
        subscription = self._node.create_subscription(
            kind, name, callback, QoSProfile(depth=BURST)
        )
        self._subscriptions.append(subscription)


def _require_frames() -> None:
    if installed_type(TF.type) is None:
        raise ValueError(
            "register_depth_by_tf is true, but tf2_msgs is not installed: install it, or give "
            "image_from_depth"
        )
