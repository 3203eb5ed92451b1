"""Ordinary English, said in the words that the tabletop's model learned."""

from pathlib import Path

import numpy as np
import pytest
from tabletop_sentences import sentences

from evf_sam_ros.language.everyday import EverydayTokenizer
from evf_sam_ros.language.paraphrase import exclusion, paraphrased
from evf_sam_ros.language.spelling import Reading
from evf_sam_ros.language.tokenizer import load_tokenizer

TABLETOP = Path(__file__).parents[2] / "evf_sam_ros" / "models" / "tabletop"


@pytest.fixture(scope="module")
def everyday():
    return EverydayTokenizer(load_tokenizer(TABLETOP))


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("the tall bottle", "the tallest bottle"),
        ("the shorter of the two cans", "the smallest can"),
        ("the bigger of the red mugs", "the bigger red mug"),
        ("the left of the two cones", "the left cone"),
        ("a dark green box", "a green box"),
        ("every cone", "all cones"),
        ("each of the boxes", "all boxes"),
        ("both cups", "the two cups"),
        ("both of the blue cups", "the two blue cups"),
        ("all 3 cups", "the three cups"),
        ("all of the cups", "all cups"),
        ("everything green", "all green things"),
        ("whatever is green", "all green things"),
        ("something green", "a green thing"),
        ("one of the cones", "a cone"),
        ("the upper box", "the back box"),
        ("the box at the bottom of the picture", "the box at the front"),
        ("the ball closer to us", "the ball closest to the camera"),
        ("the ball further away from you", "the ball farthest from the camera"),
        ("the ball in the lower left corner", "the ball on the left"),
        ("the ball on the right-hand side", "the ball on the right side"),
        ("the ball by the cone", "the ball next to the cone"),
        ("the ball above the cone", "the ball behind the cone"),
        ("the ball below the cone", "the ball in front of the cone"),
        ("the ball covering the cone", "the ball in front of the cone"),
        ("the ball standing left of the cones", "the ball left of the cones"),
        ("the mug with a can to its right", "the mug to the left of the can"),
        ("the mug with a blue one behind it", "the mug in front of the blue mug"),
        ("[semantic] upper mug", "[semantic] upper mug"),
    ],
)
def test_ordinary_words_become_those_of_the_grammar(said, read):
    assert paraphrased(said) == read


def test_sentences_of_the_grammar_stay_as_they_are():
    for sentence in sentences(np.random.default_rng(3), 400):
        assert paraphrased(sentence) == sentence.lower()
        assert exclusion(sentence) is None


@pytest.mark.parametrize("word", ["wooden", "striped", "dark", "empty", "banana"])
def test_a_word_without_a_meaning_on_the_tabletop_stays_unknown(everyday, word):
    assert everyday.unknown_words(f"the {word} mug") == [word]


def test_what_is_read_otherwise_is_told(everyday):
    assert everyday.readings("the upper mug") == [Reading("the upper mug", "the back mug")]
    assert everyday.readings("the red mug on the left") == []
    assert everyday.readings("The Red Mug!") == []
    assert everyday.encode("the upper mug") == everyday.encode("the back mug")


@pytest.mark.parametrize(
    ("said", "every", "outs"),
    [
        ("all cones except the red one", "all cones", ["all red cones"]),
        ("the cone that is not red", "all cones", ["all red cones"]),
        ("the cones that aren't red or blue", "all cones", ["all red cones", "all blue cones"]),
        ("everything but the cone", "all things", ["all cones"]),
        ("the red thing that isn't a cone", "all red things", ["all cones"]),
        ("every cone but the one on the left", "all cones", ["the cone on the left"]),
    ],
)
def test_what_is_left_out_is_asked_for_by_itself(said, every, outs):
    assert exclusion(said) == (every, outs)


@pytest.mark.parametrize(
    "said", ["the red mug", "guy not wearing glasses", "[semantic] not a mug"]
)
def test_other_sentences_leave_nothing_out(said):
    assert exclusion(said) is None
