"""Fixtures of all tests; their ROS nodes, in whatever process, are kept to themselves."""

import os
import signal
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import settings
from patience import patience
from tiers import is_integration

collect_ignore = []

# An example that takes long on a busy machine is no failure.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")

# In the background of a script SIGINT is ignored, by every process started there as well; the
# tests are about programs that Ctrl-C reaches.
signal.signal(signal.SIGINT, signal.default_int_handler)

if find_spec("rclpy"):
    from evf_sam_ros.ros.loopback import isolate

    isolate()
    # An environment with the ROS wheels is an ament prefix, but no setup file says so.
    if (Path(sys.prefix) / "share" / "ament_index").is_dir():
        os.environ.setdefault("AMENT_PREFIX_PATH", sys.prefix)
else:
    collect_ignore.append("ros")  # the library without ROS is tested without it


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """The folder of a model that always finds something, in the few words it knows; read only."""
    from tiny_model import ALWAYS, write_tiny_model

    return write_tiny_model(tmp_path_factory.mktemp("model") / "tiny", ALWAYS)


@pytest.fixture
def one_thread():
    """Run small models on one thread: more only wait for each other where cores are few."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def pytest_collection_modifyitems(items):
    """Let full-size models take the time they take; time-outs grow as the machine is slow."""
    for item in items:
        if is_integration(item.path):
            item.add_marker(pytest.mark.integration)
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.timeout(0))
        else:
            usual = float(item.config.getini("timeout"))
            item.add_marker(pytest.mark.timeout(patience(usual)))
