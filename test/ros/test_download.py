"""A model that the node downloads: its progress is told while the node can do nothing else."""

import threading
from pathlib import Path

import pytest
from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.msg import Transition
from processes import running
from robot import Robot

ROOT = Path(__file__).parents[2]
MODEL = "someone/tiny"


@pytest.fixture
def hub(tiny, tmp_path, monkeypatch):
    """Run a hub whose largest file waits until `open` is set."""
    monkeypatch.syspath_prepend(str(ROOT / "test" / "perception"))
    from fake_hub import fake_hub

    with fake_hub() as hub:
        hub.repositories[MODEL] = {path.name: path.read_bytes() for path in tiny.iterdir()}
        hub.open, answer = threading.Event(), hub.answer

        def hold(method, path, wanted_range):
            if method == "GET" and path.endswith(".safetensors"):
                hub.open.wait()
            return answer(method, path, wanted_range)

        hub.answer = hold
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("HF_HOME", str(tmp_path))
        monkeypatch.setenv("HF_HUB_DOWNLOAD_TIMEOUT", "120")
        yield hub
        hub.open.set()


def test_the_diagnostics_tell_of_a_download_while_it_goes_on(ros, hub):
    robot, told = Robot("/fetching"), []

    def keep(array):
        for status in array.status:
            if status.name == "fetching/evf_sam: model" and MODEL in status.message:
                told.append(status)
                hub.open.set()  # only what is told lets the download end

    robot.node.create_subscription(DiagnosticArray, "/diagnostics", keep, 10)
    parameters = (f"model:={MODEL}", "offline:=false", "autostart:=false")
    with running("node.segmentation_node", *parameters, namespace="/fetching"):
        assert robot.change_state(Transition.TRANSITION_CONFIGURE)
        assert told[0].message == f"loading '{MODEL}'"
        assert float(told[0].values[0].value) >= 0
        assert told[0].values[0].key == "downloaded_mb"
    robot.close()
