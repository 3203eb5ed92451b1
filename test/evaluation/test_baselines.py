"""The listener that hears the first colour and noun only."""

from dataclasses import dataclass

import numpy as np
import pytest

from evf_sam_ros.evaluation.baselines import first_kind, keyword_guess, keyword_matches
from evf_sam_ros.sim.words import TABLETOP, Kind


@dataclass
class Thing:
    color: str
    shape: str
    lexicon = TABLETOP


TABLE = [Thing("red", "mug"), Thing("blue", "mug"), Thing("red", "box")]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("the red mug", Kind("red", "mug")),
        ("pick up the leftmost cup", Kind(None, "mug")),
        ("the mug left of the blue box", Kind(None, "mug")),
        ("all the red things", Kind("red", None)),
        ("[semantic] cube", Kind(None, "box")),
        ("the second blue ball from the left", Kind("blue", "ball")),
        ("xyzzy", None),
    ],
)
def test_the_first_noun_phrase_is_heard_and_the_rest_is_not(text, kind):
    assert first_kind(text) == kind


def test_every_object_of_that_kind_matches():
    assert keyword_matches("the red thing behind the mug", TABLE) == [0, 2]
    assert keyword_matches("the bowl", TABLE) == []
    assert keyword_matches("xyzzy", TABLE) == []


def test_a_guess_is_one_of_the_matches():
    rng = np.random.default_rng(0)
    assert {keyword_guess([0, 2], rng) for _ in range(50)} == {0, 2}
    assert keyword_guess([], rng) is None
