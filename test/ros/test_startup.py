"""A signal that comes while a program is still importing ends it without a traceback."""

import signal
import subprocess
import sys
import time

import pytest

SLOW = "import time\nprint('importing', flush=True)\ntime.sleep(60)\n"


@pytest.fixture
def importing(tmp_path):
    """Start a node whose module imports something slow; give it once it is importing."""
    (tmp_path / "slow_library.py").write_text(SLOW)
    (tmp_path / "slow_node.py").write_text("import slow_library\ndef main(): return 3\n")
    script = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "import evf_sam_ros.ros, slow_finder\n"
        "from evf_sam_ros.ros.startup import start\nsys.exit(start('ros.slow_node'))\n"
    )
    finder = f"import evf_sam_ros.ros\nevf_sam_ros.ros.__path__.append({str(tmp_path)!r})\n"
    (tmp_path / "slow_finder.py").write_text(finder)
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "importing\n"
    yield process
    process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_during_the_imports_is_a_clean_exit(importing, number):
    importing.send_signal(number)
    _, said = importing.communicate(timeout=60)
    assert importing.returncode == 0
    assert said == ""


def test_the_node_itself_ends_quietly_whenever_the_signal_comes():
    script = "import sys; from evf_sam_ros.ros.startup import start; print('on', flush=True)\n"
    script += "sys.exit(start('ros.node.segmentation_node'))"
    for delay_s in (0.05, 0.3, 1.0):
        process = subprocess.Popen(
            [sys.executable, "-c", script],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert process.stdout.readline() == "on\n"
        time.sleep(delay_s)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=120)
        assert process.returncode == 0, said
        assert "Traceback" not in said
