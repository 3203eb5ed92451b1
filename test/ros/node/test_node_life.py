"""The life of the process: it ends at once and leaves nothing, and lives long without growing."""

import os
import shutil
import signal
import time
from importlib import resources
from pathlib import Path

import pytest
from lifecycle_msgs.msg import Transition as T
from processes import PATIENCE_S, running, start, work_to_end
from safetensors.torch import load_file, save_file

from evf_sam_ros.msg import SegmentationResult as R
from evf_sam_ros.ros.node.segmentation_node import EXIT_PATIENCE_S
from evf_sam_ros.ros.run import EXECUTOR_PATIENCE_S
from evf_sam_ros.ros.run import PATIENCE_S as PATIENCE_OF_NODE_S

PROCESSED = (R.FOUND, R.NOT_FOUND, R.AMBIGUOUS, R.LOW_CONFIDENCE)
EXIT_S = 3.0
WAITS_S = EXECUTOR_PATIENCE_S + EXIT_PATIENCE_S  # at most, in an end in order
TEXT = "the purple bottle"
CYCLE = (
    T.TRANSITION_DEACTIVATE,
    T.TRANSITION_CLEANUP,
    T.TRANSITION_CONFIGURE,
    T.TRANSITION_ACTIVATE,
)


def own_mib(process):
    """Return the memory that is the process's own: not what the DDS's ring of images maps."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.split("RssAnon:")[1].split()[0]) / 1024


def shared_memory(process):
    """Return the DDS's files of shared memory that the process has open and made itself."""
    maps = Path(f"/proc/{process.pid}/maps").read_text()
    opened = {
        line.split("/dev/shm/")[1].split()[0] for line in maps.splitlines() if "/shm/" in line
    }
    return {name for name in opened if name.startswith("fast") and "port" not in name}


def children(process):
    return Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()


def bring_to(state, robot, process, scene):
    if state == "unconfigured":
        robot.wait_for_state("unconfigured", process)
        return
    robot.wait_until_active(process)
    if state == "working":
        robot.ask(TEXT, lambda: robot.shot(scene))
        robot.show(robot.shot(scene))
    elif state != "active":
        assert robot.change_state(T.TRANSITION_DEACTIVATE)
    if state == "finalized":
        assert robot.change_state(T.TRANSITION_INACTIVE_SHUTDOWN)


@pytest.mark.parametrize(
    ("state", "number"),
    [
        ("working", signal.SIGINT),
        *(
            pytest.param(state, number, marks=pytest.mark.slow)
            for state in ("unconfigured", "inactive", "active", "working", "finalized")
            for number in (signal.SIGINT, signal.SIGTERM)
        ),
    ],
)
def test_a_signal_ends_the_node_at_once_and_nothing_stays(robot_in, scenes, state, number):
    robot = robot_in("/ended")
    before = set(os.listdir("/dev/shm"))  # the robot's own among them
    autostart = "false" if state == "unconfigured" else "true"
    process = start("node.segmentation_node", f"autostart:={autostart}", namespace="/ended")
    try:
        bring_to(state, robot, process, scenes[0])
        assert not children(process)
        own = shared_memory(process) - before
        assert own
        # Work, not time: the machine may be busy with something else.
        assert WAITS_S + work_to_end(process, number) <= EXIT_S
        assert process.returncode == 0
        assert not own & set(os.listdir("/dev/shm"))
    finally:
        process.kill()


def test_no_end_waits_longer_than_it_may():
    assert WAITS_S < PATIENCE_OF_NODE_S < EXIT_S


def test_a_signal_while_the_model_loads_ends_the_node_as_well(tmp_path):
    with (tmp_path / "log").open("w+") as log:
        process = start("node.segmentation_node", log=log)
        try:
            end = time.monotonic() + PATIENCE_S
            while not shared_memory(process) and time.monotonic() < end:
                time.sleep(0.01)  # as soon as there is a node
            assert WAITS_S + work_to_end(process, signal.SIGINT) <= EXIT_S
            assert process.returncode == 0
            log.seek(0)
            assert "Traceback" not in log.read()
        finally:
            process.kill()


def test_a_model_that_is_deleted_is_missed_only_when_it_is_read_again(robot_in, scenes, tmp_path):
    robot = robot_in("/deleted")
    folder = tmp_path / "model"
    shutil.copytree(resources.files("evf_sam_ros.models") / "tabletop", folder)
    with running("node.segmentation_node", f"model:={folder}", namespace="/deleted") as process:
        robot.wait_until_active(process)
        folder.rename(tmp_path / "elsewhere")
        assert robot.ask(TEXT, lambda: robot.shot(scenes[0])).status in PROCESSED
        for transition in CYCLE[:2]:
            assert robot.change_state(transition)
        assert not robot.change_state(T.TRANSITION_CONFIGURE)
        assert robot.state() == "unconfigured"
        (tmp_path / "elsewhere").rename(folder)
        for transition in CYCLE[2:]:
            assert robot.change_state(transition)
        robot.spin_until(robot.is_connected)
        assert robot.ask(TEXT, lambda: robot.shot(scenes[0])).status in PROCESSED


def write_float32_model(folder):
    """Copy the default model in float32, which is used from its file, as one's own training is."""
    shutil.copytree(resources.files("evf_sam_ros.models") / "tabletop", folder)
    path = folder / "model.safetensors"
    path.chmod(0o644)
    tensors = {
        name: each.float() if each.is_floating_point() else each
        for name, each in load_file(path).items()
    }
    path.unlink()
    save_file(tensors, path)
    return path


def test_weights_that_are_overwritten_in_place_are_an_error_until_the_node_is_configured_again(
    robot_in, scenes, tmp_path
):
    robot, folder = robot_in("/overwritten"), tmp_path / "model"
    path = write_float32_model(folder)
    options = f"model:={folder}", "engine:=torch"
    with running("node.segmentation_node", *options, namespace="/overwritten") as process:
        robot.wait_until_active(process)
        assert robot.ask(TEXT, lambda: robot.shot(scenes[0])).status in PROCESSED
        content = path.read_bytes()
        with path.open("r+b") as file:  # not cut meanwhile: an image may be at work
            file.write(content)
        robot.forget()
        refused = robot.look(TEXT, lambda: robot.shot(scenes[0]))
        assert refused.status == R.ERROR
        assert f"{path} were overwritten" in refused.message
        for transition in CYCLE:
            assert robot.change_state(transition)
        robot.spin_until(robot.is_connected)
        robot.forget()
        assert robot.ask(TEXT, lambda: robot.shot(scenes[0])).status in PROCESSED


@pytest.mark.slow
def test_twenty_lives_take_no_more_memory_than_a_few(robot_in, scenes):
    robot = robot_in("/cycled")
    with running("node.segmentation_node", namespace="/cycled") as process:
        robot.wait_until_active(process)
        sizes = []
        for _ in range(20):
            assert robot.ask(TEXT, lambda: robot.shot(scenes[0])).status in PROCESSED
            for transition in CYCLE:
                assert robot.change_state(transition)
                if transition == T.TRANSITION_CLEANUP:
                    sizes.append(own_mib(process))  # while nothing works
            robot.spin_until(robot.is_connected)
            robot.forget()
        assert max(sizes[10:]) - max(sizes[:10]) < 10, [round(size) for size in sizes]


@pytest.mark.slow
def test_two_nodes_in_one_graph_answer_their_own_robot_only(node, robot_in, scenes):
    other = robot_in("/other")
    with running("node.segmentation_node", namespace="/other") as process:
        other.wait_until_active(process)
        other.say("the red mug")
        node.say(TEXT)
        assert other.look("the red mug", lambda: other.shot(scenes[1])).status in PROCESSED
        assert node.look(TEXT, lambda: node.shot(scenes[0])).status in PROCESSED
        assert {each.command for each in other.received["result"]} == {"the red mug"}
        assert {each.command for each in node.received["result"]} == {TEXT}
