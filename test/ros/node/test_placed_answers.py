"""Answers in a second frame, and the pose before the object."""

import array

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from rclpy.clock import Clock
from rclpy.logging import get_logger
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from test_replies import Scripted

from evf_sam_ros.msg import SegmentationResult as R
from evf_sam_ros.perception.camera_model import Intrinsics
from evf_sam_ros.perception.placement import Placement
from evf_sam_ros.ros.node.command import Command
from evf_sam_ros.ros.node.depth_source import DepthSource, RegisteredDepth
from evf_sam_ros.ros.node.objects import approach_message, in_target
from evf_sam_ros.ros.node.observer import Observer
from evf_sam_ros.ros.parameters import NodeParameters

# A camera one metre above the map's origin that looks along x: REP 103's optical frame.
MAP_FROM_CAMERA = np.array([[0.0, 0, 1, 0], [-1, 0, 0, 0], [0, -1, 0, 1], [0, 0, 0, 1]])
BOARD_M = 2.0
COMMAND = Command(id=7, text="the cup", expression="the cup", stamp=Time(sec=3))


class Board(DepthSource):
    """Depth of a board before the camera."""

    def find(self, header, size, options):
        depth_m = np.full(size[::-1], BOARD_M, np.float32)
        return RegisteredDepth(depth_m, Intrinsics(30.0, 30.0, 14.5, 9.5))


def answered(placement, score=0.75, **settings):
    parameters = NodeParameters(min_mask_area_px=4, target_frame="map", **settings)
    shown = np.zeros((20, 30), bool)
    shown[5:15, 10:20] = True  # around the middle of the image
    observer = Observer(
        Scripted(shown, score=score),
        Board(),
        lambda: parameters,
        Clock(),
        get_logger("placed"),
        place=lambda header: placement,
    )
    header = Header(stamp=Clock().now().to_msg(), frame_id="camera")
    image = Image(header=header, height=20, width=30, step=90, encoding="rgb8")
    image.data = array.array("B", bytes(20 * 90))
    [answer] = observer.answers(observer.look(image, [COMMAND], 1.0))
    return answer


@pytest.fixture
def placed():
    return Placement(target_frame="map", target_from_image=MAP_FROM_CAMERA)


def test_an_object_has_its_place_in_both_frames(placed):
    result = answered(placed).result
    [found] = result.objects
    assert (result.header.frame_id, result.target_frame) == ("camera", "map")
    assert (result.transform_status, result.approach_status) == ("", "")
    assert found.has_target_position
    there = found.target_position
    here = found.position
    np.testing.assert_allclose([here.x, here.y, here.z], [0, 0, 2], atol=1e-12)
    np.testing.assert_allclose([there.x, there.y, there.z], [2, 0, 1], atol=1e-12)
    view = in_target(result)
    assert (view.header.frame_id, view.header.stamp) == ("map", result.header.stamp)
    assert view.objects[0].position == there


def test_the_robot_may_stand_before_it_on_the_ground(placed):
    answer = answered(placed, stand_off_m=0.6, ground_z_m=-0.1)
    message = approach_message(in_target(answer.result).header, answer.approach, -0.1)
    place, turned = message.pose.position, message.pose.orientation
    # From the middle of the board, 2 m ahead, 0.6 m back towards the camera.
    np.testing.assert_allclose([place.x, place.y, place.z], [1.4, 0, -0.1], atol=1e-6)
    np.testing.assert_allclose([turned.x, turned.y, turned.z, turned.w], [0, 0, 0, 1], atol=1e-6)
    assert message.header.frame_id == "map"


def test_it_may_be_told_from_where_to_come(placed):
    answer = answered(placed, approach_from="yaw", approach_yaw_rad=np.pi / 2)
    assert (answer.approach.x_m, answer.approach.y_m) == (
        pytest.approx(2.0),
        pytest.approx(-0.6, abs=1e-6),
    )


def test_a_stand_off_inside_the_object_is_told_and_disturbs_nothing_else(placed):
    answer = answered(placed, approach_from="yaw", approach_yaw_rad=np.pi / 2, stand_off_m=0.1)
    assert answer.approach is None
    assert "stand_off_m is 0.1, which is inside the object" in answer.result.approach_status
    assert (answer.result.status, answer.result.message) == (R.FOUND, "")
    assert answer.result.objects[0].has_target_position


def test_without_a_transform_there_is_a_reason_and_the_place_in_the_camera_s_frame():
    reason = "no transform from 'camera' to 'map' at ..."
    answer = answered(Placement(target_frame="map", status=reason))
    assert answer.result.transform_status == reason
    assert answer.result.objects[0].has_position
    assert not answer.result.objects[0].has_target_position
    assert answer.approach is None
    assert answer.result.approach_status == ""  # the transform's says why


def test_nobody_goes_to_what_is_only_perhaps_there(placed):
    answer = answered(placed, score=0.45)
    assert answer.result.status == R.LOW_CONFIDENCE
    assert answer.approach is None


def test_boxes_stand_upright_by_the_frame_that_knows_gravity():
    up = np.array([0.0, -0.8, -0.6])
    q = answered(Placement(up=up)).result.objects[0].orientation
    axis = (2 * (q.x * q.z + q.w * q.y), 2 * (q.y * q.z - q.w * q.x), 1 - 2 * (q.x**2 + q.y**2))
    np.testing.assert_allclose(axis, up, atol=1e-6)
