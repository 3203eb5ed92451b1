"""Start a program of this package; a signal during its imports ends it quietly.

Importing PyTorch takes seconds, and `run.py`, which takes the signals later, is imported with it.
Imports nothing slow itself.
"""

import os
import signal
from importlib import import_module
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def start(module: str) -> int:
    """Import a module of this package, run its `main` and return the exit code.

    A node keeps the quiet handlers until `run` replaces them; other programs get back the ones
    they had, since they turn Ctrl-C into an orderly end themselves.
    """
    before = {number: signal.signal(number, _leave) for number in SIGNALS}
    main = import_module(f"evf_sam_ros.{module}").main
    if not module.endswith("_node"):
        for number, handler in before.items():
            signal.signal(number, handler)
    return main() or 0


def _leave(number: int, frame: FrameType | None) -> None:
    os._exit(0)
