"""The parameter `engine`: what runs the model, between real processes."""

from contextlib import contextmanager
from importlib.util import find_spec

import pytest
from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.msg import Transition
from processes import PATIENCE_S, running

from evf_sam_ros.msg import SegmentationResult as R


def words(log):
    """Return what the node has said so far."""
    log.seek(0)
    return log.read()


@contextmanager
def engine_told(robot, node):
    """Follow /diagnostics; yield what returns the engine that answered last, by its report."""
    told = [""]

    def keep(array):
        for status in array.status:
            if status.name == f"{node}: model":
                told[0] = next((p.value for p in status.values if p.key == "engine"), "")

    subscription = robot.node.create_subscription(DiagnosticArray, "/diagnostics", keep, 10)
    try:
        yield lambda: told[0]
    finally:
        robot.node.destroy_subscription(subscription)


def answered(robot, scene):
    status = robot.ask("the red mug", lambda: robot.shot(scene)).status
    return status in (R.FOUND, R.NOT_FOUND, R.AMBIGUOUS, R.LOW_CONFIDENCE)


@pytest.mark.skipif(not find_spec("openvino"), reason="pip install 'evf_sam_ros[openvino]'")
def test_a_node_answers_while_openvino_is_made_ready_and_after_that(
    robot_in, scenes, tiny, tmp_path, monkeypatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    robot = robot_in("/warming")
    parameters = (f"model:={tiny}", "engine:=warming", "device:=cpu")
    with (
        (tmp_path / "log").open("w+") as log,
        running("node.segmentation_node", *parameters, namespace="/warming", log=log) as process,
        engine_told(robot, "warming/evf_sam") as engine,
    ):
        robot.wait_until_active(process)
        assert "is ready on cpu, run by torch" in words(log)
        robot.spin_until(engine, what="diagnostics")
        assert engine() in ("torch", "openvino")  # a tiny model may be ready by now
        assert answered(robot, scenes[0])
        proved = "cache/evf_sam_ros/notes/proof-*.json"
        robot.spin_until(
            lambda: any(tmp_path.glob(proved)), PATIENCE_S, "OpenVINO to give the model's answers"
        )
        robot.spin_until(lambda: engine() == "openvino", what="the diagnostics to tell of it")
        robot.forget()
        assert answered(robot, scenes[0])
        assert engine() == "openvino"


def test_an_engine_for_another_device_is_one_sentence_and_can_be_mended(
    robot_in, scenes, tiny, tmp_path
):
    robot = robot_in("/unfit")
    parameters = (f"model:={tiny}", "engine:=graphs", "device:=cpu")
    with (
        (tmp_path / "log").open("w+") as log,
        running("node.segmentation_node", *parameters, namespace="/unfit", log=log) as process,
    ):
        robot.wait_for_state("unconfigured", process)
        refusal = "engine 'graphs' needs a GPU, the device is cpu"
        robot.spin_until(lambda: refusal in words(log), what="the reason")
        assert "Traceback" not in words(log)
        assert robot.set(engine="plain") == ""
        assert robot.change_state(Transition.TRANSITION_CONFIGURE)
        assert "clean up the node" in robot.set(engine="torch")
        assert "run by plain" in words(log)
        assert robot.change_state(Transition.TRANSITION_ACTIVATE)
        robot.spin_until(robot.is_connected)
        assert answered(robot, scenes[0])
