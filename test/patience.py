"""Time-outs of tests, longer on a slower or busier machine: they end what hangs and time nothing.

`EVF_SAM_TEST_PATIENCE` multiplies them once more.
"""

import os
import time
from functools import cache

_QUIET_S = 0.05  # of the work below, on a core at 3 GHz without other work
_MOST = 8.0


def patience(seconds: float) -> float:
    """Return a time-out for what takes less than `seconds` on a quiet, recent machine."""
    return seconds * machine_factor()


@cache
def machine_factor() -> float:
    """Return how many times longer than there a test may take here, at least 1."""
    started = time.perf_counter()
    sum(range(4_000_000))
    slowness = (time.perf_counter() - started) / _QUIET_S
    waiting = os.getloadavg()[0] / (os.cpu_count() or 1)
    own_choice = float(os.environ.get("EVF_SAM_TEST_PATIENCE", "1"))
    return min(max(1.0, slowness, waiting), _MOST) * own_choice
