"""Mugs are several, scissors are not."""

import pytest

from evf_sam_ros.language.nouns import is_plural, plural, singular


@pytest.mark.parametrize(
    ("one", "several"),
    [("mug", "mugs"), ("box", "boxes"), ("dish", "dishes"), ("bench", "benches"),
     ("slice", "slices"), ("lens", "lenses"), ("dress", "dresses")],
)  # fmt: skip
def test_regular_nouns_go_both_ways(one, several):
    assert plural(one) == plural(several) == several
    assert singular(one) == one
    assert is_plural(several)
    assert not is_plural(one)


@pytest.mark.parametrize("noun", ["scissors", "jeans", "sunglasses"])
def test_pairs_have_one_form(noun):
    assert plural(noun) == singular(noun) == noun
    assert not is_plural(noun)


@pytest.mark.parametrize("noun", ["glass", "bus", "iris"])
def test_not_everything_in_s_is_several(noun):
    assert singular(noun) == noun
    assert not is_plural(noun)
