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

from evf_sam_ros.msg import SegmentationResult as R
from evf_sam_ros.perception.predictor import Segmentation, StageTimes
from evf_sam_ros.ros.answers import MAX_PARTS, Answerer
from evf_sam_ros.ros.commands import Command, expression_from
from evf_sam_ros.ros.depth_source import DepthSource
from evf_sam_ros.ros.parameters import NodeParameters

COMMAND = Command(id=7, text="the cup, please", expression="the cup", stamp=Time(sec=3))


class Scripted:
    """A model that does what it is told: returns a mask, or raises."""

    score_threshold = 0.5

    def __init__(self, *script):
        self.script = list(script)

    def __call__(self, image_rgb, prompts):
        step = self.script.pop(0)
        if isinstance(step, Exception):
            raise step
        found = np.array([bool(step.any())])
        score = np.array([0.75], np.float32)
        times = StageTimes(0.001, 0.002, 0.003, 0.004)
        return Segmentation(step[None], score, found, score, ((),), step[None] * 1.0, times)


def answerer(*script, **parameters):
    settings = NodeParameters(**{"min_mask_area_px": 4, **parameters})
    return Answerer(
        Scripted(*script), DepthSource(), lambda: settings, Clock(), get_logger("answers")
    )


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
    answer = answerer(mask((2, 3, 4, 6), (12, 20, 3, 3), (0, 0, 1, 2)))(image(), COMMAND, 1.0)
    result = answer.result
    assert (result.command_id, result.command, result.expression) == (7, COMMAND.text, "the cup")
    assert result.command_stamp.sec == 3
    assert result.score == 0.75
    # The speck of two pixels is below the least area: it is neither an object nor in the mask.
    assert [each.area for each in result.objects] == [24, 9]
    assert answer.mask.sum() == 33
    first = result.objects[0]
    assert (first.roi.x_offset, first.roi.y_offset, first.roi.width, first.roi.height) == (
        (3, 2, 6, 4)
    )
    assert (first.centroid_u, first.centroid_v) == (5.5, 3.5)


def test_a_mask_in_shreds_has_a_bounded_number_of_objects():
    shreds = mask(*((y, x, 2, 2) for y in range(0, 20, 3) for x in range(0, 30, 3)))
    assert len(answerer(shreds)(image(), COMMAND, 1.0).result.objects) == MAX_PARTS


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
        ("pick up the red mug, please", {}, "the red mug"),
        ("stop", {}, ""),
        ("stop", {"parse_commands": False}, "stop"),
        (" find the cup ", {"parse_commands": False}, "find the cup"),
        ("find the cup", {"semantic": True}, "[semantic] the cup"),
        ("stop", {"semantic": True}, ""),
    ],
)
def test_sentences_become_expressions_as_the_parameters_say(text, parameters, expression):
    assert expression_from(text, NodeParameters(**parameters)) == expression


@pytest.mark.parametrize("text", ["", "  ", "x" * 501])
@pytest.mark.parametrize("parse_commands", [True, False])
def test_sentences_without_words_or_end_are_refused(text, parse_commands):
    with pytest.raises(ValueError, match="command"):
        expression_from(text, NodeParameters(parse_commands=parse_commands))
