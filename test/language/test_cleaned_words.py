"""Sentences without capitals and signs."""

import pytest

from evf_sam_ros.language.cleaned_words import CleanedTokenizer, cleaned
from evf_sam_ros.models.variants import VARIANTS, reads_cleaned_words


class Letters:
    """A vocabulary of characters that notes what it was given."""

    size, reads_unknown = 128, True

    def encode(self, text):
        return [0, *map(ord, text), 2]

    def unknown_words(self, text):
        return text.split()

    def readings(self, text):
        return [text]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The Red Mug.", "the red mug"),
        ("man's T-shirt", "mans t shirt"),
        ("left/right", "left right"),
        ('(the) "one"; #2: yes, *no*?!', "the one 2 yes no"),
        ("Tasse für Ähren & 50 %", "tasse für ähren & 50 %"),
    ],
)
def test_capitals_and_signs_go(text, expected):
    assert cleaned(text) == expected


def test_the_vocabulary_sees_the_cleaned_text_alone():
    words = CleanedTokenizer(Letters())
    assert words.encode("A-b!") == [0, ord("a"), ord(" "), ord("b"), 2]
    assert words.unknown_words("The Mug?") == ["the", "mug"]
    assert words.readings("Mug.") == ["mug"]
    assert (words.size, words.reads_unknown) == (128, True)


def test_nothing_but_signs_is_an_empty_prompt():
    assert CleanedTokenizer(Letters()).encode("...!?") == [0, 2]


def test_the_name_of_a_token_is_not_typed_by_accident():
    assert cleaned("</s>") == "< s>"


def test_models_of_this_group_read_cleaned_words_and_others_do_not():
    assert reads_cleaned_words(VARIANTS["deris_b"])
    assert not reads_cleaned_words(VARIANTS["evf_sam"])
