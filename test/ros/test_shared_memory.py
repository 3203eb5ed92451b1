"""The profile of Fast DDS fits the shared memory that is there."""

import os
import xml.etree.ElementTree as ElementTree

import pytest

from evf_sam_ros.ros import shared_memory
from evf_sam_ros.ros.shared_memory import MEBIBYTE, VARIABLES, fit, fit_shared_memory

PROFILES = ("fastdds.xml", "fastdds_local.xml")
NAME = "{http://www.eprosima.com}"


@pytest.fixture(params=PROFILES)
def profile(request, pytestconfig, monkeypatch, tmp_path):
    """Put a shipped profile in force, and files that replace it into tmp_path."""
    path = pytestconfig.rootpath / "config" / request.param
    for variable in (*VARIABLES, shared_memory.TRANSPORTS):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv(VARIABLES[0], str(path))
    monkeypatch.setattr(shared_memory.tempfile, "gettempdir", lambda: str(tmp_path))
    return path


def texts(path, name):
    return [each.text for each in ElementTree.parse(path).iter(NAME + name)]


def test_where_there_is_enough_the_profile_stays(profile, monkeypatch, capsys):
    monkeypatch.setattr(shared_memory, "free_bytes", lambda: 4 * 64 * MEBIBYTE)
    fit_shared_memory()
    assert os.environ[VARIABLES[0]] == str(profile)
    assert capsys.readouterr().err == ""


def test_four_processes_share_what_a_container_has(profile, monkeypatch, capsys):
    monkeypatch.setattr(shared_memory, "free_bytes", lambda: 64 * MEBIBYTE)
    fit_shared_memory()
    fitted = os.environ[VARIABLES[0]]
    assert texts(fitted, "segment_size") == texts(fitted, "maxMessageSize") == ["16777216"]
    assert texts(fitted, "transport_id") == texts(profile, "transport_id")
    [sentence] = capsys.readouterr().err.splitlines()
    assert "64 MiB free, and this process takes 16 MiB" in sentence
    assert "shm_size: 1gb" in sentence


def test_where_next_to_nothing_is_left_none_is_used(profile, monkeypatch, capsys):
    monkeypatch.setattr(shared_memory, "free_bytes", lambda: 5 * MEBIBYTE)
    fit_shared_memory()
    fitted = os.environ[VARIABLES[0]]
    assert texts(fitted, "type") == ["UDPv4"]
    assert len(texts(fitted, "transport_id")) == 2  # the descriptor and its use
    assert "go over UDP" in capsys.readouterr().err


def test_without_a_profile_the_default_transports_lose_shared_memory_where_there_is_none(
    profile, monkeypatch, capsys
):
    monkeypatch.delenv(VARIABLES[0])
    monkeypatch.setattr(shared_memory, "free_bytes", lambda: 4 * 64 * MEBIBYTE)
    fit_shared_memory()
    assert shared_memory.TRANSPORTS not in os.environ
    monkeypatch.setattr(shared_memory, "free_bytes", lambda: 0)
    fit_shared_memory()
    assert os.environ.pop(shared_memory.TRANSPORTS) == "UDPv4"
    assert "0 MiB free" in capsys.readouterr().err


def test_a_profile_without_shared_memory_fits_everywhere():
    assert fit(ElementTree.fromstring("<dds/>"), 0) is None
