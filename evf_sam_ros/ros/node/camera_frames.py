"""Look up where the camera stood when an image was taken, from /tf and /tf_static.

A node and a thread of its own fill the buffer, so that neither the executor nor the model waits.
"""

from collections.abc import Callable, Hashable
from threading import Condition, Thread
from time import monotonic
from typing import Any

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile
from std_msgs.msg import Header

from evf_sam_ros.perception.geometry import Floats
from evf_sam_ros.perception.placement import UNPLACED, Placement
from evf_sam_ros.perception.transform_buffer import NoTransform, TransformBuffer
from evf_sam_ros.ros.interface import TF, TF_STATIC, installed_type
from evf_sam_ros.ros.parameters import NodeParameters
from evf_sam_ros.ros.stamps import nanoseconds

QUEUE = 100  # as tf2's own listener
STATIC_QOS = QoSProfile(depth=QUEUE, durability=DurabilityPolicy.TRANSIENT_LOCAL)
SPIN_S = 0.2
MISSING = "tf2_msgs is not installed"


class CameraFrames:
    """Answers what tf knows about a stamp; waits at most tf_timeout_s for what is late."""

    def __init__(self, node: Node, parameters: Callable[[], NodeParameters]) -> None:
        """Start without listening.

        Args:
            node: whose remappings of /tf and /tf_static hold.
            parameters: returns the current parameters.
        """
        self.buffer = TransformBuffer()
        self.last = UNPLACED
        self._node = node
        self._parameters = parameters
        self._news = Condition()
        self._listener: _Listener | None = None
        self._ended = True
        self._in_vain: dict[tuple[str, str], Hashable] = {}

    def start(self) -> None:
        """Listen, if a parameter needs it; another may come to need it later."""
        self._ended = False
        parameters = self._parameters()
        if parameters.register_depth_by_tf or _wanted(parameters):
            self._listen()

    def stop(self) -> None:
        """Stop to listen, and let nobody wait any longer."""
        with self._news:
            self._ended = True
            self._news.notify_all()
            listener, self._listener = self._listener, None
        if listener is not None:
            listener.destroy()

    def clear_moving(self) -> None:
        """Forget the transforms of before the clock jumped."""
        self.buffer.clear_moving()

    def place(self, header: Header) -> Placement:
        """Return where the camera stood at the stamp of an image; called by one thread."""
        parameters = self._parameters()
        if not _wanted(parameters):
            return UNPLACED
        self._listen()
        deadline = monotonic() + parameters.tf_timeout_s
        frames = dict.fromkeys((parameters.target_frame, parameters.gravity_frame))
        found = {each: self._find(each, header, deadline) for each in frames if each}
        known = {name: each for name, each in found.items() if not isinstance(each, str)}
        gravity = known.get(parameters.gravity_frame)
        self.last = Placement(
            target_frame=parameters.target_frame,
            target_from_image=known.get(parameters.target_frame),
            up=None if gravity is None else gravity[2, :3],
            status="; ".join(each for each in found.values() if isinstance(each, str)),
        )
        return self.last

    def _listen(self) -> None:
        with self._news:
            if self._ended or self._listener is not None:
                return
            kind = installed_type(TF.type)
            if kind is not None:
                self._listener = _Listener(self._node, kind, self._put)
                return
        self._node.get_logger().warning(
            f"Nothing is transformed: {MISSING} (ROS package ros-<release>-tf2-msgs)", once=True
        )

    def _put(self, message: Any, is_static: bool) -> None:
        self.buffer.put(message, is_static=is_static)
        with self._news:
            self._news.notify_all()

    def _find(self, target: str, header: Header, deadline: float) -> Floats | str:
        """Return (4, 4) target_from_image, or a sentence on why there is none."""
        source, stamp = str(header.frame_id), nanoseconds(header.stamp)
        pair = (target, source)
        found = self.buffer.find(target, source, stamp)
        if isinstance(found, NoTransform) and self._may_come(pair, found):
            with self._news:
                self._news.wait_for(
                    lambda: self._ended or self._is_known(target, source, stamp),
                    max(deadline - monotonic(), 0.0),
                )
            found = self.buffer.find(target, source, stamp)
            if isinstance(found, NoTransform):
                self._in_vain[pair] = found.state
        if isinstance(found, NoTransform):
            return self._sentence(pair, stamp, found)
        return found

    def _is_known(self, target: str, source: str, stamp: int) -> bool:
        return not isinstance(self.buffer.find(target, source, stamp), NoTransform)

    def _may_come(self, pair: tuple[str, str], found: NoTransform) -> bool:
        heard = self._listener is not None
        return heard and found.may_come and self._in_vain.get(pair) != found.state

    def _sentence(self, pair: tuple[str, str], stamp: int, found: NoTransform) -> str:
        target, source = pair
        reason = found.reason if self._listener is not None else MISSING
        if not stamp:
            reason = f"the image has no stamp (0); {reason}"
        newest = "no moving transform has come"
        if found.newest is not None:
            age_s = (self._node.get_clock().now().nanoseconds - found.newest) / 1e9
            newest = f"the newest transform is {age_s:.3f} s old"
        limit_s = self._parameters().tf_timeout_s
        return (
            f"no transform from {source!r} to {target!r} at the image's stamp {stamp / 1e9:.3f}: "
            f"{reason}; {newest}, tf_timeout_s is {limit_s:g}"
        )


def _wanted(parameters: NodeParameters) -> bool:
    return bool(parameters.target_frame or parameters.gravity_frame)


class _Listener:
    """A node that hears transforms, in a thread of its own."""

    def __init__(self, node: Node, kind: Any, put: Callable[[Any, bool], None]) -> None:
        # Without the arguments of the command line: a remapped node name is that of the main node.
        self._own = rclpy.create_node(
            f"{node.get_name()}_tf",
            namespace=node.get_namespace(),
            context=node.context,
            use_global_arguments=False,
            enable_rosout=False,
            start_parameter_services=False,
            parameter_overrides=[Parameter("start_type_description_service", value=False)],
        )
        for topic, qos, is_static in (
            (TF, QoSProfile(depth=QUEUE), False),
            (TF_STATIC, STATIC_QOS, True),
        ):
            self._own.create_subscription(
                kind,
                node.resolve_topic_name(topic.name),
                lambda message, is_static=is_static: put(message, is_static),
                qos,
            )
        self._executor = SingleThreadedExecutor(context=node.context)
        self._executor.add_node(self._own)
        self._running = True
        self._thread = Thread(target=self._spin, name="tf", daemon=True)
        self._thread.start()

    def _spin(self) -> None:
        while self._running and self._own.context.ok():
            try:
                self._executor.spin_once(timeout_sec=SPIN_S)
            except (ExternalShutdownException, RuntimeError):  # ROS shuts down meanwhile
                return

    def destroy(self) -> None:
        self._running = False
        self._executor.wake()
        self._thread.join()
        self._executor.shutdown()
        self._own.destroy_node()
