"""Start, stop and failure of the processes; the simulated camera; simulated time."""

import numpy as np
import pytest
from lifecycle_msgs.msg import Transition
from processes import PATIENCE_S, running, start
from robot import Robot
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, Image

from evf_sam_ros.msg import SegmentationResult as R
from evf_sam_ros.ros.conversions import depth_from_image, intrinsics_from_info, rgb_from_image
from evf_sam_ros.ros.stamps import time_message
from evf_sam_ros.sim.scene import render_scene

ANSWERED = (R.FOUND, R.NOT_FOUND, R.AMBIGUOUS, R.LOW_CONFIDENCE)


def test_a_missing_model_is_one_sentence_and_can_be_mended(robot_in, scenes, tmp_path):
    robot = robot_in("/mended")
    with (
        (tmp_path / "log").open("w+") as log,
        running(
            "node.segmentation_node", "model:=/no/such/model", namespace="/mended", log=log
        ) as process,
    ):
        robot.wait_for_state("unconfigured", process)

        def said(words):
            log.seek(0)
            return words in log.read()

        robot.spin_until(lambda: said("Cannot load the model '/no/such/model'"))
        assert not said("Traceback")
        assert not robot.change_state(Transition.TRANSITION_CONFIGURE)
        assert robot.state() == "unconfigured"
        assert robot.set(model="default") == ""
        assert robot.change_state(Transition.TRANSITION_CONFIGURE)
        assert robot.change_state(Transition.TRANSITION_ACTIVATE)
        robot.spin_until(robot.is_connected)
        # A camera that is announced and silent is worth a warning that says what helps.
        robot.spin_until(lambda: said("A camera announces /mended/image"))
        assert said("FASTDDS_DEFAULT_PROFILES_FILE")
        assert robot.ask("the red mug", lambda: robot.shot(scenes[0])).status in ANSWERED
        assert robot.change_state(Transition.TRANSITION_DEACTIVATE)
        assert robot.change_state(Transition.TRANSITION_CLEANUP)
        assert robot.state() == "unconfigured"


def test_a_wrong_parameter_ends_the_start_with_one_sentence(tmp_path):
    with (tmp_path / "log").open("w+") as log:
        process = start("node.segmentation_node", "mode:=always", log=log)
        assert process.wait(PATIENCE_S) == 1
        log.seek(0)
        said = log.read()
    assert "error: mode is 'always', need one of once, stream, track" in said
    assert "Traceback" not in said


def test_a_clock_that_jumps_back_clears_command_and_images(robot_in, scenes):
    robot = robot_in("/replayed")
    clock = robot.node.create_publisher(Clock, "/clock", 10)

    def shoot(seconds):
        robot.simulated_s = seconds
        clock.publish(Clock(clock=time_message(round(seconds * 1e9))))
        robot.spin_for(0.1)
        return robot.shot(scenes[0])

    with running("node.segmentation_node", "use_sim_time:=true", namespace="/replayed") as process:
        robot.wait_until_active(process)
        robot.spin_until(clock.get_subscription_count)
        shoot(100.0)
        assert robot.ask("the red mug", lambda: shoot(100.0)).status in ANSWERED
        shoot(50.0)
        assert "jumped back" in robot.result_with(R.CANCELLED).message
        robot.forget()
        assert robot.ask("the red mug", lambda: shoot(50.0)).status in ANSWERED


@pytest.mark.parametrize("depth_encoding", ["32FC1", "16UC1"])
def test_the_simulated_camera_shows_its_scene_and_changes_it_with_the_seed(ros, depth_encoding):
    robot = Robot("/table")
    received = {"image": {}, "depth": {}, "camera_info": {}}
    for name, kind in (("image", Image), ("depth", Image), ("camera_info", CameraInfo)):
        kept = received[name]
        robot.node.create_subscription(
            kind,
            name,
            lambda message, kept=kept: kept.update({_key(message): message}),
            robot.camera_qos,
        )
    parameters = ("seed:=900004", f"depth_encoding:={depth_encoding}", "encoding:=bgr8")
    with running("cameras.sim_camera_node", *parameters, namespace="/table"):
        image, depth, info = _together(robot, received)
        scene = render_scene(900004)
        np.testing.assert_array_equal(rgb_from_image(image), scene.rgb)
        assert image.header == depth.header == info.header
        assert image.header.frame_id == "camera_color_optical_frame"
        error_m = np.abs(depth_from_image(depth) - scene.depth_m)
        assert np.nanmedian(error_m) < 0.01
        assert 0.5 < np.isfinite(error_m).mean() < 1.0
        camera = intrinsics_from_info(info, image.width, image.height, rectified=False)
        np.testing.assert_allclose(
            [camera.fx, camera.fy, camera.cx, camera.cy],
            scene.camera_matrix[[0, 1, 0, 1], [0, 1, 2, 2]],
        )
        assert robot.set("sim_camera", seed=900005) == ""
        other = render_scene(900005).rgb
        robot.spin_until(
            lambda: any((rgb_from_image(i) == other).all() for i in received["image"].values())
        )
    robot.close()


def _key(message):
    return (message.header.stamp.sec, message.header.stamp.nanosec)


def _together(robot, received):
    """Wait for an image, a depth image and a camera_info with one stamp."""

    def common():
        return set.intersection(*(set(each) for each in received.values()))

    stamp = min(robot.spin_until(common, what="three messages with one stamp"))
    return [received[name][stamp] for name in ("image", "depth", "camera_info")]
