"""Children end with their parent, whatever either of them does."""

import os
import signal
import subprocess
import sys
import time

import pytest
from patience import patience

from evf_sam_ros.ros import child
from evf_sam_ros.ros.child import Child, ChildEndedError, Interrupts, stop

OBEDIENT = "import time; print('ready', flush=True); time.sleep(60)"
STUBBORN = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); " + OBEDIENT


def start(tmp_path, code):
    return Child("program", [sys.executable, "-c", code], tmp_path / "program.log")


PATIENCE_S = patience(10.0)


def wait_for(condition, timeout_s=PATIENCE_S):
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "timed out"
        time.sleep(0.02)


def is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_running_program_passes_the_check_and_ends_on_request(tmp_path):
    program = start(tmp_path, OBEDIENT)
    wait_for(lambda: "ready" in program.log.read_text())
    program.check()
    stop([program])
    assert program.process.returncode is not None
    assert "KeyboardInterrupt" in program.log.read_text()


def test_a_program_that_ended_is_reported_with_its_last_words(tmp_path):
    program = start(tmp_path, "import sys; sys.exit('no camera at /dev/video0')")
    program.process.wait(10)
    with pytest.raises(ChildEndedError, match=r"(?s)code 1.*no camera at /dev/video0"):
        program.check()


def test_a_program_that_ignores_the_interrupt_ends_all_the_same(tmp_path, monkeypatch):
    monkeypatch.setitem(child.PATIENCE_S, signal.SIGINT, 0.2)
    program = start(tmp_path, STUBBORN)
    wait_for(lambda: "ready" in program.log.read_text())
    stop([program])
    assert program.process.returncode == -signal.SIGTERM


def test_a_killed_parent_leaves_no_child_behind(tmp_path):
    code = (
        "import sys, os, pathlib, time; from evf_sam_ros.ros.child import Child; "
        f"program = Child('p', [sys.executable, '-c', {OBEDIENT!r}], "
        f"pathlib.Path({str(tmp_path / 'log')!r})); print(program.process.pid, flush=True); "
        "time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    pid = int(parent.stdout.readline())
    assert is_running(pid)
    parent.kill()
    parent.wait(10)
    wait_for(lambda: not is_running(pid))


def test_a_signal_interrupts_where_it_is_asked_for_and_nowhere_else():
    before = {number: signal.getsignal(number) for number in Interrupts.NUMBERS}
    interrupts = Interrupts()
    try:
        interrupts.check()
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            interrupts.check()
        interrupts.ignore()
        signal.raise_signal(signal.SIGTERM)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
