"""A known scene and a command in; mask, header and position out, between real processes."""

import numpy as np
import pytest
from packing import packed
from rclpy.qos import QoSProfile
from robot import Robot, Shot, mask_array, overlap
from sensor_msgs.msg import CompressedImage
from visualization_msgs.msg import Marker

from evf_sam_ros.msg import SegmentationResult as R
from evf_sam_ros.ros.conversions import IMAGE_ENCODINGS
from evf_sam_ros.sim.expressions import sample_expressions

RIGHT = 0.5  # of intersection over union: the object meant, not another one
GOOD = 0.7
ANSWERED = (R.FOUND, R.NOT_FOUND, R.AMBIGUOUS, R.LOW_CONFIDENCE)
POSITION_M = 0.025


def simple_expressions(scene, count):
    """Draw expressions such as "the red mug", each for one object."""
    rng = np.random.default_rng(scene.seed)
    expressions = sample_expressions(scene.objects, rng, 4 * count, mix={"attribute": 1.0})
    return [each for each in expressions if len(each.targets) == 1][:count]


@pytest.fixture(scope="module")
def answers(node_process, robot, scenes):
    """Ask three questions about each of the scenes: (scene, expression, shot, result, mask)."""
    robot.reset()
    collected = []
    for scene in scenes:
        for expression in simple_expressions(scene, 3):
            shots = []

            def shoot(scene=scene, shots=shots):
                shots.append(robot.shot(scene))
                return shots[-1]

            result = robot.ask(f"pick up {expression.text}, please", shoot)
            mask = robot.with_stamp("mask", result.header.stamp)
            shot = next(s for s in shots if s.image.header.stamp == result.header.stamp)
            collected.append((scene, expression, shot, result, mask))
    return collected


def test_most_simple_commands_get_the_mask_of_the_object_meant(answers):
    right = [
        overlap(mask_array(mask), scene.mask(expression.targets)) > RIGHT
        for scene, expression, _, _, mask in answers
    ]
    assert np.mean(right) > 0.5, [
        (expression.text, result.status) for _, expression, _, result, _ in answers
    ]


def test_a_right_mask_comes_with_the_position_of_the_visible_surface(answers):
    errors_m = []
    for scene, expression, _, result, mask in answers:
        if overlap(mask_array(mask), scene.mask(expression.targets)) < GOOD:
            continue
        assert result.depth_status == R.OK
        point = result.objects[0].position
        truth = scene.surface_centroid(expression.targets)
        errors_m.append(np.linalg.norm([point.x, point.y, point.z] - truth))
    assert errors_m
    assert max(errors_m) < POSITION_M


def test_results_and_masks_carry_the_header_of_their_image_unchanged(answers):
    for _, _, shot, result, mask in answers:
        assert result.header == mask.header == shot.image.header
        assert (mask.height, mask.width) == (shot.image.height, shot.image.width)


def test_the_centroid_is_the_first_object_s_position(answers, robot):
    found = [result for _, _, _, result, _ in answers if result.status == R.FOUND]
    assert found
    for result in found[-3:]:
        point = robot.with_stamp("centroid", result.header.stamp)
        assert point.header == result.header
        assert point.point == result.objects[0].position


def test_a_result_says_what_was_heard_and_how_long_it_took(answers):
    numbers = [result.command_id for *_, result, _ in answers]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    for _, expression, _, result, _ in answers:
        assert result.command == f"pick up {expression.text}, please"
        assert result.expression == expression.text
        assert 0 <= result.score <= 1
        parts = (result.preprocess, result.inference, result.postprocess)
        nanoseconds = [each.sec * 10**9 + each.nanosec for each in parts]
        assert min(nanoseconds) > 0
        assert sum(nanoseconds) < result.total.sec * 10**9 + result.total.nanosec


def test_objects_describe_their_part_of_the_mask(answers):
    for _, _, _, result, message in answers:
        mask = mask_array(message)
        if result.status != R.FOUND:
            assert not mask.any()
            continue
        assert sum(each.area for each in result.objects) == np.count_nonzero(mask)
        for each in result.objects:
            assert mask[round(each.anchor_v), round(each.anchor_u)]
            roi = each.roi
            window = np.s_[roi.y_offset :, roi.x_offset :]
            assert np.count_nonzero(mask[window][: roi.height, : roi.width]) >= each.area


def test_people_see_an_overlay_and_markers(node, scenes):
    scene = scenes[0]
    text = simple_expressions(scene, 1)[0].text
    result = node.ask(text, lambda: node.shot(scene))
    overlay = node.with_stamp("overlay", result.header.stamp)
    assert (overlay.encoding, overlay.height, overlay.width) == ("rgb8", 480, 640)
    drawn = np.frombuffer(overlay.data, np.uint8).reshape(480, 640, 3)
    assert (drawn != scene.rgb).any()

    def of_the_result():
        stamp = result.header.stamp
        return [m for m in node.received["markers"] if m.markers[0].header.stamp == stamp]

    markers = node.spin_until(of_the_result)[0].markers
    assert markers[0].action == Marker.DELETEALL
    assert len(markers) == 1 + 3 * sum(each.has_position for each in result.objects)


def test_words_the_model_does_not_know_are_named_and_nothing_is_found(node, scenes):
    result = node.ask("the purple zebra", lambda: node.shot(scenes[0]))
    assert result.status == R.NOT_FOUND
    assert "zebra" in result.message
    assert not result.objects
    assert not mask_array(node.with_stamp("mask", result.header.stamp)).any()


def test_without_depth_there_is_a_mask_but_no_position(node, scenes):
    node.set(use_depth=False)
    text = simple_expressions(scenes[0], 1)[0].text
    result = node.ask(text, lambda: node.shot(scenes[0], with_depth=False))
    assert result.depth_status == R.NONE
    assert not any(each.has_position for each in result.objects)


# What loses colour or sharpness may move the rim, or the answer itself.
LOSSLESS = ("rgb8", "bgr8", "rgba8", "bgra8", "8UC3")
COLOURED = ("yuv422", "uyvy", "yuv422_yuy2", "yuyv", *(e for e in IMAGE_ENCODINGS if "bayer" in e))


@pytest.fixture(scope="module")
def plain_mask(answers):
    """Choose the question whose answer has the largest mask: (scene, text, mask)."""
    scene, expression, _, _, mask = max(answers, key=lambda each: sum(each[4].data))
    return scene, expression.text, mask_array(mask)


@pytest.mark.parametrize("encoding", IMAGE_ENCODINGS)
@pytest.mark.parametrize("padding", [0, 7])
def test_each_encoding_is_seen_as_the_same_picture(node, plain_mask, encoding, padding):
    scene, text, expected = plain_mask

    def shoot():
        return Shot(packed(scene.rgb, encoding, node.header(), padding))

    result = node.ask(text, shoot)
    mask = mask_array(node.with_stamp("mask", result.header.stamp))
    assert result.status in ANSWERED, result.message
    if encoding in LOSSLESS:
        assert overlap(mask, expected) > 0.99
    elif encoding in COLOURED:
        assert overlap(mask, expected) > 0.7


@pytest.mark.parametrize("camera", ["best_effort", "reliable"])
@pytest.mark.parametrize("asked", ["best_effort", "reliable"])
def test_cameras_of_either_reliability_are_heard(node, scenes, camera, asked):
    if (camera, asked) == ("best_effort", "reliable"):
        pytest.skip("ROS does not connect these; the node warns")
    if asked == "reliable":
        node.reactivate(image_reliability=asked)
    # Under a name of its own: when one of two nodes of one name ends, ROS forgets what the other
    # publishes.
    other = Robot(image_qos=QoSProfile(depth=5), name="reliable") if camera == "reliable" else node
    try:
        other.spin_until(other.is_connected)
        result = other.ask("the red mug", lambda: other.shot(scenes[0]))
        assert result.status in ANSWERED
        assert result.depth_status != R.OUT_OF_SYNC
    finally:
        if other is not node:
            other.close()
        if asked == "reliable":
            node.reactivate(image_reliability="best_effort")


def test_compressed_images_are_read_when_asked_for(node, plain_mask):
    cv2 = pytest.importorskip("cv2")
    scene, text, expected = plain_mask
    data = cv2.imencode(".png", scene.rgb[..., ::-1])[1].tobytes()
    node.reactivate(image_transport="compressed")
    try:
        node.spin_until(node.is_connected)
        result = node.ask(
            text, lambda: Shot(CompressedImage(header=node.header(), format="png", data=data))
        )
        mask = mask_array(node.with_stamp("mask", result.header.stamp))
        assert overlap(mask, expected) > 0.99
    finally:
        node.reactivate(image_transport="raw")
