"""The soak benchmark in small; in full it is `benchmarks/soak.py --frames 20000`."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from patience import patience

SOAK = Path(__file__).parents[2] / "benchmarks" / "soak.py"


@pytest.mark.slow
def test_no_answer_is_lost_and_memory_stays():
    command = [sys.executable, SOAK, "--frames", "400", "--growth", "30"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=patience(1200.0))
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    assert re.search(r"^400 of 400 frames answered, 0 lost", done.stdout, re.MULTILINE)
