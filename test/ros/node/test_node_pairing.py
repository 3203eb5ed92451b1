"""A live camera whose stamps, camera_info or publishers are at odds: no position is ever wrong.

The wall that the simulated object stands before is moved farther away with each frame, so that a
position tells whose depth gave it.
"""

import struct

import cv2
import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from lifecycle_msgs.msg import Transition
from robot import BEST_EFFORT, Shot
from sensor_msgs.msg import CameraInfo, CompressedImage
from std_msgs.msg import Header

from evf_sam_ros.msg import SegmentationResult as R
from evf_sam_ros.ros.cameras.sim_camera_node import depth_message
from evf_sam_ros.ros.interface import installed_type
from evf_sam_ros.ros.stamps import nanoseconds, time_message

TEXT = "the purple bottle"
STEP_M = 0.05
SECOND = 1_000_000_000


@pytest.fixture
def scene(scenes):
    return scenes[0]


class Camera:
    """Shows one scene again and again, each time a step farther away."""

    def __init__(self, robot, scene):
        self.robot, self.scene, self.count = robot, scene, 0

    def shot(self, stamp=None):
        number = self.count
        self.count += 1
        shot = self.robot.shot(self.scene)
        if stamp is not None:
            header = shot.image.header  # of depth and camera_info, too
            header.stamp = time_message(stamp(nanoseconds(header.stamp)))
        moved = self.scene.depth_m + np.float32(STEP_M * number)
        depth = depth_message(moved, "32FC1", shot.depth.header)
        return Shot(shot.image, depth, shot.info)


def play(node, shots, period_s=0.1):
    """Show images; return the results that are about them, with the place of each one's shot."""
    node.say(TEXT)
    node.spin_for(0.2)
    for shot in shots:
        node.show(shot)
        node.spin_for(period_s)
    node.spin_for(1.0)
    return [result for result in node.received["result"] if result.command == TEXT]


def z_of(node, scene):
    """Return how far away the object is in the scene as it was rendered."""
    result = node.ask(TEXT, lambda: node.shot(scene))
    assert result.depth_status == R.OK, result.message
    node.forget()
    return result.objects[0].position.z


def positions(results):
    return [r for r in results if r.objects and r.objects[0].has_position]


@pytest.fixture
def finding(node):
    node.set(score_threshold=0.0, max_frame_age_s=0.0)
    return node


STAMPS = {
    "zero": lambda now: 0,
    "whole seconds": lambda now: now // SECOND * SECOND,
    "frozen": lambda now: 1_234_567_891,
}


@pytest.mark.parametrize("stamp", STAMPS.values(), ids=STAMPS)
def test_stamps_that_do_not_tell_frames_apart_give_a_mask_and_no_position(finding, scene, stamp):
    camera = Camera(finding, scene)
    results = play(finding, [camera.shot(stamp) for _ in range(15)])
    results = [r for r in results if r.status == R.FOUND]
    assert results
    told = [r for r in results if r.depth_status == R.STAMPS_NOT_DISTINCT]
    assert told
    assert "driver must stamp" in told[-1].message
    assert "max_frame_age_s" not in told[-1].message
    assert positions(results[3:]) == []


def test_an_image_without_a_stamp_is_not_sent_to_a_setting_that_ends_in_wrong_positions(
    node, scene
):
    camera = Camera(node, scene)
    result = node.ask(TEXT, lambda: camera.shot(STAMPS["zero"]))
    assert result.status == R.STALE_FRAME
    assert "max_frame_age_s" not in result.message


def test_one_depth_stamp_of_zero_costs_that_frame_and_no_other(finding, scene):
    base_m = z_of(finding, scene)
    camera = Camera(finding, scene)
    shots = [camera.shot() for _ in range(12)]
    for number, shot in enumerate(shots):
        now = nanoseconds(finding.header().stamp) + number * SECOND // 10
        shot.image.header.stamp = time_message(now)  # all three share the header
    shots[5].depth.header = Header(frame_id="camera")
    numbers = {nanoseconds(shot.image.header.stamp): n for n, shot in enumerate(shots)}
    results = play(finding, shots, period_s=0.25)
    stamps = [nanoseconds(r.header.stamp) for r in results]
    pairs = zip(stamps, results, strict=True)
    seen = {
        numbers[stamp]: result for stamp, result in pairs if stamp in numbers and result.objects
    }
    located = {n: r for n, r in seen.items() if r.objects[0].has_position}
    for number, result in located.items():
        assert result.objects[0].position.z == pytest.approx(base_m + STEP_M * number, abs=0.01)
    assert set(seen) - set(located) <= {5}
    assert max(located) > 5


def test_camera_info_of_another_camera_is_refused_with_both_frame_ids(finding, scene):
    def shoot():
        shot = finding.shot(scene)
        shot.info.header = replace_frame(shot.info.header, "wrist")
        return shot

    result = finding.ask(TEXT, shoot)
    assert (result.status, result.depth_status) == (R.FOUND, R.CAMERA_MISMATCH), result.message
    assert "'wrist', the image in 'camera'" in result.message
    assert not result.objects[0].has_position


def test_a_zoom_gives_each_image_the_camera_it_was_taken_with(finding, scene):
    plain = finding.ask(TEXT, lambda: finding.shot(scene)).objects[0].position
    finding.forget()
    stamps = {}

    def zoomed(number):
        shot = finding.shot(scene)
        if number % 2:
            shot.info.k[0] = shot.info.k[0] / 2  # half of fx: twice as far to the side
        stamps[nanoseconds(shot.image.header.stamp)] = number % 2
        return shot

    finding.say(TEXT)
    finding.spin_for(0.2)
    for number in range(12):
        finding.show(zoomed(number))
        finding.spin_for(0.1)
    finding.spin_for(1.0)
    located = positions(finding.received["result"])
    located = [r for r in located if nanoseconds(r.header.stamp) in stamps]
    assert {stamps[nanoseconds(r.header.stamp)] for r in located} == {0, 1}
    for result in located:
        times = 2 if stamps[nanoseconds(result.header.stamp)] else 1
        assert result.objects[0].position.x == pytest.approx(times * plain.x, abs=0.005)


@pytest.mark.parametrize(
    ("model", "d"),
    [
        ("plumb_bob", [0.1, 0.1, 0.1]),
        ("plumb_bob", [float("nan")] * 5),
        ("plumb_bob", [1e30, 1e30, 0.0, 0.0, 1e30]),
        ("equidistant", [0.1, 0.1]),
    ],
)
def test_a_distortion_that_opencv_dislikes_costs_the_position_and_not_the_mask(
    finding, scene, model, d
):
    def shoot():
        shot = finding.shot(scene)
        shot.info.distortion_model, shot.info.d = model, d
        return shot

    result = finding.ask(TEXT, shoot)
    assert result.status == R.FOUND
    assert result.objects[0].area > 0
    assert not result.objects[0].has_position
    assert "of camera_info" in result.message
    assert "error:" not in result.message


def test_aligned_depth_with_the_depth_camera_s_frame_id_is_taken_where_a_parameter_says_so(
    finding, scene
):
    def shoot():
        shot = finding.shot(scene)
        shot.depth.header = replace_frame(shot.depth.header, "camera_depth")
        return shot

    assert finding.ask(TEXT, shoot).depth_status == R.NOT_REGISTERED
    finding.forget()
    assert finding.set(depth_is_registered=True) == ""
    assert finding.look(TEXT, shoot).depth_status == R.OK


def replace_frame(header, frame_id):
    return type(header)(stamp=header.stamp, frame_id=frame_id)


def test_depth_of_half_the_size_is_scaled_by_its_own_camera_info(finding, scene):
    base = finding.ask(TEXT, lambda: finding.shot(scene)).objects[0].position
    finding.forget()
    own = finding.node.create_publisher(CameraInfo, "depth/camera_info", BEST_EFFORT)
    finding.spin_until(own.get_subscription_count, what="depth/camera_info to be heard")

    def shoot():
        shot = finding.shot(scene)
        header = shot.image.header
        half = CameraInfo(header=header, width=320, height=240, distortion_model="plumb_bob")
        k = np.array(shot.info.k).reshape(3, 3)
        middle = (k[:2, 2] + 0.5) / 2 - 0.5
        half.k = [k[0, 0] / 2, 0, middle[0], 0, k[1, 1] / 2, middle[1], 0, 0, 1.0]
        own.publish(half)
        return Shot(shot.image, depth_message(scene.depth_m[::2, ::2], "32FC1", header), shot.info)

    try:
        result = finding.ask(TEXT, shoot)
    finally:
        finding.node.destroy_publisher(own)
        finding.reactivate()  # forgets the depth camera
        finding.spin_until(finding.is_connected, what="the topics to be connected")
    assert result.depth_status == R.OK, result.message
    assert result.objects[0].position.z == pytest.approx(base.z, abs=0.01)
    assert result.objects[0].position.x == pytest.approx(base.x, abs=0.01)


def test_compressed_depth_is_read_in_its_float_form(node, scene):
    base = node.ask(TEXT, lambda: node.shot(scene)).objects[0].position
    compressed = node.node.create_publisher(CompressedImage, "depth/compressedDepth", BEST_EFFORT)
    a, b = 10100.0, -1009.0  # as the transport chooses them for 10 m
    steps = np.where(scene.depth_m > 0, a / np.maximum(scene.depth_m, 0.1) + b, 0)
    png = cv2.imencode(".png", steps.clip(0, 65534).astype(np.uint16))[1].tobytes()

    def shoot():
        shot = node.shot(scene)
        message = CompressedImage(header=shot.image.header)
        message.format = "32FC1; compressedDepth png"
        message.data = struct.pack("<iff", 0, a, b) + png
        compressed.publish(message)
        return Shot(shot.image, None, shot.info)

    node.reactivate(depth_transport="compressedDepth")
    try:
        node.spin_until(node.is_connected, what="the topics to be connected")
        node.spin_until(compressed.get_subscription_count, what="depth to be heard")
        node.ask(TEXT, shoot)  # when the very first image is answered depth may not have come
        node.forget()
        result = node.look(TEXT, shoot)
        assert result.depth_status == R.OK, result.message
        assert result.objects[0].position.z == pytest.approx(base.z, abs=0.01)
    finally:
        node.reactivate(depth_transport="raw")
        node.node.destroy_publisher(compressed)
        node.spin_until(node.is_connected, what="the topics to be connected")


def test_two_publishers_on_one_input_are_named_in_the_diagnostics(node, scene):
    said = []
    heard = node.node.create_subscription(DiagnosticArray, "/diagnostics", said.append, 10)
    second = node.node.create_publisher(CameraInfo, "camera_info", BEST_EFFORT)

    def camera():
        statuses = [each for array in said for each in array.status]
        return [each for each in statuses if each.name.endswith("camera")]

    def named():
        node.show(node.shot(scene))
        named = "2 publishers on /camera_info: /robot, /robot"
        return [each for each in camera() if named in each.message]

    try:
        [status, *_] = node.spin_until(named, what="the publishers to be named")
        assert status.level == DiagnosticStatus.WARN
    finally:
        node.node.destroy_publisher(second)
        node.node.destroy_subscription(heard)


def test_a_place_by_tf_without_its_package_is_refused_with_the_cure(node):
    if installed_type("tf2_msgs/TFMessage") is not None:
        pytest.skip("tf2_msgs is installed")
    assert node.change_state(Transition.TRANSITION_DEACTIVATE)
    try:
        assert node.set(register_depth_by_tf=True) == ""
        assert not node.change_state(Transition.TRANSITION_ACTIVATE)
    finally:
        assert node.set(register_depth_by_tf=False) == ""
        assert node.change_state(Transition.TRANSITION_ACTIVATE)
        node.spin_until(node.is_connected, what="the topics to be connected")
