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
    for name in ("ROS_DOMAIN_ID", loopback.INHERITED):
        os.environ.pop(name, None)
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


ASK = "from evf_sam_ros.ros import loopback; print(loopback.isolate())"


def domain_of_another_run(environment, **variables):
    other = {**environment, **variables}
    return subprocess.run(
        [sys.executable, "-c", ASK], env=other, capture_output=True, text=True, check=True
    )


def test_a_domain_that_is_set_is_kept_from_other_runs_and_shared_with_children(environment):
    environment["ROS_DOMAIN_ID"] = "34"
    assert loopback.isolate() == 34
    assert domain_of_another_run(environment).stdout == "34\n"
    environment.pop(loopback.INHERITED)
    other = domain_of_another_run(environment)
    assert other.stdout != "34\n"
    assert "another run of tests or demo has ROS_DOMAIN_ID 34" in other.stderr
    loopback._taken.pop().close()
    assert domain_of_another_run(environment).stdout == "34\n"


def test_a_domain_that_is_set_is_not_drawn_by_a_run_without_one(environment, monkeypatch):
    environment["ROS_DOMAIN_ID"] = "35"
    loopback.isolate()
    monkeypatch.setattr(loopback, "DOMAINS", [35])
    with pytest.raises(RuntimeError, match="every ROS domain"):
        loopback.free_domain()
    loopback._taken.pop().close()


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
    assert set(environment) - before == {*expected, "ROS_DOMAIN_ID", loopback.INHERITED}


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
