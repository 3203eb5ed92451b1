"""A model without calibration is calibrated by the node's own first images."""

import json
import os
import shutil
import subprocess
import sys
from itertools import cycle

import pytest
from diagnostic_msgs.msg import DiagnosticArray
from processes import PATIENCE_S
from robot import Robot

from evf_sam_ros.msg import SegmentationResult as R
from evf_sam_ros.perception.label_free import LEAST_PICTURES
from evf_sam_ros.perception.model_folder import model_folder

# The node, which takes few images and quickly.
NODE = f"""
import sys
from functools import partial
from evf_sam_ros.ros.node import self_calibration as module
from evf_sam_ros.ros.node.segmentation_node import SegmentationNode
from evf_sam_ros.ros.run import run
quick = partial(module.SelfCalibration, pictures={LEAST_PICTURES}, interval_s=0.1)
module.SelfCalibration = quick
sys.exit(run(SegmentationNode, None, SegmentationNode.start))
"""


@pytest.fixture
def uncalibrated(tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(model_folder(None), folder)
    document = json.loads((folder / "config.json").read_text())
    del document["decision"]
    (folder / "config.json").write_text(json.dumps(document))
    return folder


@pytest.fixture
def robot_of(ros, tmp_path, uncalibrated):
    """Start the node with the model that has no calibration; its cache starts empty."""
    robot = Robot("/own")
    command = [sys.executable, "-c", NODE, "--ros-args", "-r", "__ns:=/own"]
    options = {"model": uncalibrated, "max_frame_age_s": 0.0, "self_calibrate": "true"}
    command += [part for pair in options.items() for part in ("-p", f"{pair[0]}:={pair[1]}")]
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    process = subprocess.Popen(command, env=environment)
    try:
        robot.wait_until_active(process)
        yield robot
        process.terminate()
        assert process.wait(PATIENCE_S) == 0
    finally:
        process.kill()
        robot.close()


def calibrated_in(messages):
    """Return what the diagnostics say of the calibration, oldest first."""
    return [
        each.value
        for message in messages
        for status in message.status
        for each in status.values
        if each.key == "calibrated" and "own/" in status.name
    ]


def told_calibrated(robot):
    """Return a function that tells whether the diagnostics call the model calibrated by now."""
    told = []
    robot.node.create_subscription(DiagnosticArray, "/diagnostics", told.append, 10)
    return lambda: "True" in calibrated_in(told)


def test_the_first_images_calibrate_the_model_before_anything_is_asked(robot_of, scenes, tmp_path):
    robot, shots = robot_of, cycle(scenes)
    is_told = told_calibrated(robot)

    def is_calibrated():
        robot.show(robot.shot(next(shots)))
        robot.spin_for(0.2)
        return is_told()

    robot.spin_until(is_calibrated, what="diagnostics that say so")
    assert not robot.received["result"]
    [kept] = (tmp_path / "cache").rglob("calibrations/*.json")
    assert "decision" in json.loads(kept.read_text())
    assert robot.ask("the red mug", lambda: robot.shot(scenes[0])).calibrated


def test_commands_are_answered_meanwhile_and_their_answers_become_calibrated(robot_of, scenes):
    robot, shots = robot_of, cycle(scenes)
    assert not robot.ask("the red mug", lambda: robot.shot(scenes[0])).calibrated

    def is_calibrated():
        robot.show(robot.shot(next(shots)))
        robot.spin_for(0.2)
        return robot.received["result"][-1].calibrated

    robot.spin_until(is_calibrated, what="an answer of the calibrated model")
    statuses = {each.status for each in robot.received["result"]}
    assert statuses <= {R.FOUND, R.NOT_FOUND, R.AMBIGUOUS}
