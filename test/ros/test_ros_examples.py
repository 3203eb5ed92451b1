"""The ROS examples run against a node; what needs a robot's packages fits our interface."""

import ast
import importlib.util
import re
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
import yaml
from geometry_msgs.msg import PoseStamped
from patience import patience
from processes import running
from std_msgs.msg import String

from evf_sam_ros.action import FindObject
from evf_sam_ros.msg import SegmentationResult, SegmentedObject
from evf_sam_ros.ros.parameters import NodeParameters

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples" / "ros"
TIMEOUT_S = patience(120.0)
NAMESPACE = "/examples"
BRINGUP = EXAMPLES / "bringup"


def command(script, *words, namespace=NAMESPACE):
    names = ["--ros-args", "-r", f"__ns:={namespace}"]
    return [sys.executable, str(EXAMPLES / script), *words, *names]


@pytest.fixture(scope="module")
def camera_and_node(ros):
    place = {"namespace": NAMESPACE}
    camera = running("cameras.sim_camera_node", "seed:=901082", "rate_hz:=5.0", **place)
    with camera, running("node.segmentation_node", **place) as node:
        yield node


def picked(*words):
    """Run the pick client until the node is there and active, at most a while."""
    end = time.monotonic() + TIMEOUT_S
    while True:
        done = subprocess.run(
            command("pick_client.py", *words), capture_output=True, text=True, timeout=TIMEOUT_S
        )
        starting = "not running" in done.stdout or "rejects" in done.stdout
        if not starting or time.monotonic() > end:
            return done.returncode, done.stdout


def test_the_pick_client_prints_a_pose_over_the_object_or_why_there_is_none(camera_and_node):
    code, said = picked("pick up the red mug, please")
    assert code == 0, said
    assert "grasp 'the red mug' in camera" in said
    x, y, z = map(float, re.search(r"position (\S+) (\S+) (\S+) m", said).groups())
    assert 0.2 < z < 2.0
    assert abs(x) < 1.0 > abs(y)


def test_go_to_says_the_command_and_takes_the_pose_at_which_to_stand(ros, robot_in):
    namespace = NAMESPACE + "/drive"
    robot, heard = robot_in(namespace), []
    poses = robot.node.create_publisher(PoseStamped, "evf_sam/approach_pose", 10)
    robot.node.create_subscription(String, "text_command", heard.append, 10)
    given = command("go_to.py", "--print", "go to the bin", namespace=namespace)
    process = subprocess.Popen(given, stdout=subprocess.PIPE, text=True)
    pose = PoseStamped()
    pose.header.frame_id = "map"
    pose.pose.position.x, pose.pose.position.y = 1.25, -0.5

    def has_ended():
        if heard:
            poses.publish(pose)
        return process.poll() is not None

    robot.spin_until(has_ended, what="the example to end")
    assert process.stdout.read() == "stand at 1.25 -0.50 in map\n"
    assert process.returncode == 0
    assert {each.data for each in heard} == {"go to the bin"}


@pytest.mark.skipif(
    importlib.util.find_spec("message_filters") is None, reason="message_filters is not installed"
)
def test_the_synchroniser_gets_all_four_of_one_instant(camera_and_node):
    process = subprocess.Popen(
        command("synchronised.py", "--once"), stdout=subprocess.PIPE, text=True
    )
    said, _ = process.communicate(timeout=TIMEOUT_S)
    assert re.search(r"\d+ pixels at 0\.\d{3} m", said)


def test_the_three_bring_ups_give_the_same_arguments_and_our_file_declares_them():
    tree = ast.parse((BRINGUP / "my_robot.launch.py").read_text())
    given = next(
        keyword.value.func.value  # {...}.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == "launch_arguments"
    )
    in_python = [ast.literal_eval(key) for key in given.keys]
    in_xml = [
        each.get("name") for each in ElementTree.parse(BRINGUP / "my_robot.launch.xml").iter("arg")
    ]
    (entry,) = yaml.safe_load((BRINGUP / "my_robot.launch.yaml").read_text())["launch"]
    assert in_python == in_xml == [each["name"] for each in entry["include"]["arg"]]
    ours = (ROOT / "launch" / "evf_sam.launch.py").read_text()
    assert [name for name in in_python if f'"{name}"' not in ours] == []


def test_the_parameters_of_the_bring_up_are_the_nodes():
    (values,) = yaml.safe_load((BRINGUP / "params.yaml").read_text()).values()
    NodeParameters(**values["ros__parameters"])


@pytest.mark.parametrize("source", ["cpp/pick_client.cpp", "behavior_tree/find_object_node.cpp"])
def test_the_sources_in_c_use_fields_that_are_there(source):
    text = (EXAMPLES / source).read_text()
    kinds = {"goal": FindObject.Goal, "result": SegmentationResult}
    for name, kind in kinds.items():
        used = set(re.findall(rf"\b{name}\.(\w+)", text))
        assert used, name
        assert used <= set(kind.get_fields_and_field_types()), name
    of_object = set(re.findall(r"objects\[0\]\.(\w+)", text))
    assert of_object <= set(SegmentedObject.get_fields_and_field_types())


def test_every_example_is_short_and_listed():
    readme = (ROOT / "examples" / "README.md").read_text()
    for path in EXAMPLES.rglob("*.*"):
        if path.is_file() and path.suffix in (".py", ".cpp", ".xml", ".yaml"):
            assert len(path.read_text().splitlines()) < 80, path.name
    for name in (
        "pick_client.py",
        "go_to.py",
        "synchronised.py",
        "bringup",
        "cpp",
        "behavior_tree",
    ):
        assert f"(ros/{name})" in readme, name
