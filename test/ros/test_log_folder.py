"""Nodes start without a home, or with one that cannot be written, as under systemd."""

import os
import subprocess
import sys

import pytest

from evf_sam_ros.ros import log_folder
from evf_sam_ros.ros.log_folder import ensure_log_folder


@pytest.fixture
def environment(monkeypatch, tmp_path):
    """Give an environment without any folder for the log; temporary ones lie in tmp_path."""
    for name in ("ROS_LOG_DIR", "ROS_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(log_folder.tempfile, "gettempdir", lambda: str(tmp_path))
    return monkeypatch


def test_a_folder_that_can_be_written_stays(environment, tmp_path, capsys):
    environment.setenv("HOME", str(tmp_path))
    ensure_log_folder()
    assert "ROS_LOG_DIR" not in os.environ
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("variable", ["HOME", "ROS_HOME", "ROS_LOG_DIR", None])
def test_another_folder_is_taken_and_named_where_there_is_none(
    environment, tmp_path, capsys, variable
):
    (tmp_path / "file").touch()
    if variable:
        environment.setenv(variable, str(tmp_path / "file" / "below"))
    ensure_log_folder()
    assert os.environ["ROS_LOG_DIR"] == str(tmp_path / f"ros_log_{os.getuid()}")
    [sentence] = capsys.readouterr().err.splitlines()
    assert "set ROS_LOG_DIR" in sentence
    assert (str(tmp_path / "file") if variable else "HOME is not set") in sentence
    os.environ.pop("ROS_LOG_DIR")


def test_without_any_folder_one_sentence_names_the_variable(environment, tmp_path):
    (tmp_path / "file").touch()
    environment.setattr(log_folder.tempfile, "gettempdir", lambda: str(tmp_path / "file"))
    with pytest.raises(ValueError, match=r"HOME is not set, and .* set ROS_LOG_DIR to one"):
        ensure_log_folder()


SCRIPT = """
import sys
from rclpy.node import Node
from evf_sam_ros.ros.run import run

def make_node():
    raise ValueError("started far enough")

sys.exit(run(make_node))
"""


def test_a_node_without_a_home_starts(tmp_path):
    environment = {name: value for name, value in os.environ.items() if name != "HOME"}
    environment |= {"TMPDIR": str(tmp_path)}
    environment.pop("ROS_LOG_DIR", None)
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True
    )
    assert "error: started far enough" in ended.stderr
    assert "ROS_LOG_DIR" in ended.stderr
    assert "Traceback" not in ended.stderr
