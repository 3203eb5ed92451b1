"""Child processes: their output goes to a log, and they end with this program."""

import ctypes
import signal
import subprocess
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

TAIL = 15  # lines of a log that an error shows
PATIENCE_S = {signal.SIGINT: 6.0, signal.SIGTERM: 3.0, signal.SIGKILL: 3.0}
PR_SET_PDEATHSIG = 1  # of Linux's prctl


class ChildEndedError(RuntimeError):
    """A child process has ended unexpectedly; the message shows its last output."""


class Child:
    """A child process whose output is written to a log file."""

    def __init__(self, name: str, command: Sequence[str], log: Path) -> None:
        """Start the process.

        Args:
            name: name of the program in messages.
            command: program and arguments.
            log: file for its output.
        """
        self.name = name
        self.log = log
        with log.open("w") as output:
            # A session of its own: Ctrl-C reaches this process alone, which then ends the child
            # once, and not twice in the middle of its cleaning up.
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_prepare,
            )

    def check(self) -> None:
        """Raise ChildEndedError if the program has ended."""
        code = self.process.poll()
        if code is not None:
            raise ChildEndedError(f"the {self.name} ended with code {code}; {self.last_words()}")

    def last_words(self) -> str:
        """Return the end of the log and the path of the whole."""
        lines = self.log.read_text(errors="replace").splitlines()[-TAIL:]
        return "\n".join([f"the end of {self.log}:", *(f"  | {line}" for line in lines)])


class Interrupts:
    """Defers SIGINT, SIGTERM and SIGHUP: `check` raises KeyboardInterrupt after one of them.

    Raised wherever the program is, in the midst of rclpy it is lost now and then, or becomes
    another error.
    """

    NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def __init__(self) -> None:
        self._came = False
        for number in self.NUMBERS:
            signal.signal(number, self._note)

    def check(self) -> None:
        """Raise KeyboardInterrupt if one has come."""
        if self._came:
            raise KeyboardInterrupt

    def ignore(self) -> None:
        """Ignore further signals while ending; a second Ctrl-C would leave processes running."""
        for number in self.NUMBERS:
            signal.signal(number, signal.SIG_IGN)

    def _note(self, *_: object) -> None:
        self._came = True


def stop(children: Iterable[Child]) -> None:
    """End all of them, politely first, and wait until they are gone."""
    running = list(children)
    for number, patience_s in PATIENCE_S.items():
        running = [child for child in running if child.process.poll() is None]
        for child in running:
            child.process.send_signal(number)
        for child in running:
            with suppress(subprocess.TimeoutExpired):
                child.process.wait(patience_s)


def _prepare() -> None:
    # What runs in the background of a script ignores SIGINT, and so would all that it starts.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    # Even a killed parent must not leave a camera behind that publishes for ever.
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
