"""The doctor finds what is made wrong on purpose, and says how to mend it."""

import json
import os
import re
import subprocess
import sys

import pytest
import rclpy
from patience import patience
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image
from std_msgs.msg import Header, String

from evf_sam_ros.msg import SegmentationResult
from evf_sam_ros.ros.doctor import machine
from evf_sam_ros.ros.doctor.machine import (
    SHARED_MEMORY_NEEDED,
    environment_findings,
    jpeg_findings,
    profile_finding,
    shared_memory_findings,
)
from evf_sam_ros.ros.stamps import time_message

KILTED, JAZZY, HUMBLE = 9, 7, 3
TIMEOUT_S = patience(120.0)
AGE_S = 60.0


def by_subject(findings):
    """Return the worst finding of each subject."""
    order = ("ok", "note", "warning", "problem")
    ranked = sorted(findings, key=lambda each: order.index(each.level))
    return {each.subject: each for each in ranked}


def test_a_missing_jpeg_library_is_told_with_the_cure(monkeypatch):
    assert list(jpeg_findings()) == []
    monkeypatch.setattr("evf_sam_ros.ros.doctor.machine.find_spec", lambda name: None)
    (finding,) = jpeg_findings()
    assert (finding.level, finding.cure) == ("warning", "pip install simplejpeg")


def in_environment(release=KILTED, **environment):
    return by_subject(environment_findings(environment, release))


@pytest.mark.parametrize(
    ("domain", "level"), [("", "ok"), ("7", "ok"), ("150", "warning"), ("233", "problem"),
                          ("-1", "problem"), ("seven", "problem")],
)  # fmt: skip
def test_a_domain_that_cannot_be_or_is_risky_is_named(domain, level):
    finding = in_environment(ROS_DOMAIN_ID=domain)["domain"]
    assert finding.level == level
    assert domain in finding.text


def test_a_variable_that_this_release_ignores_is_told_with_the_one_it_reads():
    kilted = in_environment(ROS_LOCALHOST_ONLY="1")["reach"]
    assert kilted.level == "warning"
    assert "ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST" in kilted.cure
    assert in_environment(JAZZY, ROS_LOCALHOST_ONLY="1")["reach"].level == "note"
    humble = in_environment(HUMBLE, ROS_AUTOMATIC_DISCOVERY_RANGE="LOCALHOST")["reach"]
    assert (humble.level, "ROS_LOCALHOST_ONLY=1" in humble.cure) == ("warning", True)


@pytest.mark.parametrize("value", ["OFF", "LOCAL"])
def test_a_range_in_which_nobody_is_found_is_a_problem(value):
    assert in_environment(ROS_AUTOMATIC_DISCOVERY_RANGE=value)["reach"].level == "problem"


def test_the_profile_is_asked_for_in_the_variable_of_the_release(pytestconfig):
    profile = str(pytestconfig.rootpath / "config" / "fastdds.xml")
    old, new = "FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE"
    assert in_environment(**{new: profile})["transport"].level == "ok"
    assert in_environment(JAZZY, **{old: profile})["transport"].level == "ok"
    assert new in in_environment(**{old: profile})["transport"].text
    missing = in_environment()["transport"]
    assert (missing.level, missing.cure.startswith(f"export {new}=/")) == ("warning", True)
    assert in_environment(RMW_IMPLEMENTATION="rmw_zenoh_cpp")["transport"].level == "note"


@pytest.mark.parametrize(
    ("content", "level"),
    [
        ("<dds><transport_descriptor><type>SHM</type></transport_descriptor></dds>", "warning"),
        ("<dds><transport_descriptor><type>UDPv4</type></transport_descriptor></dds>", "warning"),
        ("<dds>", "problem"),
        (None, "problem"),
    ],
)
def test_a_profile_that_holds_no_image_is_told(tmp_path, content, level):
    path = tmp_path / "profile.xml"
    if content is not None:
        path.write_text(content)
    finding = profile_finding(path, "the cure")
    assert (finding.level, finding.cure) == (level, "the cure")
    assert str(path) in finding.text


def test_security_without_its_keys_is_a_problem(tmp_path):
    on = {"ROS_SECURITY_ENABLE": "true"}
    assert in_environment(**on)["security"].level == "problem"
    assert in_environment(**on, ROS_SECURITY_KEYSTORE=str(tmp_path))["security"].level == "ok"


def test_shared_memory_that_is_small_or_littered_is_told(tmp_path, monkeypatch):
    usage = type("Usage", (), {"free": SHARED_MEMORY_NEEDED - 1})
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    (small,) = shared_memory_findings(tmp_path)
    assert (small.level, "--ipc=host" in small.cure) == ("warning", True)
    for number in range(100):
        (tmp_path / f"fastrtps_{number}").touch()
    assert "shm clean" in list(shared_memory_findings(tmp_path))[-1].cure
    (missing,) = shared_memory_findings(tmp_path / "nothing")
    assert missing.level == "warning"


def run_doctor(*arguments, **environment):
    command = [
        sys.executable,
        "-m",
        "evf_sam_ros.ros.doctor.doctor",
        "--seconds",
        "0.2",
        *arguments,
    ]
    variables = {**os.environ, **environment}
    return subprocess.run(
        command, env=variables, capture_output=True, text=True, timeout=TIMEOUT_S
    )


def test_a_machine_that_works_gives_the_exit_code_0_and_every_finding_as_json():
    done = run_doctor("--json", "--ros-args", "--log-level", "info")
    assert done.returncode == 0, done.stdout + done.stderr
    found = {each["subject"]: each["level"] for each in json.loads(done.stdout)}
    assert found["model"] == found["ROS 2"] == found["transport"] == "ok"


def test_what_prevents_the_node_gives_the_exit_code_1_and_the_cure(tmp_path):
    done = run_doctor("--model", str(tmp_path), "--no-graph", ROS_DOMAIN_ID="far away")
    assert done.returncode == 1
    assert "FAIL  model" in done.stdout
    assert "evf-sam download" in done.stdout
    assert "'far away', need 0 to 232" in done.stdout
    assert "2 problems" in done.stdout
    assert done.stderr == ""


def test_a_middleware_that_is_not_installed_is_a_finding_and_no_crash():
    done = run_doctor("--no-model", RMW_IMPLEMENTATION="rmw_missing_cpp")
    assert done.returncode == 1
    assert "FAIL  ROS 2" in done.stdout
    assert "Traceback" not in done.stderr


def image(node, age_s=0.0):
    stamp = time_message(node.get_clock().now().nanoseconds - round(age_s * 1e9))
    return Image(header=Header(stamp=stamp), height=1, width=1, encoding="mono8", step=1, data=[0])


class Publishing:
    """Somebody in the graph who does things wrong; publishes while the doctor listens."""

    def __init__(self, robot, namespace, age_s=0.0, make_image=image):
        self.node, self.executor = robot.node, robot.executor
        qos = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
        self.images = self.node.create_publisher(Image, f"{namespace}/somewhere/image", qos)
        self.wrong = self.node.create_publisher(String, f"{namespace}/depth", 1)
        self.quiet = self.node.create_publisher(String, f"{namespace}/text_command", qos)
        latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self.listener = self.node.create_subscription(
            SegmentationResult, f"{namespace}/evf_sam/result", lambda _: None, latched
        )
        self.timer = self.node.create_timer(
            0.05, lambda: self.images.publish(make_image(self.node, age_s))
        )

    def close(self):
        self.node.destroy_timer(self.timer)
        self.node.destroy_subscription(self.listener)
        for each in (self.images, self.wrong, self.quiet):
            self.node.destroy_publisher(each)


@pytest.fixture
def examine(robot, tmp_path):
    """Run the doctor on a namespace while the robot publishes there."""

    def run(namespace, *arguments):
        command = [sys.executable, "-m", "evf_sam_ros.ros.doctor.doctor", "--json", "--no-model"]
        # Much longer than it takes: listening ends when enough was heard.
        command += ["--seconds", "60", "--namespace", namespace, *arguments]
        doctor_process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        robot.spin_until(lambda: doctor_process.poll() is not None, what="the doctor")
        return {each["subject"]: each for each in json.loads(doctor_process.stdout.read())}

    return run


def test_what_does_not_fit_in_the_graph_is_named_with_what_would(robot, examine):
    somebody = Publishing(robot, "/ward", AGE_S)
    fine = robot.node.create_subscription(Image, "/ward/evf_sam/mask", lambda _: None, 5)
    twins = [rclpy.create_node("evf_sam", namespace="/ward") for _ in range(2)]
    try:
        found = examine("/ward")
        given = examine("/ward", "--image", "somewhere/image")["image"]
    finally:
        for each in twins:
            each.destroy_node()
        robot.node.destroy_subscription(fine)
        somebody.close()
    assert "/ward/somewhere/image" in found["image"]["cure"]
    assert "std_msgs/msg/String, need sensor_msgs/msg/Image" in found["depth"]["text"]
    assert "offered best effort, asked reliable" in found["text_command"]["text"]
    assert "/ward/evf_sam/result: offered volatile, asked" in found["listener"]["text"]
    assert "2 nodes are named /ward/evf_sam" in found["node"]["text"]
    levels = {name: found[name]["level"] for name in ("image", "depth", "text_command", "node")}
    assert levels == {
        "image": "warning", "depth": "problem", "text_command": "problem", "node": "problem",
    }  # fmt: skip
    assert given["level"] == "warning"
    age_s = float(re.search(r", with stamps (\d+\.\d) s old$", given["text"])[1])
    assert age_s >= AGE_S  # and what it took to arrive


def test_images_without_stamps_are_not_sent_to_a_setting_that_hides_it(robot, examine):
    def unstamped(node, _):
        message = image(node)
        message.header.stamp = time_message(0)
        return message

    somebody = Publishing(robot, "/unstamped", make_image=unstamped)
    try:
        found = examine("/unstamped", "--image", "somewhere/image")["image"]
    finally:
        somebody.close()
    assert found["level"] == "warning"
    assert "has the stamp 0" in found["text"]
    assert "driver must stamp" in found["cure"]
    assert "max_frame_age_s" not in found["cure"]


def test_two_cameras_on_one_topic_are_told(robot, examine):
    somebody = Publishing(robot, "/crowd")
    second = robot.node.create_publisher(Image, "/crowd/somewhere/image", 1)
    try:
        found = examine("/crowd", "--image", "somewhere/image")["image"]
    finally:
        robot.node.destroy_publisher(second)
        somebody.close()
    assert found["level"] == "warning"
    assert "it has 2 publishers" in found["text"]


@pytest.mark.parametrize(
    ("numpy", "of_apt", "has_cv_bridge", "is_warned"),
    [
        ("2.2.6", "1.21.5", True, True),
        ("1.26.4", "1.21.5", True, False),
        ("2.2.6", "2.1.0", True, False),
        ("2.2.6", "1.21.5", False, False),
        ("2.2.6", "", True, False),
    ],
)
def test_numpy_2_before_a_cv_bridge_for_numpy_1_is_a_warning(
    tmp_path, numpy, of_apt, has_cv_bridge, is_warned
):
    if of_apt:
        (tmp_path / f"numpy-{of_apt}.dist-info").mkdir()
        metadata = f"Metadata-Version: 2.1\nName: numpy\nVersion: {of_apt}\n"
        (tmp_path / f"numpy-{of_apt}.dist-info" / "METADATA").write_text(metadata)
    findings = list(machine.numpy_findings(numpy, has_cv_bridge, tmp_path))
    assert [each.level for each in findings] == ["warning"] * is_warned
    if is_warned:
        assert of_apt in findings[0].text
        assert "numpy<2" in findings[0].cure


@pytest.mark.parametrize(
    ("installed", "level", "text"),
    [
        ((), "note", "PyTorch alone"),
        (("onnxruntime", "tensorrt"), "ok", "PyTorch and onnxruntime, tensorrt"),
    ],
)
def test_the_runtimes_of_exported_models_are_listed(installed, level, text, monkeypatch):
    monkeypatch.setattr(machine, "find_spec", lambda name: name in installed or None)
    found = machine.engines_finding()
    assert (found.level, found.text) == (level, text)
