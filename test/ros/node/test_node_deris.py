"""The node with a DeRIS as a user has it: released names, formula weights."""

from dataclasses import replace

import numpy as np
from processes import running
from robot import mask_array
from tiny_deris import CONFIG, write_released

from evf_sam_ros.msg import SegmentationResult as R
from evf_sam_ros.ros.conversions import image_from_rgb


def ask(robot, folder, namespace, tmp_path, expression):
    """Start a node, ask its service about one picture; return its answer and what it logged."""
    picture = np.random.default_rng(5).integers(0, 255, (60, 80, 3), np.uint8)
    parameters = (f"model:={folder}", "device:=cpu")
    with (
        (tmp_path / "log").open("w+") as log,
        running("node.segmentation_node", *parameters, namespace=namespace, log=log) as process,
    ):
        robot.wait_until_active(process)
        answer = robot.segment(expression, image_from_rgb(picture, robot.header()))
        log.seek(0)
        return answer, log.read()


def test_it_finds_and_tells_the_condition_of_its_weights(robot_in, tmp_path):
    robot = robot_in("/deris")
    segmenter = replace(CONFIG.segmenter, score_threshold=1e-6)  # every query is an object
    folder = write_released(tmp_path / "sure", replace(CONFIG, segmenter=segmenter))
    answer, said = ask(robot, folder, "/deris", tmp_path, "all red mugs")
    assert answer.result.status == R.FOUND
    assert answer.result.objects
    assert mask_array(answer.mask).any()
    assert "CC BY-NC 4.0" in said
    assert "whatever has a mask counts as found" not in said


def test_it_says_no_by_itself(robot_in, tmp_path):
    robot = robot_in("/deris_no")
    folder = write_released(tmp_path / "doubtful", doubt=6.0)  # scores below 0.01, need 0.5
    answer, _ = ask(robot, folder, "/deris_no", tmp_path, "the red mug")
    assert answer.result.status == R.NOT_FOUND
    assert not mask_array(answer.mask).any()
