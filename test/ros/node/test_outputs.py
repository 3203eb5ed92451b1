"""Outputs without a listener are not computed."""

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from geometry_msgs.msg import PointStamped, PoseStamped
from rclpy.executors import SingleThreadedExecutor
from rclpy.lifecycle import LifecycleNode
from rclpy.qos import ReliabilityPolicy
from sensor_msgs.msg import Image, PointCloud2
from std_msgs.msg import Header
from visualization_msgs.msg import MarkerArray

from evf_sam_ros.msg import SegmentationResult as R
from evf_sam_ros.msg import SegmentedObject
from evf_sam_ros.perception.camera_model import Intrinsics
from evf_sam_ros.ros.node import outputs
from evf_sam_ros.ros.node.clouds import POINT, object_cloud, scene_cloud
from evf_sam_ros.ros.node.depth_source import RegisteredDepth
from evf_sam_ros.ros.node.replies import Answer
from evf_sam_ros.ros.parameters import NodeParameters

LAZY = {
    "overlay": ("draw", Image),
    "markers": ("markers_from_results", MarkerArray),
    "object_points": ("object_cloud", PointCloud2),
    "scene_points": ("scene_cloud", PointCloud2),
    "registered_depth": ("_depth_image", Image),
    "label_mask": ("_label_mask", Image),
    "mask": ("_mask", Image),
}


@pytest.fixture
def published(ros):
    """Give a node with active outputs, the outputs, and what turns its executor."""
    node = LifecycleNode("lazy")
    made = outputs.Outputs(node, NodeParameters)
    node.trigger_configure()
    node.trigger_activate()
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    yield node, made, executor
    executor.shutdown()
    node.destroy_node()


def answer():
    mask = np.zeros((20, 30), bool)
    mask[5:15, 5:15] = True
    result = R(status=R.FOUND, expression="the mug", objects=[SegmentedObject(label=1)])
    result.objects[0].has_position = True
    depth = RegisteredDepth(np.ones((20, 30), np.float32), Intrinsics(30.0, 30.0, 15.0, 10.0))
    return Answer(result, np.zeros((20, 30, 3), np.uint8), (mask,), depth)


@pytest.mark.parametrize("name", [*LAZY, "centroid", "pose", "result"])
def test_every_output_carries_the_header_of_its_image(published, name):
    node, made, executor = published
    kinds = {name: kind for name, (_, kind) in LAZY.items()}
    kinds |= {"centroid": PointStamped, "pose": PoseStamped, "result": R}
    received = []
    node.create_subscription(kinds[name], f"~/{name}", received.append, 5)
    sent = answer()
    sent.result.header = Header(stamp=Time(sec=12, nanosec=34), frame_id="left_eye")
    for _ in range(100):
        made.publish([sent])
        executor.spin_once(timeout_sec=0.1)
        if received:
            break
    message = received[0].markers[-1] if name == "markers" else received[0]
    assert message.header == sent.result.header


def test_the_cloud_has_no_points_far_behind_or_before_the_object():
    depth_m = np.ones((20, 30), np.float32)
    depth_m[5, 5:10], depth_m[14, 5:8] = 3.0, 0.5  # what the rim of the mask lets in
    one = answer()
    depth = RegisteredDepth(depth_m, one.depth.camera)
    cloud = object_cloud(Header(), one.parts, depth, one.image_rgb, (0.1, 10.0))
    points = np.frombuffer(cloud.data.tobytes(), POINT)
    assert len(points) == 100 - 5 - 3
    assert set(points["z"]) == {1.0}


@pytest.mark.parametrize("name", LAZY)
def test_it_is_computed_only_while_someone_subscribes(published, monkeypatch, name):
    node, made, executor = published
    function, kind = LAZY[name]
    calls, worked = [], getattr(outputs, function)

    def counted(*arguments):
        calls.append(name)
        return worked(*arguments)

    monkeypatch.setattr(outputs, function, counted)
    made.publish([answer()])
    assert not calls
    received = []
    node.create_subscription(kind, f"~/{name}", received.append, 5)
    for _ in range(100):
        made.publish([answer()])
        executor.spin_once(timeout_sec=0.1)
        if received:
            break
    assert calls
    assert received


def test_the_scene_is_all_but_the_object_and_its_rim():
    seen = answer()
    depth_m = np.full((20, 30), 2.0, np.float32)
    depth_m[5:15, 5:15] = 1.0
    depth_m[0, :] = np.nan
    depth = RegisteredDepth(depth_m, seen.depth.camera)
    header = Header(frame_id="camera")
    limits_m = (0.1, 10.0)
    cloud = scene_cloud(header, seen.parts[0], depth, seen.image_rgb, limits_m)
    points = np.frombuffer(cloud.data, POINT)
    # Without the row that has no depth, and 12 x 12 around the object of 10 x 10.
    assert points.size == cloud.width == 19 * 30 - 12 * 12
    assert set(points["z"]) == {2.0}
    assert cloud.header == header


def test_each_output_holds_what_an_image_may_bring(published):
    """A sentence may name 16 objects, each with a result; of the rest there is one an image."""
    node, _, _ = published
    ours = {each.topic_name.removeprefix("/lazy/"): each for each in node.publishers}
    depths = {name: each.qos_profile.depth for name, each in ours.items()}
    assert depths["result"] == 1000
    assert {depths[name] for name in (*LAZY, "centroid", "pose")} == {5}
    assert ours["result"].qos_profile.reliability == ReliabilityPolicy.RELIABLE
