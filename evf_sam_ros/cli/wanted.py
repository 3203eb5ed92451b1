"""Arguments that say what to find, and the exit code that says whether it was. Nothing slow."""

import argparse
from collections.abc import Iterable

from evf_sam_ros.language.requests import asked_for

FOUND, NOT_FOUND, WRONG_INPUT = 0, 1, 2
EXIT_CODES = """
exit code: 0 everything that was asked for is FOUND{where}, 1 it is not (NOT_FOUND, AMBIGUOUS,
LOW_CONFIDENCE, UNSUITABLE_IMAGE), 2 wrong input; docs/reference/command_line.md has all of them
"""


def add_wanted(parser: argparse.ArgumentParser) -> None:
    """Add the sentences, and the expressions that are taken literally."""
    parser.add_argument(
        "sentence",
        nargs="*",
        help='sentence on what to find, as for the node: "pick up the red mug, please"; for '
        'several objects: "the red mug; the bowl"',
    )
    parser.add_argument(
        "--expression",
        action="append",
        default=[],
        metavar="E",
        help="expression that the model gets literally; may be repeated",
    )


def wanted(arguments: argparse.Namespace) -> list[str]:
    """Return the expressions that the arguments ask for, at least one.

    Raises:
        ValueError: a sentence that the node would reject, or nothing to find.
    """
    return asked_for(arguments.sentence, arguments.expression)


def exit_code(found: Iterable[bool]) -> int:
    """Return the exit code for expressions of which these were found."""
    return FOUND if all(found) else NOT_FOUND
