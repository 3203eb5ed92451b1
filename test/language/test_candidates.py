"""Names of candidates, and sentences that choose one of them."""

import pytest

from evf_sam_ros.language.candidates import ACROSS, DOWN, names, picked

PAIR, STACK, ROW = names(2, ACROSS), names(2, DOWN), names(4, ACROSS)


@pytest.mark.parametrize("count", range(2, 17))
@pytest.mark.parametrize("direction", [ACROSS, DOWN])
def test_every_name_chooses_its_own_candidate(count, direction):
    told = names(count, direction)
    assert len(set(told)) == count
    assert [picked(name, told[::-1]) for name in told] == list(told)


@pytest.mark.parametrize(
    ("sentence", "candidates", "choice"),
    [
        ("pick up the left one, please", PAIR, "the left one"),
        ("the one on the right", PAIR, "the right one"),
        ("no, the right one", PAIR, "the right one"),
        ("Left.", PAIR, "the left one"),
        ("the second one", PAIR, "the right one"),
        ("the last one", PAIR, "the right one"),
        ("the rightmost one", PAIR, "the right one"),
        ("the top one", STACK, "the upper one"),
        ("the one in front", STACK, "the lower one"),
        ("the second one from the right", ROW, "the third one from the left"),
        ("the leftmost one", ROW, "the first one from the left"),
        ("the middle one", names(3, ACROSS), "the middle one"),
    ],
)
def test_people_choose_in_other_words_as_well(sentence, candidates, choice):
    assert picked(sentence, candidates) == choice


@pytest.mark.parametrize(
    ("sentence", "candidates"),
    [
        ("the blue one", PAIR),
        ("the upper one", PAIR),
        ("the left one", STACK),
        ("the middle one", PAIR),
        ("the third one", PAIR),
        ("the left mug", PAIR),
        ("the left one; the bowl", PAIR),
        ("stop", PAIR),
        ("", PAIR),
        ("the left one", ()),
        ("the left one", ("the red one", "the blue one")),
    ],
)
def test_what_chooses_none_of_them_is_left_alone(sentence, candidates):
    assert picked(sentence, candidates) is None
