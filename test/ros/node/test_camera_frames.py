"""The place of the camera at an image's stamp: late ones are waited for, missing ones told."""

import threading
from types import SimpleNamespace

import numpy as np
import pytest
from rclpy.clock import Clock
from rclpy.logging import get_logger
from std_msgs.msg import Header

from evf_sam_ros.ros.node import camera_frames
from evf_sam_ros.ros.parameters import NodeParameters
from evf_sam_ros.ros.stamps import time_message

SECOND = 1_000_000_000
NOW = 1_700_000_000 * SECOND


def step(parent, child, stamp_ns, x=0.0):
    stamp = time_message(stamp_ns)
    place = SimpleNamespace(
        translation=SimpleNamespace(x=x, y=0.0, z=0.0),
        rotation=SimpleNamespace(x=0.0, y=0.0, z=0.0, w=1.0),
    )
    each = SimpleNamespace(
        header=SimpleNamespace(frame_id=parent, stamp=stamp), child_frame_id=child, transform=place
    )
    return SimpleNamespace(transforms=[each])


def image(at_ns=NOW):
    return Header(stamp=time_message(at_ns), frame_id="camera")


@pytest.fixture
def made():
    """Make frames that hear what the test puts, and count how often they wait."""

    def make(heard=True, **parameters):
        settings = NodeParameters(**{"tf_timeout_s": 0.05, **parameters})
        node = SimpleNamespace(get_clock=lambda: Clock(), get_logger=lambda: get_logger("frames"))
        known = camera_frames.CameraFrames(node, lambda: settings)
        known._ended = False
        if heard:
            known._listener = SimpleNamespace(destroy=lambda: None)
        known.waits = 0
        wait_for = known._news.wait_for

        def counted(*arguments):
            known.waits += 1
            return wait_for(*arguments)

        known._news.wait_for = counted
        return known

    return make


def test_without_a_frame_to_ask_for_nothing_is_looked_up(made):
    known = made()
    assert known.place(image()) is camera_frames.UNPLACED


def test_a_transform_that_is_there_is_taken_at_the_image_s_stamp(made):
    known = made(target_frame="map", gravity_frame="map")
    known._put(step("map", "camera", NOW - SECOND, x=1.0), False)
    known._put(step("map", "camera", NOW + SECOND, x=3.0), False)
    placement = known.place(image())
    assert placement.target_from_image[0, 3] == pytest.approx(2.0)
    np.testing.assert_allclose(placement.up, [0, 0, 1])
    assert (placement.status, known.waits) == ("", 0)


def test_a_transform_that_arrives_late_is_waited_for(made):
    known = made(target_frame="map", tf_timeout_s=10.0)
    known._put(step("map", "camera", NOW - SECOND, x=1.0), False)
    later = threading.Timer(0.05, known._put, [step("map", "camera", NOW + SECOND, x=3.0), False])
    later.start()
    placement = known.place(image())
    later.join()
    assert placement.target_from_image[0, 3] == pytest.approx(2.0)


def test_what_was_waited_for_in_vain_is_not_waited_for_again_before_there_is_news(made):
    known = made(target_frame="map")
    known._put(step("map", "camera", NOW - SECOND), False)
    for number in range(5):
        placement = known.place(image(NOW + number))
        assert "the newest transform of 'camera' in 'map' is" in placement.status
    assert known.waits == 1
    known._put(step("map", "camera", NOW - SECOND // 2), False)
    known.place(image())
    assert known.waits == 2


def test_an_image_from_before_the_first_transform_is_not_waited_for(made):
    known = made(target_frame="map")
    known._put(step("map", "camera", NOW + SECOND), False)
    assert "newer than the image" in known.place(image()).status
    assert known.waits == 0


def test_the_end_of_the_work_ends_the_waiting(made):
    known = made(target_frame="map", tf_timeout_s=10.0)
    ends = threading.Timer(0.05, known.stop)
    ends.start()
    assert known.place(image()).target_from_image is None
    ends.join()


def test_one_frame_that_is_missing_does_not_take_the_other(made):
    known = made(target_frame="base", gravity_frame="nowhere")
    known._put(step("base", "camera", 0, x=4.0), True)
    placement = known.place(image())
    assert placement.target_from_image[0, 3] == 4
    assert placement.up is None
    assert placement.status.startswith("no transform from 'camera' to 'nowhere' at")


def test_without_its_package_the_status_says_so_and_nothing_waits(made, monkeypatch):
    monkeypatch.setattr(camera_frames, "installed_type", lambda name: None)
    known = made(heard=False, target_frame="map")
    assert "tf2_msgs is not installed" in known.place(image()).status
    assert known.waits == 0


def test_an_image_without_a_stamp_is_told(made):
    known = made(target_frame="map")
    known._put(step("map", "camera", NOW), False)
    assert "the image has no stamp (0)" in known.place(image(0)).status
