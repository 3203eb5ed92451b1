"""Depth and camera_info of real messages: what the node finds for an image, and what it says."""

from threading import Timer

import numpy as np
import pytest
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from evf_sam_ros.perception.geometry import DepthStatus
from evf_sam_ros.ros.conversions import image_message
from evf_sam_ros.ros.node.depth_source import DepthOptions, DepthSource, NoDepth, RegisteredDepth
from evf_sam_ros.ros.stamps import time_message

SECOND = 1_000_000_000
SIZE = (4, 3)


def header(seconds, frame_id="camera"):
    return Header(stamp=time_message(round(seconds * SECOND)), frame_id=frame_id)


def depth(metres, seconds, width=4, frame_id="camera"):
    pixels = np.full((3, width), metres, np.float32)
    return image_message(pixels, "32FC1", header(seconds, frame_id))


def info(focal=5.0, seconds=0.0, frame_id="camera", width=4, **more):
    k = [focal, 0, 2, 0, focal, 1, 0, 0, 1.0]
    return CameraInfo(header=header(seconds, frame_id), width=width, height=3, k=k, **more)


@pytest.fixture
def source():
    source = DepthSource()
    source.put_info(info())
    return source


def find(source, seconds, slop_s=0.03, **options):
    message = Image(header=header(seconds), height=3, width=4)
    source.put_image(message)
    source.expect(message.header)
    return source.find(message.header, SIZE, DepthOptions(slop_s, **options))


def test_the_exact_stamp_wins_over_a_nearer_arrival(source):
    for metres, seconds in ((1.0, 10.001), (2.0, 10.011), (3.0, 10.021)):
        source.put_depth(depth(metres, seconds))
    found = find(source, 10.011)
    assert isinstance(found, RegisteredDepth)
    assert found.depth_m[0, 0] == 2.0
    assert found.camera.fx == 5.0


def test_else_the_nearest_within_the_slop(source):
    source.put_depth(depth(1.0, 10.0))
    source.put_depth(depth(2.0, 10.05))
    assert find(source, 10.031).depth_m[0, 0] == 2.0
    late = find(source, 10.5)
    assert isinstance(late, NoDepth)
    assert late.status is DepthStatus.OUT_OF_SYNC
    assert "0.450 s" in late.reason


def test_depth_that_is_on_its_way_is_waited_for(source):
    source.put_depth(depth(1.0, 9.9))
    Timer(0.03, source.put_depth, [depth(2.0, 10.001)]).start()
    assert find(source, 10.001).depth_m[0, 0] == 2.0


def test_nobody_sends_depth(source):
    assert find(source, 10.0) == NoDepth(DepthStatus.NONE, "")


def test_depth_of_another_size_is_not_registered(source):
    source.put_depth(depth(1.0, 10.001, width=5))
    found = find(source, 10.001)
    assert found.status is DepthStatus.NOT_REGISTERED
    assert "5x3, the image 4x3" in found.reason


def test_depth_of_another_frame_is_not_registered(source):
    source.put_depth(depth(1.0, 10.001, frame_id="depth_camera"))
    assert find(source, 10.001).status is DepthStatus.NOT_REGISTERED


def test_its_own_camera_info_says_how_to_scale_it(source):
    # Twice the pixels along x alone: fx 10, cx 4.5, but fy and cy as they are.
    said = info(10.0, 10.001, width=8)
    said.k = [10.0, 0, 4.5, 0, 5.0, 1, 0, 0, 1.0]
    source.put_depth_info(said)
    source.put_depth(depth(1.0, 10.001, width=8))
    assert find(source, 10.001).depth_m.shape == (3, 4)


def test_without_camera_info_there_is_no_position():
    source = DepthSource()
    source.put_depth(depth(1.0, 10.001))
    assert "camera_info" in find(source, 10.001).reason


def test_camera_info_of_another_camera_is_refused_with_both_names():
    source = DepthSource()
    source.put_info(info(frame_id="wrist"))
    source.put_depth(depth(1.0, 10.001))
    found = find(source, 10.001)
    assert found.status is DepthStatus.CAMERA_MISMATCH
    assert "'wrist'" in found.reason
    assert "'camera'" in found.reason


def test_the_image_s_camera_info_is_not_the_latest_one(source):
    for number in range(4):
        seconds = 10.001 + number / 30
        source.put_info(info(5.0 + number, seconds))
        source.put_depth(depth(1.0, seconds))
    assert find(source, 10.001 + 2 / 30).camera.fx == 7.0


@pytest.mark.parametrize(
    ("model", "d", "sentence"),
    [
        ("plumb_bob", [0.1], "has 1 numbers, need 4 or 5"),
        ("plumb_bob", [0.1, 0.1, 0.1], "has 3 numbers, need 4 or 5"),
        ("plumb_bob", [float("nan")] * 5, "need finite numbers"),
        ("plumb_bob", [float("inf"), 0.0, 0.0, 0.0, 0.0], "need finite numbers"),
        ("equidistant", [0.1, 0.1], "has 2 numbers, need 4"),
        ("equidistant", [float("nan")] * 4, "need finite numbers"),
        ("rational_polynomial", [0.1] * 6, "has 6 numbers, need 8 or 12 or 14"),
        ("double_sphere", [0.1] * 5, "'double_sphere', need plumb_bob"),
    ],
)
def test_a_distortion_that_is_none_is_named(model, d, sentence):
    source = DepthSource()
    source.put_info(info(distortion_model=model, d=d))
    source.put_depth(depth(1.0, 10.001))
    found = find(source, 10.001)
    assert found.status is DepthStatus.NONE
    assert sentence in found.reason


def test_zeros_that_fill_up_the_distortion_are_no_distortion(source):
    source.put_info(info(seconds=10.001, distortion_model="plumb_bob", d=[0.1] * 5 + [0.0] * 3))
    source.put_depth(depth(1.0, 10.001))
    assert find(source, 10.001).camera.distortion == (0.1,) * 5


def test_after_clearing_nothing_is_left(source):
    source.put_depth(depth(1.0, 10.0))
    source.clear()
    assert find(source, 10.0).status is DepthStatus.NONE
