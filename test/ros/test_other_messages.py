"""Detections and speech, in the messages of other packages, which are built first."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from other_messages import build, surroundings
from patience import patience

CHECKS = Path(__file__).with_name("with_other_messages.py")


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("cmake") is None, reason="messages are built with cmake")
def test_detections_and_speech_in_the_messages_that_others_use(tmp_path):
    environment = dict(os.environ)
    environment.pop("PYTHONPATH", None)
    prefix = build(tmp_path, environment)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", CHECKS],
        env=surroundings(prefix, environment),
        cwd=CHECKS.parents[2],
        capture_output=True,
        text=True,
        timeout=patience(600.0),
    )
    assert done.returncode == 0, done.stdout[-5000:]
    assert " passed" in done.stdout
