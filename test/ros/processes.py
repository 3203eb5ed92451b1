"""The nodes under test, each in a process of its own."""

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

from patience import patience

PATIENCE_S = patience(120.0)  # for one that hangs; a start alone may take a minute


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


def work_to_end(process, signal):
    """Send a signal, wait for the end; return the seconds of processor time until then."""
    user, system = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    before = (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
    process.send_signal(signal)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime - before
