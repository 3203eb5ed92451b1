"""Numbers on the command line: read, or refused with what would be accepted."""

import argparse
import math
from collections.abc import Callable


def at_least(least: int) -> Callable[[str], int]:
    """Return what reads a whole number from `least` on."""

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
        if number < least:
            raise argparse.ArgumentTypeError(f"{number} is not {least} or more")
        return number

    return read


def between(least: float, most: float = math.inf) -> Callable[[str], float]:
    """Return what reads a finite number from `least` to `most`."""

    def read(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
        if not (math.isfinite(number) and least <= number <= most):
            limit = "or more" if most == math.inf else f"to {most:g}"
            raise argparse.ArgumentTypeError(f"{text} is not {least:g} {limit}")
        return number

    return read
