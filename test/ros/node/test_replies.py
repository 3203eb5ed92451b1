"""One image and one command to one answer, with models that misbehave."""

import array

import numpy as np
import pytest
import torch
from builtin_interfaces.msg import Time
from rclpy.clock import Clock
from rclpy.logging import get_logger
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from evf_sam_ros.language.requests import MAX_OBJECTS
from evf_sam_ros.msg import SegmentationResult as R
from evf_sam_ros.perception.camera_model import Intrinsics
from evf_sam_ros.perception.instances import MAX_OBJECTS as MAX_PARTS
from evf_sam_ros.perception.predictor import Segmentation, StageTimes
from evf_sam_ros.ros.node.command import Command, expressions_from
from evf_sam_ros.ros.node.depth_source import DepthSource, RegisteredDepth
from evf_sam_ros.ros.node.observer import Observer
from evf_sam_ros.ros.parameters import NodeParameters

COMMAND = Command(id=7, text="the cup, please", expression="the cup", stamp=Time(sec=3))
CUPS = Command(id=7, text="all cups, please", expression="all cups", stamp=Time(sec=3))


class Scripted:
    """A model that does what it is told: returns a mask, or raises."""

    score_threshold = 0.5

    def __init__(self, *script, score=0.75):
        self.script = list(script)
        self.score = score

    def __call__(self, image_rgb, prompts, *, score_threshold=None):
        score_threshold = self.score_threshold if score_threshold is None else score_threshold
        step = self.script.pop(0)
        if isinstance(step, Exception):
            raise step
        masks = np.stack([step])
        assert len(masks) == len(prompts)
        found = masks.any(axis=(1, 2)) & (self.score >= score_threshold)
        score = np.array([self.score], np.float32)
        times = StageTimes(0.001, 0.002, 0.003, 0.004)
        shown = masks & found[:, None, None]
        return Segmentation(shown, score, found, score, ((),), masks * 1.0, times, proposed=masks)


def answerer(*script, score=0.75, **parameters):
    settings = NodeParameters(**{"min_mask_area_px": 4, **parameters})
    several = Observer(
        Scripted(*script, score=score),
        DepthSource(),
        lambda: settings,
        Clock(),
        get_logger("answers"),
    )

    def answer(frame, command, max_age_s):
        return several.answers(several.look(frame, [command], max_age_s))[0]

    return answer


def image():
    header = Header(stamp=Clock().now().to_msg(), frame_id="camera")
    message = Image(header=header, height=20, width=30, step=90, encoding="rgb8")
    message.data = array.array("B", bytes(20 * 90))
    return message


def mask(*boxes):
    drawn = np.zeros((20, 30), bool)
    for y, x, height, width in boxes:
        drawn[y : y + height, x : x + width] = True
    return drawn


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (RuntimeError("a kernel failed"), "RuntimeError: a kernel failed"),
        (ValueError("the prompt is odd"), "the prompt is odd"),
        (MemoryError(), "MemoryError: "),
        (torch.OutOfMemoryError("out of memory"), "OutOfMemoryError: out of memory"),
        (ZeroDivisionError("by zero"), "ZeroDivisionError: by zero"),
    ],
)
def test_whatever_the_model_raises_is_an_error_and_the_next_image_is_answered(error, message):
    answer = answerer(error, mask((5, 5, 4, 4)))
    failed = answer(image(), COMMAND, 1.0)
    assert (failed.result.status, failed.result.message) == (R.ERROR, message)
    assert failed.mask is None
    assert answer(image(), COMMAND, 1.0).result.status == R.FOUND


def test_an_answer_repeats_the_command_and_measures_the_parts_of_the_mask():
    answer = answerer(mask((2, 3, 4, 6), (12, 20, 3, 3), (0, 0, 1, 2)))(image(), CUPS, 1.0)
    result = answer.result
    assert (result.command_id, result.command, result.expression) == (7, CUPS.text, "all cups")
    assert result.command_stamp.sec == 3
    assert result.score == 0.75
    # The speck of two pixels is below the least area: it is neither an object nor in the mask.
    assert [each.area for each in result.objects] == [24, 9]
    assert [each.label for each in result.objects] == [1, 2]
    assert answer.mask.sum() == 33
    first = result.objects[0]
    assert (first.roi.x_offset, first.roi.y_offset, first.roi.width, first.roi.height) == (
        (3, 2, 6, 4)
    )
    assert (first.centroid_u, first.centroid_v) == (5.5, 3.5)


def test_a_mask_in_shreds_has_a_bounded_number_of_objects():
    shreds = mask(*((y, x, 2, 2) for y in range(0, 20, 3) for x in range(0, 30, 3)))
    assert len(answerer(shreds)(image(), CUPS, 1.0).result.objects) == MAX_PARTS


def test_several_objects_for_one_are_candidates_and_nothing_to_act_on():
    answer = answerer(mask((2, 3, 6, 6), (12, 20, 5, 5)))(image(), COMMAND, 1.0)
    assert answer.result.status == R.AMBIGUOUS
    assert "2 cups: the left one, the right one" in answer.result.message
    assert [each.area for each in answer.result.objects] == [36, 25]
    assert not answer.mask.any()


def test_one_object_in_unequal_parts_is_one_object():
    answer = answerer(mask((2, 3, 6, 6), (12, 20, 2, 3)))(image(), COMMAND, 1.0)
    assert answer.result.status == R.FOUND
    assert [each.area for each in answer.result.objects] == [42]


@pytest.mark.parametrize(
    ("score", "threshold", "status"),
    [
        (0.45, -1.0, R.LOW_CONFIDENCE),
        (0.35, -1.0, R.NOT_FOUND),
        (0.45, 0.5, R.NOT_FOUND),  # a person's threshold is a clear line
        (0.55, -1.0, R.FOUND),
    ],
)
def test_a_score_just_below_the_model_s_threshold_is_told_and_not_acted_on(
    score, threshold, status
):
    answer = answerer(mask((5, 5, 4, 4)), score=score, score_threshold=threshold)
    answer = answer(image(), COMMAND, 1.0)
    assert answer.result.status == status
    assert answer.result.score == pytest.approx(score)
    assert len(answer.result.objects) == (status in (R.FOUND, R.LOW_CONFIDENCE))
    assert answer.mask.any() == (status == R.FOUND)


def test_nothing_found_has_an_empty_mask_of_the_image_s_size():
    answer = answerer(mask())(image(), COMMAND, 1.0)
    assert answer.result.status == R.NOT_FOUND
    assert answer.mask.shape == (20, 30)
    assert not answer.mask.any()


def test_no_age_is_too_old_without_a_limit():
    old = image()
    old.header.stamp = Time(sec=1)
    answer = answerer(mask((5, 5, 4, 4)))
    assert answer(old, COMMAND, 1.0).result.status == R.STALE_FRAME
    assert answer(old, COMMAND, 0.0).result.status == R.FOUND


def test_an_image_without_a_stamp_says_so():
    unstamped = image()
    unstamped.header.stamp = Time()
    assert "no stamp" in answerer()(unstamped, COMMAND, 1.0).result.message


@pytest.mark.parametrize(
    ("text", "parameters", "expression"),
    [
        ("pick up the red mug, please", {}, ["the red mug"]),
        ("the red mug; the bowl", {}, ["the red mug", "the bowl"]),
        ("stop", {}, []),
        ("stop", {"parse_commands": False}, ["stop"]),
        (" find the cup ", {"parse_commands": False}, ["find the cup"]),
        ("a cup; a mug;", {"parse_commands": False}, ["a cup", "a mug"]),
        ("a cup;a cup", {"parse_commands": False}, ["a cup"]),
        ("find the cup", {"semantic": True}, ["[semantic] the cup"]),
        ("stop", {"semantic": True}, []),
    ],
)
def test_sentences_become_expressions_as_the_parameters_say(text, parameters, expression):
    assert expressions_from(text, NodeParameters(**parameters)) == expression


def test_a_correction_is_of_what_is_being_looked_for():
    parameters = NodeParameters(semantic=True)
    said = expressions_from("no, the blue one", parameters, ["[semantic] the red mug"])
    assert said == ["[semantic] the blue mug"]


def test_a_prohibition_cancels_whichever_of_the_followed_it_means():
    followed = ["the red mug", "the bowl"]
    assert expressions_from("don't touch the red mug", NodeParameters(), followed) == []
    with pytest.raises(ValueError, match="says what not to do"):
        expressions_from("don't touch the knife", NodeParameters(), followed)


def test_more_objects_than_a_robot_can_look_for_are_refused():
    many = "; ".join(f"cup {number}" for number in range(MAX_OBJECTS + 1))
    with pytest.raises(ValueError, match=f"at most {MAX_OBJECTS}"):
        expressions_from(many, NodeParameters(parse_commands=False))


@pytest.mark.parametrize("text", ["", "  ", ";", "x" * 501])
@pytest.mark.parametrize("parse_commands", [True, False])
def test_sentences_without_words_or_end_are_refused(text, parse_commands):
    with pytest.raises(ValueError, match="command"):
        expressions_from(text, NodeParameters(parse_commands=parse_commands))


class GivenDepth:
    """A depth source that has the same depth for every image."""

    def __init__(self, depth_m):
        camera = Intrinsics(30.0, 30.0, 15.0, 10.0)
        self.depth = RegisteredDepth(np.full((20, 30), depth_m, np.float32), camera)

    def expect(self, *_):
        pass

    def find(self, *_):
        return self.depth


@pytest.mark.parametrize(
    ("box", "cut_off"),
    [
        ((5, 5, 6, 8), False), ((0, 5, 6, 8), True), ((14, 5, 6, 8), True), ((5, 0, 6, 8), True),
        ((5, 22, 6, 8), True),
    ],
)  # fmt: skip
def test_an_object_at_the_images_border_is_said_to_be_cut_off(box, cut_off):
    (found,) = answerer(mask(box))(image(), COMMAND, 1.0).result.objects
    assert found.cut_off is cut_off


@pytest.mark.parametrize(
    ("up", "upright"),
    [([0.0, 0.0, 0.0], False), ([0.0, -1.0, 0.0], True), ([0.0, -0.6, -0.8], True)],
)
def test_a_box_says_whether_it_stands_upright(up, upright):
    parameters = NodeParameters(min_mask_area_px=4, up=up)
    looking = Observer(
        Scripted(mask((5, 5, 6, 8))), GivenDepth(2.0), lambda: parameters, Clock(),
        get_logger("boxes"),
    )  # fmt: skip
    [answer] = looking.answers(looking.look(image(), [COMMAND], 0.0))
    (found,) = answer.result.objects
    assert found.has_position
    assert found.box_upright is upright
    turned = found.orientation
    has_camera_axes = (turned.x, turned.y, turned.z, turned.w) == (0, 0, 0, 1)
    assert has_camera_axes is not upright
    if not upright:  # from the first of 6 columns, without the rim, to the last, 2 m away
        assert found.size.x == pytest.approx(5 / 30 * 2)


@pytest.mark.parametrize(
    ("depth_m", "limits", "is_located"),
    [
        (20.0, {}, False),
        (20.0, {"depth_max_m": 30.0}, True),
        (4.0, {"depth_max_m": 3.0}, False),
        (0.05, {}, False),
        (0.05, {"depth_min_m": 0.01}, True),
        (0.5, {"depth_min_m": 0.6}, False),
    ],
)
def test_positions_come_of_readings_within_the_limits_of_the_parameters(
    depth_m, limits, is_located
):
    parameters = NodeParameters(min_mask_area_px=4, **limits)
    looking = Observer(
        Scripted(mask((5, 5, 10, 10))),
        GivenDepth(depth_m),
        lambda: parameters,
        Clock(),
        get_logger("limits"),
    )
    [answer] = looking.answers(looking.look(image(), [COMMAND], 0.0))
    [found] = answer.result.objects
    assert found.has_position == is_located
    assert answer.result.depth_status == (R.OK if is_located else R.TOO_SPARSE)
    if is_located:
        assert found.position.z == pytest.approx(depth_m)
