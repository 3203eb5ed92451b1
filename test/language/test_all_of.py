"""Sentences for one object turned into sentences for all that fit."""

import pytest

from evf_sam_ros.language.all_of import all_of


@pytest.mark.parametrize(
    ("expression", "several", "related"),
    [
        ("the red mug", "all red mugs", False),
        ("pick up a box.", "all boxes", False),
        ("mug that is red", "all mugs that are red", False),
        ("the mug behind the bowl", "all mugs behind the bowl", True),
        ("the box to the left of the mug", "all boxes to the left of the mug", True),
        ("the can that is between the mug and the bowl",
         "all cans that are between the mug and the bowl", True),
    ],
)  # fmt: skip
def test_one_becomes_all_of_its_kind(expression, several, related):
    assert all_of(expression) == (several, related)


@pytest.mark.parametrize(
    "expression",
    ["the mug on the left", "the leftmost mug", "the second mug from the left", "the largest box",
     "the mug closest to the bowl", "the box in the middle", "the mug in front", "the next mug",
     "[mug] the red one", "the mug, not the bowl", "", "the"],
)  # fmt: skip
def test_what_chooses_one_of_several_has_no_such_form(expression):
    assert all_of(expression) is None
