"""Bad input and unusual requests: each gets a clear answer, and the next good image its own."""

import array

import numpy as np
import pytest
from lifecycle_msgs.msg import Transition
from robot import Shot, mask_array
from sensor_msgs.msg import Image
from std_srvs.srv import SetBool, Trigger

from evf_sam_ros.msg import SegmentationResult as R
from evf_sam_ros.ros.cameras.sim_camera_node import depth_message

ANSWERED = (R.FOUND, R.NOT_FOUND, R.AMBIGUOUS, R.LOW_CONFIDENCE)


@pytest.fixture
def scene(scenes):
    return scenes[0]


def sees_again(node, scene):
    """Show a good image for a new command."""
    return node.ask("the purple bottle", lambda: node.shot(scene)).status in ANSWERED


def broken(node, **changes):
    image = Image(header=node.header(), height=480, width=640, step=1920, encoding="rgb8")
    image.data = array.array("B", bytes(1920 * 480))
    for name, value in changes.items():
        setattr(image, name, value)
    return Shot(image)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"encoding": "nv99"}, "'nv99', need one of rgb8, bgr8"),
        ({"encoding": ""}, "'', need one of rgb8, bgr8"),
        ({"height": 0, "width": 0, "step": 0, "data": array.array("B")}, "0x0"),
        ({"data": array.array("B")}, "0 bytes"),
        ({"data": array.array("B", bytes(1000))}, "1000 bytes"),
        ({"step": 640}, "step is 640 bytes"),
        ({"height": 2**32 - 1, "width": 2**32 - 1}, "step is 1920 bytes"),
    ],
)
def test_a_broken_image_is_an_error_that_says_what_is_wrong(node, scene, changes, sentence):
    result = node.ask("the purple bottle", lambda: broken(node, **changes))
    assert result.status == R.ERROR
    assert sentence in result.message
    # The command is still followed: the next good image needs no new one.
    assert node.look("the purple bottle", lambda: node.shot(scene)).status in ANSWERED


@pytest.mark.parametrize("text", ["", "   ", "please", "x" * 10_000])
def test_a_command_without_meaning_is_rejected_with_a_reason(node, scene, text):
    node.say(text)
    result = node.result_with(R.COMMAND_REJECTED)
    assert result.command == text
    assert result.message
    assert sees_again(node, scene)


def test_a_rejected_command_leaves_the_active_one_alone(node, scene):
    node.ask("the purple bottle", lambda: node.shot(scene))
    node.say("")
    node.result_with(R.COMMAND_REJECTED)
    node.forget()
    assert node.look("the purple bottle", lambda: node.shot(scene)).status in ANSWERED


def test_depth_of_another_size_gives_a_mask_and_says_not_registered(node, scene):
    node.set(score_threshold=0.0)

    def shoot():
        shot = node.shot(scene)
        half = depth_message(scene.depth_m[::2, ::2], "16UC1", shot.image.header)
        return Shot(shot.image, half, shot.info)

    result = node.ask("the purple bottle", shoot)
    assert result.status == R.FOUND
    assert result.depth_status == R.NOT_REGISTERED
    assert "320x240" in result.message
    assert not result.objects[0].has_position
    node.forget()
    assert node.look("the purple bottle", lambda: node.shot(scene)).depth_status == R.OK


def test_depth_of_another_time_is_out_of_sync(node, scene):
    node.set(score_threshold=0.0)

    def shoot():
        shot, old = node.shot(scene), node.shot(scene, age_s=100.0)
        return Shot(shot.image, old.depth, shot.info)

    result = node.ask("the purple bottle", shoot)
    assert result.depth_status in (R.OUT_OF_SYNC, R.NONE)
    assert not result.objects[0].has_position


def test_depth_without_readings_is_too_sparse(node, scene):
    node.set(score_threshold=0.0)

    def shoot():
        shot = node.shot(scene)
        nothing = np.full_like(scene.depth_m, np.nan)
        return Shot(shot.image, depth_message(nothing, "32FC1", shot.image.header), shot.info)

    result = node.ask("the purple bottle", shoot)
    assert result.depth_status == R.TOO_SPARSE
    assert result.objects[0].depth_valid_ratio == 0
    assert "depth between 0.1 m and 10 m" in result.message


def test_an_old_image_is_stale(node, scene):
    result = node.ask("the purple bottle", lambda: node.shot(scene, age_s=5.0))
    assert result.status == R.STALE_FRAME
    assert "max_frame_age_s is 1" in result.message
    node.forget()
    node.set(max_frame_age_s=0.0)
    old = node.look("the purple bottle", lambda: node.shot(scene, age_s=5.0))
    assert old.status in ANSWERED


def test_an_image_from_the_future_is_stale_and_the_clocks_are_named(node, scene):
    result = node.ask("the purple bottle", lambda: node.shot(scene, age_s=-60.0))
    assert result.status == R.STALE_FRAME
    assert "ahead of the node's clock" in result.message


def test_a_command_without_new_images_is_answered_once_in_a_while(node):
    node.let_images_grow_old()
    node.say("the purple bottle")
    node.spin_until(lambda: node.received["result"])
    assert node.received["result"][0].status in (R.NO_FRAME, R.STALE_FRAME)
    node.spin_for(1.5)
    assert len(node.received["result"]) == 1


def test_a_command_expires(node, scene):
    node.set(command_ttl_s=1.0)
    node.ask("the purple bottle", lambda: node.shot(scene))
    expired = node.result_with(R.COMMAND_EXPIRED)
    assert expired.command == "the purple bottle"
    node.forget()
    node.show(node.shot(scene))
    node.spin_for(1.0)
    assert not node.received["result"]


def test_once_answers_a_command_once(node, scene):
    node.set(mode="once")
    node.let_images_grow_old()
    node.ask("the purple bottle", lambda: node.shot(scene))
    for _ in range(3):
        node.show(node.shot(scene))
        node.spin_for(0.3)
    assert len(node.received["result"]) == 1
    node.say("the blue mug")
    node.spin_until(lambda: node.received["result"][1:])
    assert node.received["result"][1].command == "the blue mug"


def test_the_threshold_decides_at_run_time(node, scene):
    node.set(score_threshold=1.0)
    assert node.ask("the purple bottle", lambda: node.shot(scene)).status == R.NOT_FOUND
    node.forget()
    node.set(score_threshold=0.0)
    assert node.look("the purple bottle", lambda: node.shot(scene)).status == R.FOUND


def test_a_mask_smaller_than_the_least_area_is_not_found(node, scene):
    node.set(score_threshold=0.0, min_mask_area_px=640 * 480)
    result = node.ask("the purple bottle", lambda: node.shot(scene))
    assert result.status == R.NOT_FOUND
    assert "min_mask_area_px" in result.message
    assert not mask_array(node.with_stamp("mask", result.header.stamp)).any()


def test_sentences_can_be_taken_as_they_are_and_prefixed(node, scene):
    node.set(parse_commands=False, semantic=True)
    result = node.ask("find the purple bottle", lambda: node.shot(scene))
    assert result.expression == "[semantic] find the purple bottle"


def test_a_rate_limits_the_work(node, scene):
    node.set(max_rate_hz=1.0)
    node.say("the purple bottle")
    for _ in range(20):
        node.show(node.shot(scene))
        node.spin_for(0.15)
    assert 1 <= len(node.received["result"]) <= 5


def test_cancel_ends_the_command_by_service_and_by_word(node, scene):
    assert not node.call(Trigger, "cancel").success
    for cancel in (lambda: node.call(Trigger, "cancel"), lambda: node.say("stop")):
        node.ask("the purple bottle", lambda: node.shot(scene))
        cancel()
        cancelled = node.result_with(R.CANCELLED)
        assert cancelled.command == "the purple bottle"
        node.forget()
        node.show(node.shot(scene))
        node.spin_for(1.0)
        assert not node.received["result"]


def test_a_prohibition_of_what_is_followed_ends_it_with_the_sentence(node, scene):
    node.ask("the purple bottle", lambda: node.shot(scene))
    node.say("don't touch the bottle")
    cancelled = node.result_with(R.CANCELLED)
    assert cancelled.command == "the purple bottle"
    assert "don't touch the bottle" in cancelled.message


def test_what_a_recogniser_writes_into_silence_leaves_the_command_followed(node, scene):
    node.ask("the purple bottle", lambda: node.shot(scene))
    for text in ("[BLANK_AUDIO]", "(music)", "you", "Thanks for watching!"):
        node.forget()
        node.say(text)
        assert node.result_with(R.COMMAND_REJECTED).command == text
    node.forget()
    node.show(node.shot(scene))
    node.spin_for(1.0)
    assert {result.command for result in node.received["result"]} == {"the purple bottle"}


def test_a_disabled_node_does_nothing_and_says_so(node, scene):
    node.ask("the purple bottle", lambda: node.shot(scene))
    assert node.call(SetBool, "enable", SetBool.Request(data=False)).success
    node.spin_for(0.5)
    node.forget()
    node.show(node.shot(scene))
    node.say("the blue mug")
    assert "disabled" in node.result_with(R.COMMAND_REJECTED).message
    node.spin_for(0.5)
    assert len(node.received["result"]) == 1
    assert node.call(SetBool, "enable", SetBool.Request(data=True)).success
    assert node.look("the purple bottle", lambda: node.shot(scene)).status in ANSWERED


def test_segment_answers_on_the_newest_image_and_on_the_caller_s_own(node, scene):
    node.show(node.shot(scene))
    node.spin_for(0.3)
    by_topic = node.segment("pick up the purple bottle")
    own = node.segment("pick up the purple bottle", node.shot(scene, age_s=100.0).image)
    for answer in (by_topic, own):
        assert answer.result.status in ANSWERED
        assert answer.result.expression == "the purple bottle"
        assert answer.mask.header == answer.result.header
        assert (answer.mask.height, answer.mask.width) == (480, 640)
    np.testing.assert_array_equal(mask_array(by_topic.mask), mask_array(own.mask))
    assert not node.received["result"]


def test_segment_refuses_with_a_reason(node, scene):
    assert node.segment("").result.status == R.COMMAND_REJECTED
    assert node.segment("stop").result.status == R.COMMAND_REJECTED
    wrong = node.segment("the purple bottle", broken(node, encoding="nv99").image)
    assert wrong.result.status == R.ERROR
    assert "nv99" in wrong.result.message
    assert not wrong.mask.data
    node.let_images_grow_old()
    assert node.segment("the purple bottle").result.status in (R.STALE_FRAME, R.NO_FRAME)
    assert sees_again(node, scene)


def test_parameters_are_refused_with_a_reason_or_take_effect(node):
    assert "one of once, stream, track" in node.set(mode="always")
    assert "clean up the node" in node.set(model="elsewhere")
    assert "deactivate" in node.set(image_reliability="reliable")
    assert "less than depth_max_m" in node.set(depth_min_m=20.0)


def test_an_inactive_node_says_so_and_works_again_when_active(node, scene):
    assert node.change_state(Transition.TRANSITION_DEACTIVATE)
    try:
        answer = node.segment("the purple bottle")
        assert answer.result.status == R.COMMAND_REJECTED
        assert "not active" in answer.result.message
        assert not node.call(SetBool, "enable", SetBool.Request(data=True)).success
    finally:
        assert node.change_state(Transition.TRANSITION_ACTIVATE)
        node.spin_until(node.is_connected)
    assert sees_again(node, scene)
