"""The subscriptions to one camera, which exist while the node is active.

Images and depth are taken as serialized bytes, and while nobody waits for an answer not at all.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.subscription import Subscription

from evf_sam_ros.ros.interface import (
    CAMERA_INFO,
    COMPRESSED_DEPTH,
    COMPRESSED_IMAGE,
    DEPTH,
    DEPTH_INFO,
    IMAGE,
    Endpoint,
)
from evf_sam_ros.ros.node.buffers import in_memory, subscription_options
from evf_sam_ros.ros.node.camera_watch import CameraWatch
from evf_sam_ros.ros.node.depth_source import KEPT, DepthSource
from evf_sam_ros.ros.node.gate import Gate, arrived_ns, taken
from evf_sam_ros.ros.node.publisher_watch import PublisherWatch
from evf_sam_ros.ros.node.received import Frame, received
from evf_sam_ros.ros.parameters import NodeParameters

EVERY_FRAME_ROOM = 300  # images and depth images that may wait: ten seconds at 30 Hz
# QoS depth of image and depth; camera_infos are small, and one that is lost costs a position. Of
# two images in a row the first tells what the second one's stamp is worth.
QUEUE = {"latest": (2, KEPT // 2), "every_frame": (50, 50)}
INFO_QUEUE = 50

# Humble's rclpy does not tell callbacks when a message arrived.
TELLS_ARRIVAL = hasattr(Subscription, "CallbackType")

Take = Callable[[Any, int], None]  # a message and the steady time of its arrival, nanoseconds


class CameraInputs:
    """Subscribes to image, camera_info, depth and the depth camera's camera_info."""

    def __init__(
        self,
        node: Node,
        parameters: NodeParameters,
        depth: DepthSource,
        *,
        on_image: Callable[[Frame, int, bool], None],
        is_wanted: Callable[[], bool],
        on_mixed: Callable[[str], None],
    ) -> None:
        """Create the subscriptions.

        Args:
            node: the node that subscribes.
            parameters: its parameters.
            depth: gets depth images and camera_infos.
            on_image: gets an image, the steady time of its arrival in nanoseconds, and whether it
                followed the one before.
            is_wanted: tells whether messages are taken as they arrive, else by `catch_up`.
            on_mixed: gets a sentence on inputs with several publishers, empty if none has.
        """
        self._node = node
        self._depth = depth
        self._on_image, self._on_mixed = on_image, on_mixed
        keeps_all = parameters.processing != "latest"
        self._gate = Gate(is_wanted)
        # Depth and camera_info alone do not wake the executor, unless an image waits for them:
        # they are taken with the next image.
        self._gate_besides = Gate(lambda: keeps_all or depth.is_waiting)
        depth.wake = self._wake
        self._reliability = (
            ReliabilityPolicy.RELIABLE
            if parameters.image_reliability == "reliable"
            else ReliabilityPolicy.BEST_EFFORT
        )
        self.room = EVERY_FRAME_ROOM if keeps_all else 1
        depth.make_room(max(KEPT, self.room))
        image_queue, depth_queue = QUEUE[parameters.processing]
        self._follows = True  # whether the next image is the one that was sent after the last
        is_raw = parameters.image_transport == "raw"
        is_raw_depth = parameters.depth_transport == "raw"
        self._listened: list[_Listened] = []
        images, infos, depths, _ = (
            self._listen(IMAGE if is_raw else COMPRESSED_IMAGE, self._take_image, image_queue),
            self._listen(CAMERA_INFO, depth.put_info, INFO_QUEUE),
            self._listen(
                DEPTH if is_raw_depth else COMPRESSED_DEPTH, depth.put_depth, depth_queue
            ),
            self._listen(DEPTH_INFO, depth.put_depth_info, INFO_QUEUE),
        )
        self._watch = CameraWatch(node, images)
        self._publishers = PublisherWatch(node, (images, infos, depths), self._tell_mixed)
        self.image_topic = str(images.topic_name)

    @property
    def are_rectified(self) -> bool:
        """Tell whether images are: REP 104 leaves it to the topic's name."""
        return any(part.startswith("image_rect") for part in self.image_topic.split("/"))

    def catch_up(self) -> None:
        """Take what has arrived while nothing was wanted; call it in the executor's thread."""
        self._take_besides()
        images = self._listened[0]
        messages = taken(images.subscription)
        # Where the queue was full, some may have been pushed out.
        self._follows = len(messages) < images.queue
        for serialized, arrived in messages:
            self._unpack(images, serialized, arrived)
            self._follows = True

    def destroy(self) -> None:
        self._watch.destroy()
        self._publishers.destroy()
        for each in self._listened:
            self._node.destroy_subscription(each.subscription)
        self._listened = []

    def _take_besides(self) -> None:
        for each in self._listened[1:]:
            for serialized, arrived in taken(each.subscription):
                self._unpack(each, serialized, arrived)

    def _take_image(self, message: Frame, arrived_ns: int) -> None:
        self._watch.image_arrived()
        self._depth.put_image(message, arrived_ns)
        self._on_image(message, arrived_ns, self._follows)

    def _wake(self) -> None:
        if (executor := self._node.executor) is not None:
            executor.wake()

    def _tell_mixed(self, said: str) -> None:
        self._depth.tell_mixed(bool(said))
        self._on_mixed(said)

    def _listen(self, endpoint: Endpoint, take: Take, queue: int) -> Any:
        listened = _Listened(endpoint.type, take, queue)
        is_image = not self._listened  # it comes first

        def receive(serialized: Any, info: Mapping[str, Any]) -> None:
            if is_image:
                self._take_besides()
            self._unpack(listened, serialized, arrived_ns(info))

        listened.subscription = self._node.create_subscription(
            endpoint.type,
            endpoint.name,
            receive if TELLS_ARRIVAL else lambda serialized: receive(serialized, {}),
            QoSProfile(depth=queue, reliability=self._reliability),
            callback_group=self._gate if is_image else self._gate_besides,
            **subscription_options(endpoint.type),
        )
        self._listened.append(listened)
        return listened.subscription

    def _unpack(self, listened: "_Listened", serialized: Any, arrived_ns: int) -> None:
        try:
            is_bytes = isinstance(serialized, bytes)
            message = received(listened.type, serialized) if is_bytes else in_memory(serialized)
        except Exception as error:  # whatever it is, the next message must be read
            topic = listened.subscription.topic_name
            reason = f"A message on {topic} cannot be read: {type(error).__name__}: {error}"
            self._node.get_logger().warning(reason, throttle_duration_sec=5.0)
        else:
            listened.take(message, arrived_ns)


@dataclass
class _Listened:
    """A subscription and what becomes of its messages."""

    type: Any
    take: Take
    queue: int
    subscription: Any = None
