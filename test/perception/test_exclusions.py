"""Answers about all of a kind, without what is left out."""

import numpy as np

from evf_sam_ros.perception.exclusions import rest_of, with_exclusions
from evf_sam_ros.perception.segmentation import Segmentation
from evf_sam_ros.perception.stage_times import StageTimes


def square(*columns):
    mask = np.zeros((40, 120), bool)
    for column in columns:
        mask[10:30, column : column + 20] = True
    return mask


SEEN = {
    "all cones": square(5, 45, 85),
    "all red cones": square(46),
    "all blue cones": square(86),
    "all green cones": square(),
    "the mug": square(5),
}


def ask(prompts):
    masks = np.stack([SEEN.get(prompt, square()) for prompt in prompts])
    count = len(prompts)
    unknown = tuple(() if prompt in SEEN else ("zebra",) for prompt in prompts)
    return Segmentation(
        masks=masks,
        scores=np.ones(count, np.float32),
        found=masks.any((1, 2)),
        predicted_iou=np.ones(count, np.float32),
        unknown_words=unknown,
        logits=np.zeros((count, 4, 4), np.float32),
        times=StageTimes(0, 0, 0, 0),
        readings=((),) * count,
    )


def test_what_is_left_out_is_taken_from_all_of_the_kind():
    answer = with_exclusions(ask, ["the mug", "all cones but the red one"])
    np.testing.assert_array_equal(answer.masks[0], square(5))
    np.testing.assert_array_equal(answer.masks[1], square(5, 85))
    assert answer.found.tolist() == [True, True]


def test_several_may_be_left_out_and_what_is_not_there_changes_nothing():
    one = with_exclusions(ask, ["the cone that is not red or blue"])
    np.testing.assert_array_equal(one.masks[0], square(5))
    every = with_exclusions(ask, ["all cones except the green one"])
    np.testing.assert_array_equal(every.masks[0], square(5, 45, 85))


def test_an_unknown_word_in_what_is_left_out_is_named_and_nothing_is_found():
    answer = with_exclusions(ask, ["all cones but the purple box"])
    assert answer.unknown_words == (("zebra",),)
    assert not answer.found[0]
    assert not answer.masks.any()


def test_an_answer_without_exclusions_is_the_models_own():
    own = ask(["the mug"])
    assert with_exclusions(lambda prompts: own, ["the mug"]) is own


def test_the_rim_of_what_is_left_out_goes_with_it():
    wide = square(5, 45)
    wide[8:32, 44:66] = True
    np.testing.assert_array_equal(rest_of(wide, square(45)), square(5))
