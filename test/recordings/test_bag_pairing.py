"""Depth and camera of a recording's frames: their own, or a status that says why not."""

import struct
from contextlib import closing

import cv2
import numpy as np
import pytest
from written_bag import MS, write_bag

from evf_sam_ros.perception.depth_lookup import DepthOptions
from evf_sam_ros.perception.registration import Registration
from evf_sam_ros.recordings.frames import FrameReader
from evf_sam_ros.recordings.opening import open_recording
from evf_sam_ros.recordings.topics import choose, topics_of, with_frames

IMAGE, DEPTH, INFO = "/camera/image_raw", "/camera/depth/image_raw", "/camera/camera_info"
DEPTH_INFO = "/camera/depth/camera_info"
START = 1_700_000_000_000 * MS
WIDTH, HEIGHT = 32, 24
PICTURE = np.zeros((HEIGHT, WIDTH, 3), np.uint8)


def camera(focal=30.0, cx=15.5, cy=11.5):
    return [[focal, 0, cx], [0, focal, cy], [0, 0, 1]]


def taken(number):
    return START + number * 100 * MS


def depth_mm(number, shape=(HEIGHT, WIDTH)):
    """Frame n is n + 1 metres away."""
    return np.full(shape, 1000 * (number + 1), np.uint16)


def recorded(tmp_path, stamp, frames=8, period_ns=100 * MS, depth_stamp=None):
    """Record image, then depth; frame n arrives at START + n * period."""

    def fill(bag):
        for number in range(frames):
            at = START + number * period_ns
            bag.info(INFO, stamp(number, at), camera(), WIDTH, HEIGHT, at_ns=at)
            bag.image(IMAGE, stamp(number, at), PICTURE, at_ns=at + MS)
            told = (depth_stamp or stamp)(number, at)
            bag.image(DEPTH, told, depth_mm(number), "16UC1", at_ns=at + 2 * MS)

    return frames_of(write_bag(tmp_path / "bag", fill))


def frames_of(path, by_tf=False, **options):
    with closing(open_recording(path)) as reader:
        held = topics_of(reader)
        chosen = choose(held, "", "", "")
        chosen = with_frames(chosen, held) if by_tf else chosen
        return list(FrameReader(reader, chosen, DepthOptions(**options)))


def distances(frames):
    """Return each frame's depth in metres, or why it has none."""
    return [
        each.no_depth.status.value if each.no_depth else round(float(each.depth_m[5, 5]), 4)
        for each in frames
    ]


OWN = [float(number + 1) for number in range(8)]


def test_each_frame_has_its_own_depth(tmp_path):
    assert distances(recorded(tmp_path, lambda number, at: at)) == OWN


@pytest.mark.parametrize(
    ("stamp", "period_ns"),
    [
        (lambda number, at: 0, 100 * MS),
        (lambda number, at: START, 100 * MS),
        (lambda number, at: at // 1000 // MS * 1000 * MS, 66 * MS),
        (lambda number, at: at // 100 // MS * 100 * MS, 66 * MS),
    ],
    ids=["zero", "frozen", "whole seconds", "whole tenths at 15 Hz"],
)
def test_stamps_that_do_not_tell_frames_apart_give_no_position_and_say_so(
    tmp_path, stamp, period_ns
):
    frames = recorded(tmp_path, stamp, period_ns=period_ns)
    assert set(distances(frames)) == {"STAMPS_NOT_DISTINCT"}
    assert "driver must stamp" in frames[0].no_depth.reason
    assert {each.loop for each in frames} == {0}


@pytest.mark.parametrize("bad", [0, START + 3600 * 1000 * MS, START - 3600 * 1000 * MS])
@pytest.mark.parametrize("topic", ["image", "depth", "both"])
def test_one_bad_stamp_costs_its_frame_and_no_other(tmp_path, bad, topic):
    def good(number, at):
        return at

    def odd(number, at):
        return bad if number == 3 else at

    stamps = {"image": (odd, good), "depth": (good, odd), "both": (odd, odd)}[topic]
    frames = recorded(tmp_path, stamps[0], depth_stamp=stamps[1])
    found = distances(frames)
    assert found[:3] + found[4:] == OWN[:3] + OWN[4:]
    assert isinstance(found[3], str) or found[3] == OWN[3]
    assert {each.loop for each in frames} == {0}


def test_a_zoom_gives_each_image_the_camera_it_was_taken_with(tmp_path):
    def zooming(bag):
        for number in range(6):
            at = taken(number)
            bag.image(IMAGE, at, PICTURE)
            bag.image(DEPTH, at, depth_mm(0), "16UC1", at_ns=at + MS)
            # It is recorded after the next image: the newest one is another's.
            bag.info(INFO, at, camera(30.0 + number), WIDTH, HEIGHT, at_ns=at + 110 * MS)

    frames = frames_of(write_bag(tmp_path / "bag", zooming))
    assert [each.camera.fx for each in frames] == [30.0, 31.0, 32.0, 33.0, 34.0, 35.0]


def test_camera_info_of_another_camera_is_refused_with_both_frame_ids(tmp_path):
    def other(bag):
        for number in range(3):
            bag.image(IMAGE, taken(number), PICTURE)
            bag.info(INFO, taken(number), camera(), WIDTH, HEIGHT, frame_id="wrist")
            bag.image(DEPTH, taken(number), depth_mm(0), "16UC1")

    frames = frames_of(write_bag(tmp_path / "bag", other))
    assert distances(frames) == ["CAMERA_MISMATCH"] * 3
    assert "'wrist', the image in 'camera'" in frames[0].no_depth.reason


def smaller(bag, frame_id="camera", told=True):
    for number in range(3):
        at = taken(number)
        bag.info(INFO, at, camera(), WIDTH, HEIGHT)
        if told:
            half = camera(15.0, 7.5, 5.5)
            bag.info(DEPTH_INFO, at, half, WIDTH // 2, HEIGHT // 2, frame_id=frame_id)
        bag.image(IMAGE, at, PICTURE)
        depth = depth_mm(number, (HEIGHT // 2, WIDTH // 2))
        bag.image(DEPTH, at, depth, "16UC1", frame_id=frame_id)


def test_depth_of_half_the_size_is_scaled_where_its_camera_info_says_it_is_the_same_view(tmp_path):
    frames = frames_of(write_bag(tmp_path / "bag", smaller))
    assert distances(frames) == [1.0, 2.0, 3.0]
    assert frames[0].depth_m.shape == (HEIGHT, WIDTH)


def test_without_a_camera_info_of_its_own_it_is_refused(tmp_path):
    frames = frames_of(write_bag(tmp_path / "bag", lambda bag: smaller(bag, told=False)))
    assert distances(frames) == ["NOT_REGISTERED"] * 3


def test_from_another_place_it_is_registered_where_the_place_is_told(tmp_path):
    bag = write_bag(tmp_path / "bag", lambda bag: smaller(bag, "depth"))
    assert distances(frames_of(bag)) == ["NOT_REGISTERED"] * 3
    image_from_depth = np.eye(4)
    image_from_depth[2, 3] = 0.5  # the depth camera is half a metre before the image's
    registered = frames_of(bag, registration=Registration(image_from_depth=image_from_depth))
    assert distances(registered)[2] == 3.5


def test_its_place_is_taken_from_the_recording_s_transforms_where_that_is_wished(tmp_path):
    def placed(bag):
        smaller(bag, "depth")
        bag.stands(START, "base", "camera", (0, 0, 1))
        bag.stands(START, "base", "depth", (0, 0, 1.5))

    bag = write_bag(tmp_path / "bag", placed)
    assert distances(frames_of(bag)) == ["NOT_REGISTERED"] * 3
    assert distances(frames_of(bag, by_tf=True))[2] == 3.5


def test_a_recording_without_transforms_says_so(tmp_path):
    bag = write_bag(tmp_path / "bag", smaller)
    with pytest.raises(ValueError, match="has no /tf_static"):
        frames_of(bag, by_tf=True)


def test_aligned_depth_that_keeps_the_depth_camera_s_frame_id_is_taken_where_a_user_says_so(
    tmp_path,
):
    def aligned(bag):
        for number in range(3):
            bag.info(INFO, taken(number), camera(), WIDTH, HEIGHT)
            bag.image(IMAGE, taken(number), PICTURE)
            bag.image(DEPTH, taken(number), depth_mm(number), "16UC1", frame_id="depth")

    bag = write_bag(tmp_path / "bag", aligned)
    assert distances(frames_of(bag)) == ["NOT_REGISTERED"] * 3
    told = frames_of(bag, registration=Registration(is_registered=True))
    assert distances(told) == [1.0, 2.0, 3.0]


def test_compressed_depth_is_read_in_its_float_form(tmp_path):
    a, b = 10100.0, -1009.0  # as the transport chooses them for 10 m

    def compressed(bag):
        for number in range(3):
            steps = np.full((HEIGHT, WIDTH), a / (number + 1) + b).astype(np.uint16)
            data = struct.pack("<iff", 0, a, b) + cv2.imencode(".png", steps)[1].tobytes()
            bag.info(INFO, taken(number), camera(), WIDTH, HEIGHT)
            bag.image(IMAGE, taken(number), PICTURE)
            topic = f"{DEPTH}/compressedDepth"
            bag.compressed_depth(topic, taken(number), data, "32FC1; compressedDepth png")

    found = distances(frames_of(write_bag(tmp_path / "bag", compressed)))
    assert found == pytest.approx([1.0, 2.0, 3.0], abs=0.002)
