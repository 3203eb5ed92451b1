"""Numbers on the command line, and the refusal of anything else."""

from argparse import ArgumentTypeError

import pytest

from evf_sam_ros.cli.option_types import at_least, between


def test_numbers_within_the_limits_are_read():
    assert at_least(1)("1") == 1
    assert between(0)("0.25") == 0.25
    assert between(0, 1)("1") == 1.0


@pytest.mark.parametrize(
    ("read", "text", "said"),
    [
        (at_least(1), "0", "0 is not 1 or more"),
        (at_least(1), "many", "'many' is not a whole number"),
        (at_least(1), "1.5", "'1.5' is not a whole number"),
        (between(0), "-0.1", "-0.1 is not 0 or more"),
        (between(0), "nan", "nan is not 0 or more"),
        (between(0), "inf", "inf is not 0 or more"),
        (between(0, 1), "2", "2 is not 0 to 1"),
        (between(0, 1), "half", "'half' is not a number"),
    ],
)
def test_anything_else_is_refused_with_what_would_be_accepted(read, text, said):
    with pytest.raises(ArgumentTypeError, match=f"^{said}$"):
        read(text)
