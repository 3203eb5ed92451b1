"""Sentences that fit nothing: made of what is said, and checked against what is there."""

from pathlib import Path

import numpy as np
import pytest

from evf_sam_ros.data.records import Dataset, Expression, Record, Region
from evf_sam_ros.training.negatives import (
    ABSENT,
    ATTRIBUTE,
    LEVELS,
    OTHER,
    RELATION,
    Negatives,
    with_negatives,
    words,
)
from evf_sam_ros.training.samples import Sampler

SOMEWHERE = Region()


def record(name, *sentences, categories=()):
    expressions = tuple(
        Expression(f"{name}.{i}", text, SOMEWHERE, category=category)
        for i, (text, category) in enumerate(sentences)
    )
    return Record(Path(name), 4, 4, expressions, categories)


STREET = record(
    "street",
    ("the red car on the left", "car"), ("man with a hat", "person"), ("tall man", "person"),
    categories=("car", "person", "person"),
)  # fmt: skip
FARM = record("farm", ("brown cow", "cow"), ("horse near the gate", "horse"),
              categories=("cow", "horse"))  # fmt: skip
TOWN = record("town", ("yellow car", "car"), ("bus", "bus"), categories=("car", "bus"))
DATA = Dataset("refcoco", "train", (STREET, FARM, TOWN))


def drawn(picture, level):
    makers = Negatives(DATA)
    made = [makers.draw(picture, np.random.default_rng(seed), level) for seed in range(40)]
    return {each.text for each in made if each}


def test_absent_categories_come_from_other_pictures_and_are_not_here():
    assert drawn(STREET, ABSENT) == {"brown cow", "horse near the gate", "bus"}
    assert "yellow car" not in drawn(STREET, ABSENT)


def test_a_wrong_attribute_is_given_only_to_the_only_one_of_its_category():
    made = drawn(STREET, ATTRIBUTE)
    assert made
    assert all(text.startswith("the ") and text.endswith(" car on the left") for text in made)
    assert "the red car on the left" not in made
    assert not any("man" in text for text in made)  # there are two


def test_a_wrong_relation_is_the_opposite_place():
    assert drawn(STREET, RELATION) == {"the red car on the right"}
    assert drawn(FARM, RELATION) == {"horse far from the gate"}


def test_other_sentences_share_no_word_with_what_is_said_here():
    made = drawn(STREET, OTHER)
    assert made == {"brown cow", "horse near the gate", "bus"}
    assert not any(words(text) & words("the red car on the left man hat tall") for text in made)


def test_class_prompts_of_a_wholly_labelled_picture_may_be_any_class_it_lacks():
    kitchen = record("kitchen", ("[semantic] wall", "wall"), ("[semantic] sink", "sink"))
    field = record("field", ("[semantic] wall", "wall"), ("[semantic] grass", "grass"))
    makers = Negatives(Dataset("ade20k", "train", (kitchen, field)))
    made = {makers.draw(kitchen, np.random.default_rng(s), OTHER).text for s in range(20)}
    assert made == {"[semantic] grass"}


def test_a_negative_has_no_target_and_says_its_level():
    for seed in range(10):
        made = Negatives(DATA).draw(STREET, np.random.default_rng(seed))
        assert made.region is None
        assert made.kind in LEVELS
        assert not made.mask(4, 4).any()


def test_every_level_that_a_picture_allows_is_added_once():
    street, farm, _ = with_negatives(DATA, seed=3).records
    assert [e.kind for e in street.expressions[3:]] == list(LEVELS)
    assert {e.kind for e in farm.expressions[2:]} >= {ABSENT, RELATION}
    again, _, _ = with_negatives(DATA, seed=3).records
    assert again == street


def test_samples_are_drawn_at_their_rates_and_with_their_share_of_negatives():
    other = Dataset("ade20k", "train", (record("x", ("[semantic] sky", "sky")),))
    rng = np.random.default_rng(0)
    sampler = Sampler([DATA, other], {DATA.label: 3.0}, negatives=0.5)
    samples = [sampler.draw(rng) for _ in range(600)]
    from_other = sum(sample.record.image == Path("x") for sample in samples)
    assert from_other == pytest.approx(150, abs=40)
    assert max(len(sample.expressions) for sample in samples) <= 3
    said = [e for s in samples for e in s.expressions if s.record.image != Path("x")]
    assert sum(e.region is None for e in said) / len(said) == pytest.approx(0.5, abs=0.06)


def test_a_rate_for_what_is_not_there_is_refused():
    with pytest.raises(ValueError, match="a rate for 'ade20k/train', need one of refcoco"):
        Sampler([DATA], {"ade20k/train": 1.0})
    with pytest.raises(ValueError, match="every rate is 0"):
        Sampler([DATA], {DATA.label: 0.0})


def test_two_splits_of_one_data_set_have_a_rate_each():
    other = Dataset(DATA.name, "other", (record("x", ("the sky", "sky")),))
    rng = np.random.default_rng(0)
    for rates, expected in (((3.0, 1.0), 100), ((1.0, 3.0), 300)):
        sampler = Sampler([DATA, other], dict(zip((DATA.label, other.label), rates, strict=True)))
        drawn = [sampler.draw(rng).record.image for _ in range(400)]
        assert drawn.count(Path("x")) == pytest.approx(expected, abs=45)  # 5 standard deviations
