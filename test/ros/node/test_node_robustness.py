"""Harmful messages to the running node: it says what is wrong and answers the next image."""

import array
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from robot import Shot, mask_array
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header

from evf_sam_ros.msg import SegmentationResult as R
from evf_sam_ros.ros.cameras.sim_camera_node import depth_message
from evf_sam_ros.ros.conversions import image_message

PROCESSED = (R.FOUND, R.NOT_FOUND, R.AMBIGUOUS, R.LOW_CONFIDENCE)
TEXT = "the purple bottle"


@pytest.fixture
def scene(scenes):
    return scenes[0]


def sees_again(node, scene):
    return node.look(TEXT, lambda: node.shot(scene)).status in PROCESSED


@pytest.mark.parametrize(
    ("height", "width"),
    [
        (1, 1),
        (1, 640),
        (480, 1),
        (2160, 3840),
        pytest.param(4320, 7680, marks=pytest.mark.slow),
    ],
)
def test_an_image_of_any_size_gets_a_mask_of_that_size(node, scene, height, width):
    node.set(max_frame_age_s=0.0)
    pixels = np.full((height, width), 90, np.uint8)
    result = node.ask(TEXT, lambda: Shot(image_message(pixels, "mono8", node.header())))
    assert result.status == R.UNSUITABLE_IMAGE  # of one colour: processed, and named
    assert mask_array(node.with_stamp("mask", result.header.stamp)).shape == (height, width)
    assert sees_again(node, scene)


def test_depth_of_another_frame_is_not_registered(node, scene):
    node.set(score_threshold=0.0)

    def shoot():
        shot = node.shot(scene)
        header = Header(stamp=shot.image.header.stamp, frame_id="another_camera")
        return replace(shot, depth=depth_message(scene.depth_m, "32FC1", header))

    result = node.ask(TEXT, shoot)
    assert result.depth_status == R.NOT_REGISTERED
    assert "'another_camera'" in result.message


def test_a_camera_info_of_zeros_gives_no_position_and_says_why(node, scene):
    node.set(score_threshold=0.0)

    def shoot():
        shot = node.shot(scene)
        return replace(shot, info=CameraInfo(header=shot.image.header, height=480, width=640))

    node.ask(TEXT, lambda: node.shot(scene))
    node.forget()
    node.show(shoot())
    node.spin_for(0.5)
    result = node.look(TEXT, shoot)
    assert result.status in PROCESSED
    assert not any(each.has_position for each in result.objects)
    assert "not calibrated" in result.message
    node.forget()
    node.show(node.shot(scene))
    node.spin_for(0.5)
    assert node.look(TEXT, lambda: node.shot(scene)).depth_status == R.OK


@pytest.mark.parametrize("value", [np.inf, -np.inf, -1.0, 0.0, 1e30])
def test_depth_without_sense_is_no_reading(node, scene, value):
    node.set(score_threshold=0.0)

    def shoot():
        shot = node.shot(scene)
        depth_m = np.full_like(scene.depth_m, value)
        return replace(shot, depth=image_message(depth_m, "32FC1", shot.image.header))

    assert node.ask(TEXT, shoot).depth_status == R.TOO_SPARSE


def test_garbage_is_an_error_and_a_damaged_jpeg_is_told_from_a_whole_one(node, scene):
    cv2 = pytest.importorskip("cv2")
    good = cv2.imencode(".jpg", scene.rgb[..., ::-1])[1].tobytes()
    node.reactivate(image_transport="compressed")
    try:
        node.spin_until(node.is_connected)

        def compressed(data):
            return Shot(CompressedImage(header=node.header(), format="jpeg", data=data))

        for data in (b"", b"\xff\xd8 no jpeg", bytes(100_000), good[:20]):
            result = node.ask(TEXT, lambda data=data: compressed(data))
            assert result.status == R.ERROR
            assert "JPEG" in result.message
            assert not result.image_damaged
            node.forget()
        for data in (good[: len(good) // 2], good[:-300], good[:9000] + bytes(99) + good[9099:]):
            result = node.ask(TEXT, lambda data=data: compressed(data))
            assert result.status == R.UNSUITABLE_IMAGE
            assert result.message.startswith("image_damaged: ")
            assert result.image_damaged
            assert not result.objects
            node.forget()
        assert node.look(TEXT, lambda: compressed(good[:-2])).status in PROCESSED
        answered = node.look(TEXT, lambda: compressed(good))
        assert answered.status in PROCESSED
        assert not answered.image_damaged
    finally:
        node.reactivate(image_transport="raw")


@pytest.mark.parametrize(
    "text",
    [
        "🍎",
        "the 🍎 left of the ☕",
        "\x01\x02",
        "красная кружка",
        "'; DROP TABLE mugs; --",
        "(" * 400,
    ],
)
def test_no_sentence_is_too_odd_for_an_answer(node, scene, text):
    node.say(text)
    node.show(node.shot(scene))
    node.spin_until(lambda: [each for each in node.received["result"] if each.command])
    node.forget()
    assert node.ask(TEXT, lambda: node.shot(scene)).status in PROCESSED


def test_of_200_commands_in_a_second_the_last_one_is_followed(node, scene):
    for number in range(200):
        node.say(f"the red mug number {number}")
        time.sleep(0.004)
    assert node.ask(TEXT, lambda: node.shot(scene)).status in PROCESSED
    node.forget()
    result = node.look(TEXT, lambda: node.shot(scene))
    assert {each.command for each in node.received["result"]} == {TEXT}
    assert result.status in PROCESSED


def test_a_camera_that_stops_is_told_of_and_followed_again_when_it_returns(node, scene):
    node.ask(TEXT, lambda: node.shot(scene))
    node.forget()
    silent = node.result_with(R.STALE_FRAME)
    assert "is the camera running" in silent.message
    assert sees_again(node, scene)


# Sizes in which a whole image may still be sent many times a second.
SMALL = st.integers(0, 40)
UINT32 = st.integers(0, 2**32 - 1)
TEXTS = st.text(max_size=30)
ENCODINGS = st.sampled_from(["rgb8", "bgr8", "mono8", "mono16", "yuv422", "bayer_rggb8", "32FC1"])
DATA = st.binary(max_size=5000).map(lambda data: array.array("B", data))
HEADERS = st.builds(lambda frame_id: {"frame_id": frame_id}, TEXTS)
IMAGES = st.builds(
    Image,
    height=SMALL | UINT32,
    width=SMALL | UINT32,
    step=SMALL | UINT32,
    encoding=ENCODINGS | TEXTS,
    is_bigendian=st.integers(0, 255),
    data=DATA,
)
FLOATS = st.floats(allow_nan=True, allow_infinity=True)
INFOS = st.builds(
    CameraInfo,
    height=SMALL | UINT32,
    width=SMALL | UINT32,
    distortion_model=TEXTS,
    d=st.lists(FLOATS, max_size=14),
    k=st.lists(FLOATS, min_size=9, max_size=9),
    p=st.lists(FLOATS, min_size=12, max_size=12),
    binning_x=UINT32,
    binning_y=UINT32,
)


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    derandomize=True,
)
@given(image=IMAGES, depth=IMAGES, info=INFOS, frame_id=TEXTS, text=st.text(max_size=200))
def test_whatever_the_fields_hold_the_next_good_image_is_answered(
    node, scene, image, depth, info, frame_id, text
):
    header = node.header(frame_id=frame_id)
    image.header = depth.header = info.header = header
    node.forget()
    node.say(text)
    node.show(Shot(image, depth, info))
    node.show(Shot(image, depth, None))
    node.forget()
    assert node.ask(TEXT, lambda: node.shot(scene)).status in PROCESSED
