"""One node for the whole session, and the robot that talks to it."""

import pytest
import rclpy
from processes import running
from robot import Robot

from evf_sam_ros.sim.scene import render_scene


@pytest.fixture(scope="session")
def ros():
    rclpy.init()
    yield
    rclpy.try_shutdown()


@pytest.fixture(scope="session")
def robot(ros):
    """Speak to the node of the fixture `node_process`."""
    robot = Robot()
    yield robot
    robot.close()


@pytest.fixture(scope="session")
def node_process(robot):
    """Run the segmentation node with the default model, active."""
    with running("node.segmentation_node") as process:
        robot.wait_until_active(process)
        yield process


@pytest.fixture
def node(node_process, robot):
    """Give a node that is enabled, without a command, with default parameters."""
    robot.reset()
    yield robot
    assert node_process.poll() is None, "the node has ended"


@pytest.fixture(scope="session")
def scenes():
    """Three scenes that nobody trained on."""
    return [render_scene(seed) for seed in (900001, 900002, 900003)]


@pytest.fixture
def robot_in(ros):
    """Make robots in a namespace of their own, each beside a node of its own."""
    robots = []

    def make(namespace):
        robots.append(Robot(namespace))
        return robots[-1]

    yield make
    for robot in robots:
        robot.close()
