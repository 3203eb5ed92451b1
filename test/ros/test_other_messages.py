"""Detections, speech, frames of tf, in the messages of other packages, which are built first."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from other_messages import build, surroundings
from patience import patience

HERE = Path(__file__).parent
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("cmake") is None, reason="messages are built with cmake"),
]


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """Return the environment of a process that finds the packages."""
    own = dict(os.environ)
    own.pop("PYTHONPATH", None)
    return surroundings(build(tmp_path_factory.mktemp("packages"), own), own)


@pytest.mark.parametrize(
    "checks", ["with_other_messages.py", "with_frames.py", "with_semantic.py", "with_planning.py"]
)
def test_the_node_in_the_messages_that_others_use(environment, checks):
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", HERE / checks],
        env=environment,
        cwd=HERE.parents[1],
        capture_output=True,
        text=True,
        timeout=patience(600.0),
    )
    assert done.returncode == 0, done.stdout[-5000:]
    assert " passed" in done.stdout
