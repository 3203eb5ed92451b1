"""Which depth image goes with an image, and what is said if none does."""

import numpy as np
import pytest
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from evf_sam_ros.msg import SegmentationResult
from evf_sam_ros.ros.conversions import image_message
from evf_sam_ros.ros.node.depth_source import DepthSource, NoDepth, RegisteredDepth
from evf_sam_ros.ros.stamps import time_message

SECOND = 1_000_000_000


def depth(metres, seconds, width=4, frame_id="camera"):
    header = Header(stamp=time_message(round(seconds * SECOND)), frame_id=frame_id)
    return image_message(np.full((3, width), metres, np.float32), "32FC1", header)


def image(seconds):
    header = Header(stamp=time_message(round(seconds * SECOND)), frame_id="camera")
    return Image(header=header, height=3, width=4)


@pytest.fixture
def source():
    source = DepthSource()
    source.put_info(CameraInfo(width=4, height=3, k=[5.0, 0, 2, 0, 5.0, 1, 0, 0, 1.0]))
    return source


def find(source, seconds, slop_s=0.03):
    source.expect(image(seconds).header)
    return source.find(image(seconds), slop_s, False)


def test_the_exact_stamp_wins_over_a_nearer_arrival(source):
    for metres, seconds in ((1.0, 10.0), (2.0, 10.01), (3.0, 10.02)):
        source.put_depth(depth(metres, seconds))
    found = find(source, 10.01)
    assert isinstance(found, RegisteredDepth)
    assert found.depth_m[0, 0] == 2.0
    assert found.camera.fx == 5.0


def test_else_the_nearest_within_the_slop(source):
    source.put_depth(depth(1.0, 10.0))
    source.put_depth(depth(2.0, 10.05))
    assert find(source, 10.03).depth_m[0, 0] == 2.0
    late = find(source, 10.5)
    assert isinstance(late, NoDepth)
    assert late.status == SegmentationResult.OUT_OF_SYNC
    assert "0.450 s" in late.reason


def test_the_partner_of_the_image_at_work_stays_however_long_the_model_takes(source):
    source.expect(image(10.0).header)
    for number in range(100):  # its own comes right after it, as from most cameras
        source.put_depth(depth(1.0 + number, 10.0 + number / 30))
    assert source.find(image(10.0), 0.03, False).depth_m[0, 0] == 1.0
    source.expect(image(13.3).header)
    assert source.find(image(13.3), 0.03, False).depth_m[0, 0] == 100.0


def test_nobody_sends_depth(source):
    assert find(source, 10.0) == NoDepth(SegmentationResult.NONE, "")


def test_depth_of_another_size_is_not_registered(source):
    source.put_depth(depth(1.0, 10.0, width=5))
    found = find(source, 10.0)
    assert found.status == SegmentationResult.NOT_REGISTERED
    assert "5x3, the image 4x3" in found.reason


def test_depth_of_another_frame_is_not_registered(source):
    source.put_depth(depth(1.0, 10.0, frame_id="depth_camera"))
    assert find(source, 10.0).status == SegmentationResult.NOT_REGISTERED


def test_without_camera_info_there_is_no_position():
    source = DepthSource()
    source.put_depth(depth(1.0, 10.0))
    assert "camera_info" in find(source, 10.0).reason


def test_after_clearing_nothing_is_left(source):
    source.put_depth(depth(1.0, 10.0))
    source.clear()
    assert find(source, 10.0).status == SegmentationResult.NONE
