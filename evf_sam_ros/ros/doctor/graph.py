"""Checks of a running ROS 2 graph: publishers of the inputs, their QoS, and arriving messages."""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import rclpy
from rclpy.exceptions import InvalidTopicNameException
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.utilities import get_rmw_implementation_identifier
from sensor_msgs.msg import Image

from evf_sam_ros.perception.stamped import Stream
from evf_sam_ros.ros.doctor.finding import Finding
from evf_sam_ros.ros.interface import (
    CAMERA_INFO,
    DEPTH,
    IMAGE,
    OUTPUTS,
    TEXT_COMMAND,
    Endpoint,
)
from evf_sam_ros.ros.stamps import nanoseconds

ENDPOINTS = {each.name: each for each in (IMAGE, DEPTH, CAMERA_INFO, TEXT_COMMAND)}
STREAMS = (IMAGE.name, DEPTH.name, CAMERA_INFO.name)
NODE = "evf_sam"
OUR_NAME = "evf_sam_doctor"
# What is lost of the discovery comes with the next heartbeat, after 3 s in Fast DDS.
QUIET_S, ALONE_S, MOST_S = 3.5, 5.0, 12.0
ENOUGH = 20  # messages, to tell a rate
OLD_S = 1.0  # as the node's max_frame_age_s
CAMERA_QOS = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)  # as the node asks
OUTPUT_QOS = QoSProfile(depth=5)
LOST = (
    "the camera publishes and nothing arrives: give camera and node the Fast DDS profile above, "
    "or set the parameter image_reliability to reliable"
)


def graph_findings(namespace: str, topics: Mapping[str, str], seconds: float) -> Iterator[Finding]:
    """Look and listen for a while; `topics` are names in place of those of the interface."""
    try:
        rclpy.init()
        node = rclpy.create_node(OUR_NAME, namespace=namespace)
    except Exception as error:  # of a middleware that is not installed, of a wrong namespace, ...
        rclpy.try_shutdown()
        sentence = " ".join(str(error).split())
        cure = "look at RMW_IMPLEMENTATION and --namespace"
        yield Finding("problem", "ROS 2", f"cannot start: {sentence}", cure)
        return
    try:
        middleware = get_rmw_implementation_identifier()
        yield Finding("ok", "ROS 2", f"{middleware}, domain {node.context.get_domain_id()}")
        yield from _topics(node, topics, seconds)
        yield from _nodes(node)
        yield from _listeners(node)
    except InvalidTopicNameException as error:
        sentence = " ".join(str(error).split())
        yield Finding("problem", "topics", sentence, "names are made of letters, digits, _ and /")
    finally:
        node.destroy_node()
        rclpy.try_shutdown()


class _Ear:
    """Counts what arrives on one topic, with the QoS that the node would ask for."""

    def __init__(self, node: Node, endpoint: Endpoint, topic: str) -> None:
        self.count = 0
        self.age_s = 0.0
        self._stream = Stream(kept=1)
        self._clock = node.get_clock()
        self._heard = node.create_subscription(endpoint.type, topic, self._hear, CAMERA_QOS)

    @property
    def doubt(self) -> str:
        """Return why the stamps do not tell one message from the next, empty if they do."""
        items = self._stream.items
        return self._stream.doubt(items[-1]) if items else ""

    def is_satisfied(self) -> bool:
        """Tell whether listening longer would not tell more."""
        return self.count >= ENOUGH or not self._heard.get_publisher_count()

    def _hear(self, message: Any) -> None:
        self.count += 1
        self.age_s = (self._clock.now().nanoseconds - nanoseconds(message.header.stamp)) / 1e9
        self._stream.put(message, time.monotonic_ns())
        self._stream.let_go()


def _topics(node: Node, topics: Mapping[str, str], seconds: float) -> Iterator[Finding]:
    ears = {name: _Ear(node, ENDPOINTS[name], topics[name]) for name in STREAMS}
    _meet(node)
    for ear in ears.values():
        ear.count = 0
    seconds = _spin(node, seconds, lambda: all(ear.is_satisfied() for ear in ears.values()))
    for name, topic in topics.items():
        resolved = node.resolve_topic_name(topic)
        publishers = node.get_publishers_info_by_topic(resolved)
        if not publishers:
            yield _nobody(node, name, resolved)
        else:
            yield _publisher(ENDPOINTS[name], resolved, publishers, ears.get(name), seconds)


def _meet(node: Node) -> None:
    """Listen until no new participant has appeared for a while, or none at all for longer."""
    started = changed = time.monotonic()
    known = _others(node)
    while (now := time.monotonic()) < min(
        changed + (QUIET_S if known[0] else ALONE_S), started + MOST_S
    ):
        rclpy.spin_once(node, timeout_sec=0.1)
        if (seen := _others(node)) != known:
            known, changed = seen, now


def _others(node: Node) -> tuple[list[str], list[Any]]:
    """Return the names of all nodes but this one, and all topics."""
    names = [name for name in node.get_node_names() if name != OUR_NAME]
    return sorted(names), sorted(node.get_topic_names_and_types())


def _spin(node: Node, seconds: float, is_enough: Callable[[], bool]) -> float:
    """Listen so long at most; return how long it was."""
    started = time.monotonic()
    while (left := started + seconds - time.monotonic()) > 0 and not is_enough():
        rclpy.spin_once(node, timeout_sec=left)
    return time.monotonic() - started


def _nobody(node: Node, name: str, topic: str) -> Finding:
    if name != IMAGE.name:
        effect = {
            DEPTH.name: "answers have no positions",
            CAMERA_INFO.name: "answers have no positions",
        }
        text = f"nobody publishes {topic}: {effect.get(name, 'nobody speaks to the robot')}"
        return Finding("note", name, text)
    wanted = "sensor_msgs/msg/Image"
    others = [each for each, kinds in node.get_topic_names_and_types() if wanted in kinds]
    published = [each for each in others if node.count_publishers(each)]
    candidates = [each for each in published if f"/{NODE}/" not in each]
    cure = "start the camera, or give its topic with --image"
    if candidates:
        cure = f"these are images: {', '.join(sorted(candidates)[:6])}; remap image:=..."
    return Finding("warning", name, f"nobody publishes {topic}", cure)


def _publisher(
    endpoint: Endpoint, topic: str, publishers: list[Any], ear: _Ear | None, seconds: float
) -> Finding:
    """Judge one topic that is published: its type, its QoS, and whether anything arrives."""
    name, first = endpoint.name, publishers[0]
    wanted = f"{endpoint.type.__module__.split('.')[0]}/msg/{endpoint.type.__name__}"
    if first.topic_type != wanted:
        text = f"{topic} carries {first.topic_type}, need {wanted}"
        return Finding(
            "problem", name, text, f"give another topic with --{name.replace('_', '-')}"
        )
    ours = CAMERA_QOS if ear is not None else QoSProfile(depth=10)
    offered = first.qos_profile.reliability.name.lower()
    if mismatch := _mismatch(first.qos_profile, ours):
        text = f"{topic} by {_who(publishers)} does not match: {mismatch}"
        return Finding("problem", name, text, "publish it reliable: the node asks for that")
    if ear is None:
        return Finding("ok", name, f"{topic} by {_who(publishers)}, {offered}")
    if not ear.count:
        return Finding("warning", name, f"{topic} by {_who(publishers)}, nothing arrives", LOST)
    text = f"{topic} by {_who(publishers)}, {offered}, {ear.count / seconds:.1f} per second"
    if len(publishers) > 1:
        cure = "let one camera send on each topic: frames of two are not paired by nearness"
        return Finding("warning", name, f"{text}; it has {len(publishers)} publishers", cure)
    if endpoint.type is Image and ear.doubt:
        cure = "the camera driver must stamp each message with the time at which it was taken"
        return Finding("warning", name, f"{text}; the latest {ear.doubt}", cure)
    if endpoint.type is Image and abs(ear.age_s) > OLD_S:
        cure = "set both machines' clocks (chrony), or max_frame_age_s:=0 for recordings"
        return Finding("warning", name, f"{text}, with stamps {ear.age_s:.1f} s old", cure)
    return Finding("ok", name, text)


def _mismatch(offered: QoSProfile, asked: QoSProfile) -> str:
    """Return why a publisher and a subscription do not meet, empty if they do."""
    # rclpy's own qos_check_compatible takes the graph's "infinite" deadlines for real ones.
    best_effort, reliable = ReliabilityPolicy.BEST_EFFORT, ReliabilityPolicy.RELIABLE
    volatile, latched = DurabilityPolicy.VOLATILE, DurabilityPolicy.TRANSIENT_LOCAL
    if offered.reliability == best_effort and asked.reliability == reliable:
        return "offered best effort, asked reliable"
    if offered.durability == volatile and asked.durability == latched:
        return "offered volatile, asked transient local"
    return ""


def _who(publishers: list[Any]) -> str:
    names = sorted({each.node_name for each in publishers})
    return " and ".join(names)


def _nodes(node: Node) -> Iterator[Finding]:
    """Look for the segmentation node beside us."""
    ours = (NODE, node.get_namespace())
    count = node.get_node_names_and_namespaces().count(ours)
    name = f"{node.get_namespace().rstrip('/')}/{NODE}"
    if count > 1:
        cure = "end one, or give it another namespace: --ros-args -r __ns:=/second"
        yield Finding("problem", "node", f"{count} nodes are named {name}", cure)
    elif count:
        yield Finding("ok", "node", f"{name} is running")
    else:
        cure = "ros2 run evf_sam_ros evf_sam_node, or ros2 launch evf_sam_ros evf_sam.launch.py"
        yield Finding("note", "node", f"{name} is not running", cure)


def _listeners(node: Node) -> Iterator[Finding]:
    """Find those who ask of an answer what the node does not offer."""
    for endpoint in OUTPUTS:
        topic = node.resolve_topic_name(endpoint.name.replace("~", NODE))
        for listener in node.get_subscriptions_info_by_topic(topic):
            if mismatch := _mismatch(OUTPUT_QOS, listener.qos_profile):
                text = f"{listener.node_name} hears nothing of {topic}: {mismatch}"
                yield Finding("warning", "listener", text, "outputs are reliable and volatile")
