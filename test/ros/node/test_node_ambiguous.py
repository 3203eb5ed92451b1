"""Two things fit words that mean one: what travels over the topics then."""

import subprocess
import sys

import numpy as np
import pytest
from processes import PATIENCE_S
from robot import Robot, mask_array

from evf_sam_ros.msg import SegmentationResult as R

# The node with a model to which everything is a pair of squares, whatever it is asked for.
NODE = """
import sys
import numpy as np
from evf_sam_ros.engines.engine import PlainEngine
from evf_sam_ros.perception.predictor import Segmentation, StageTimes
from evf_sam_ros.ros.run import run
from evf_sam_ros.ros.node.segmentation_node import SegmentationNode

class Pair:
    score_threshold = None
    name, device, precision, engine = "pair", "cpu", "fp32", PlainEngine

    def __call__(self, image_rgb, prompts, **_):
        masks = np.zeros((len(prompts), *image_rgb.shape[:2]), bool)
        masks[:, 100:200, 100:200] = masks[:, 300:390, 400:490] = True
        ones = np.ones(len(prompts), np.float32)
        times = StageTimes(0.0, 0.0, 0.0, 0.0)
        return Segmentation(masks, ones, ones > 0, ones, ((),) * len(prompts), masks * 1.0, times)

sys.exit(run(lambda: SegmentationNode(load=lambda *_, **__: Pair()), None, SegmentationNode.start))
"""


@pytest.fixture
def robot_before_two(ros):
    robot = Robot("/pair")
    command = [sys.executable, "-c", NODE, "--ros-args", "-r", "__ns:=/pair"]
    # On a busy machine an image may take longer than its usual age to arrive.
    process = subprocess.Popen([*command, "-p", "max_frame_age_s:=0.0"])
    try:
        robot.wait_until_active(process)
        yield robot
        process.terminate()
        assert process.wait(PATIENCE_S) == 0
    finally:
        process.kill()
        robot.close()


def labels_of(message):
    return np.frombuffer(message.data, "<u2").reshape(message.height, message.width)


def test_two_that_fit_are_told_as_candidates_and_nothing_is_to_be_grasped(
    robot_before_two, scenes
):
    robot = robot_before_two
    result = robot.ask("the mug", lambda: robot.shot(scenes[0]))
    assert result.status == R.AMBIGUOUS
    assert "2 mugs: the left one, the right one" in result.message
    assert [each.area for each in result.objects] == [100 * 100, 90 * 90]
    assert not mask_array(robot.with_stamp("mask", result.header.stamp)).any()
    labels = labels_of(robot.with_stamp("label_mask", result.header.stamp))
    assert [np.count_nonzero(labels == each.label) for each in result.objects] == [10000, 8100]
    for place in ("centroid", "pose", "object_points"):
        assert not robot.received[place]


def test_who_asks_for_all_gets_them_all(robot_before_two, scenes):
    robot = robot_before_two
    result = robot.ask("all the mugs", lambda: robot.shot(scenes[0]))
    assert (result.status, len(result.objects)) == (R.FOUND, 2)
    mask = mask_array(robot.with_stamp("mask", result.header.stamp))
    assert np.count_nonzero(mask) == 10000 + 8100
    assert robot.with_stamp("centroid", result.header.stamp).point == result.objects[0].position


def test_the_left_one_said_next_picks_among_them(robot_before_two, scenes):
    robot = robot_before_two
    robot.ask("the mug", lambda: robot.shot(scenes[0]))
    result = robot.ask("the left one, please", lambda: robot.shot(scenes[0]))
    assert (result.status, result.expression) == (R.FOUND, "the mug")
    assert [each.area for each in result.objects] == [100 * 100]
    assert np.count_nonzero(mask_array(robot.with_stamp("mask", result.header.stamp))) == 100 * 100
    other = robot.ask("no, the right one", lambda: robot.shot(scenes[0]))
    assert [each.area for each in other.objects] == [90 * 90]
