"""One object or several: by the words, and by the mask."""

import numpy as np
import pytest

from evf_sam_ros.perception import instances
from evf_sam_ros.perception.geometry import split_instances
from evf_sam_ros.perception.instances import (
    means_several,
    objects_of,
    split_objects,
    tidied,
)


def mask_of(*boxes, size=(60, 80)):
    mask = np.zeros(size, bool)
    for x, y, width, height in boxes:
        mask[y : y + height, x : x + width] = True
    return mask


def is_ambiguous(expression, mask, depth_m=None):
    return len(objects_of(expression, mask, depth_m, 1)) > 1 and not means_several(expression)


TWO = mask_of((5, 5, 20, 20), (50, 30, 15, 20))


@pytest.mark.parametrize(
    "expression",
    ["all red mugs", "the two boxes", "both mugs", "[semantic] cone", "red mugs on the left",
     "Please find all the bowls", "the boxes behind the mug"],
)  # fmt: skip
def test_these_mean_several(expression):
    assert means_several(expression)


@pytest.mark.parametrize(
    "expression",
    ["the red mug", "the mug next to the boxes", "the glass on the left", "the bus",
     "pick up the second ball from the left", "the one behind the two boxes", "scissors"],
)  # fmt: skip
def test_these_mean_one(expression):
    assert not means_several(expression)


def test_a_singular_sentence_whose_mask_shows_two_objects_is_ambiguous():
    assert is_ambiguous("the red mug", TWO)
    assert not is_ambiguous("all red mugs", TWO)
    assert not is_ambiguous("the red mug", mask_of((5, 5, 20, 20)))
    assert not is_ambiguous("the red mug", mask_of())


def test_specks_beside_an_object_are_no_second_one():
    assert not is_ambiguous("the red mug", mask_of((5, 5, 20, 20), (50, 30, 5, 5)))


def test_several_targets_become_several_objects_the_largest_first():
    parts = split_objects(TWO)
    assert [int(part.sum()) for part in parts] == [400, 300]
    np.testing.assert_array_equal(np.logical_or.reduce(parts), TWO)


def test_one_object_behind_a_pole_is_one():
    mask = mask_of((10, 20, 20, 20), (36, 20, 20, 20))
    depth_m = np.full(mask.shape, 1.0, np.float32)
    assert is_ambiguous("the red box", mask, depth_m)
    depth_m[:, 30:36] = 0.5  # something nearer stands between the halves
    assert not is_ambiguous("the red box", mask, depth_m)


def tidy(logits, expression):
    return tidied(logits > 0, lambda: logits, expression)


def mask_logits(*parts):
    """A picture with parts of given width and peak logit, far apart."""
    logits = np.full((20, 200), -5.0)
    for place, (width, logit) in enumerate(parts):
        logits[5:15, 50 * place : 50 * place + width] = logit
    return logits


def test_a_part_of_which_the_model_is_less_sure_is_dropped():
    logits = mask_logits((20, 6.0), (20, 1.0))
    kept = tidy(logits, "the red mug")
    assert kept[:, :20].any()
    assert not kept[:, 50:].any()


def test_two_parts_of_the_same_weight_are_kept_for_the_user_to_choose():
    kept = tidy(mask_logits((20, 6.0), (18, 6.0)), "the red mug")
    assert kept[:, :20].any()
    assert kept[:, 50:].any()


def test_small_sure_parts_count_where_several_are_asked_for():
    logits = mask_logits((40, 6.0), (4, 6.0), (1, -1.0))
    assert not tidy(logits, "the red mug")[:, 50:].any()
    assert tidy(logits, "all red mugs")[:, 50:].any()


def test_an_empty_mask_stays_empty():
    assert not tidy(np.full((4, 4), -1.0), "the red mug").any()


def test_the_logits_of_a_mask_of_one_part_are_not_asked_for():
    one = mask_logits((20, 6.0)) > 0
    kept = tidied(one, lambda: pytest.fail("asked for"), "the red mug")
    np.testing.assert_array_equal(kept, one)


def test_parts_are_looked_for_where_the_mask_is_alone(monkeypatch):
    sizes = []

    def split(mask, *given):
        sizes.append(mask.shape)
        return split_instances(mask, *given)

    monkeypatch.setattr(instances, "split_instances", split)
    logits = mask_logits((20, 6.0), (20, 1.0))
    np.testing.assert_array_equal(np.flatnonzero(tidy(logits, "the red mug").any(0)), range(20))
    assert sizes == [(10, 70)]
