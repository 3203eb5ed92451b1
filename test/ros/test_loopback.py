"""A ROS that stays on this machine and by itself."""

import os
import socket
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import pytest

from evf_sam_ros.ros import loopback


@pytest.fixture
def environment(monkeypatch):
    monkeypatch.setattr(os, "environ", dict(os.environ))
    os.environ.pop("ROS_DOMAIN_ID", None)
    return os.environ


def test_a_domain_in_use_is_not_taken(monkeypatch):
    monkeypatch.setattr(loopback, "DOMAINS", [7, 7, 8])
    monkeypatch.setattr(loopback.random, "sample", lambda domains, _: list(domains))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 7400 + 250 * 7 + 10))
        assert loopback.free_domain() == 8


def test_a_domain_is_kept_from_others_before_anything_of_ros_runs_in_it():
    domain = loopback.free_domain()
    ask = "from evf_sam_ros.ros import loopback; loopback.DOMAINS = [{}]; loopback.free_domain()"

    def another_takes_it():
        command = [sys.executable, "-c", ask.format(domain)]
        return subprocess.run(command, capture_output=True, text=True)

    refused = another_takes_it()
    assert "every ROS domain" in refused.stderr
    loopback._taken.pop().close()
    assert another_takes_it().returncode == 0


def test_a_domain_that_the_user_chose_stays(environment):
    environment["ROS_DOMAIN_ID"] = "33"
    assert loopback.isolate() == 33
    assert environment["ROS_DOMAIN_ID"] == "33"


@pytest.mark.parametrize(
    ("release", "expected"),
    [
        (3, {"ROS_LOCALHOST_ONLY", "FASTRTPS_DEFAULT_PROFILES_FILE"}),
        (7, {"ROS_AUTOMATIC_DISCOVERY_RANGE", "FASTRTPS_DEFAULT_PROFILES_FILE"}),
        (9, {"ROS_AUTOMATIC_DISCOVERY_RANGE", "FASTDDS_DEFAULT_PROFILES_FILE"}),
    ],
)
def test_each_release_gets_the_variables_it_reads_without_complaint(
    environment, monkeypatch, release, expected
):
    for name in list(environment):
        if name.startswith(("ROS_", "FASTDDS_", "FASTRTPS_")):
            del environment[name]
    monkeypatch.setattr(loopback, "version", lambda _: f"{release}.1.2")
    before = set(environment)
    loopback.isolate()
    assert set(environment) - before == {*expected, "ROS_DOMAIN_ID"}


def test_the_profile_holds_large_images_and_listens_on_loopback_only(environment):
    loopback.isolate()
    name = next(each for each in environment if each.endswith("_DEFAULT_PROFILES_FILE"))
    text = {
        element.tag.rpartition("}")[2]: element.text
        for element in ElementTree.parse(environment[name]).iter()
    }
    assert int(text["segment_size"]) >= 8 * 1920 * 1080 * 3
    assert text["address"] == "127.0.0.1"
    assert text["useBuiltinTransports"] == "false"
