"""Slips of the fingers and British spelling are read as what they mean, and told."""

import pytest

from evf_sam_ros.language.spelling import Reading, reading_of
from evf_sam_ros.language.tokenizer import load_tokenizer
from evf_sam_ros.perception.model_folder import EMBEDDED_MODELS
from evf_sam_ros.perception.predictor import load_predictor

WORDS = frozenset(
    [
        "the",
        "red",
        "blue",
        "ball",
        "balls",
        "bottle",
        "box",
        "mug",
        "mugs",
        "boxes",
        "cube",
        "leftmost",
        "gray",
        "cone",
    ]
)


@pytest.fixture(scope="module")
def tabletop():
    return load_tokenizer(EMBEDDED_MODELS / "tabletop")


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("bottel", "bottle"),
        ("botle", "bottle"),
        ("botttle", "bottle"),
        ("mugg", "mug"),  # a letter typed twice, and not "mugs"
        ("bittle", "bottle"),
        ("boxs", "boxes"),  # and not "box" with a letter too many
        ("Bottel", "bottle"),
        ("left-most", "leftmost"),
        ("grey", "gray"),
        ("red-coloured", "red"),
        ("blue-colored", "blue"),
        ("coloured", ""),
        ("colour", ""),
    ],
)
def test_one_slip_or_another_spelling_is_read_as_the_word(said, meant):
    assert reading_of(said, WORDS) == Reading(said, meant)


@pytest.mark.parametrize(
    "word",
    [
        "xyzzy",
        "bel",  # too short
        "balle",  # "ball" or "balls"
        "bell",  # a word of its own right, like the next ones
        "tube",
        "glue",
        "your",
        "teal-coloured",
        "blls",  # "balls" or "bells"
        "bttel",  # two slips
        "🙂",
        "mug;drop",
    ],
)
def test_another_word_stays_unknown(word):
    assert reading_of(word, WORDS | {"four", "near", "bells"}) is None


@pytest.mark.parametrize(
    ("text", "plain", "readings"),
    [
        ("the red bottel", "the red bottle", ["'bottel' read as 'bottle'"]),
        (
            "THE YELOW CUBBE",
            "the yellow cube",
            ["'YELOW' read as 'yellow'", "'CUBBE' read as 'cube'"],
        ),
        ("the red coloured mug", "the red mug", ["'coloured' left out"]),
        ("the red-coloured mug.", "the red mug", ["'red-coloured' read as 'red'"]),
        ("the mug in the centre", "the mug in the center", []),
    ],
)
def test_the_default_reads_a_slip_like_the_word_and_tells(tabletop, text, plain, readings):
    assert tabletop.encode(text) == tabletop.encode(plain)
    assert tabletop.unknown_words(text) == []
    assert [str(reading) for reading in tabletop.readings(text)] == readings


@pytest.mark.parametrize(
    "word", ["tube", "bell", "clock", "pear", "glue", "crown", "sink", "doll", "jar", "grey"]
)
def test_the_default_names_objects_and_colours_it_never_learned(tabletop, word):
    assert tabletop.unknown_words(f"the {word} next to the bottel") == [word]
    assert [str(each) for each in tabletop.readings(f"the {word}")] == []


def test_a_sentence_without_slips_has_no_readings(tabletop):
    assert tabletop.readings("the small blue box left of the mug") == []


def test_the_answer_tells_what_was_read():
    import numpy as np

    predict = load_predictor()
    image = np.zeros((96, 128, 3), np.uint8)
    answer = predict(image, ["the red bottel", "the red bottle", "the xyzzy"])
    assert [len(each) for each in answer.readings] == [1, 0, 0]
    assert answer.unknown_words == ((), (), ("xyzzy",))
    assert answer.scores[0] == pytest.approx(answer.scores[1], abs=1e-6)
