"""The nodes under test, each in a process of its own."""

import subprocess
import sys
import time
from contextlib import contextmanager

PATIENCE_S = 30.0


def start(module, *parameters, namespace="/", log=None):
    """Start a node; `log` is a file for what it says, else it says it to the terminal."""
    node = [sys.executable, "-m", f"evf_sam_ros.ros.{module}"]
    arguments = [part for each in parameters for part in ("-p", each)]
    return subprocess.Popen(
        [*node, "--ros-args", "-r", f"__ns:={namespace}", *arguments], stderr=log
    )


@contextmanager
def running(module, *parameters, **options):
    """Run a node for a while; it must end by itself, and well, when it is told to."""
    process = start(module, *parameters, **options)
    try:
        yield process
        process.terminate()
        assert process.wait(PATIENCE_S) == 0
    finally:
        process.kill()


def seconds_to_end(process, signal):
    """Send a signal and return how long the process took to end."""
    started = time.monotonic()
    process.send_signal(signal)
    process.wait(PATIENCE_S)
    return time.monotonic() - started
