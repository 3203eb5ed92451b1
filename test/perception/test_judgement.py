"""Status, sentence and objects of an answer, from rectangles as a model's mask."""

from dataclasses import replace

import numpy as np
import pytest

from evf_sam_ros.language.spelling import Reading
from evf_sam_ros.perception.judgement import Rules, Status, judge, label_image
from evf_sam_ros.perception.predictor import Segmentation, StageTimes

SIZE = 60, 80
LEFT, RIGHT, BELOW = (5, 5, 10, 10), (50, 6, 10, 9), (7, 45, 10, 10)  # x, y, width, height


def answer_with(*boxes, found=True, **extra):
    mask = np.zeros((1, *SIZE), bool)
    for x, y, width, height in boxes:
        mask[0, y : y + height, x : x + width] = True
    values = {"unknown_words": ((),), **extra}
    return Segmentation(
        masks=mask & found,
        scores=np.array([0.9 if found else 0.1], np.float32),
        found=np.array([found]),
        predicted_iou=np.ones(1, np.float32),
        logits=mask * 1.0,
        times=StageTimes(0, 0, 0, 0),
        proposed=mask,
        **values,
    )


def judged(answer, expression="the red mug", **rules):
    return judge(expression, answer, rules=Rules(**{"least_area_px": 4, **rules}))


def test_two_that_fit_are_told_apart_in_words():
    judgement = judged(answer_with(LEFT, RIGHT))
    assert judgement.status is Status.AMBIGUOUS
    assert judgement.message == "2 red mugs: the left one, the right one; say which"
    assert judgement.descriptions == ("the left one", "the right one")
    assert [int(part.sum()) for part in judgement.parts] == [100, 90]
    assert not judgement.mask(SIZE).any()


def test_one_above_the_other_are_told_apart_by_that():
    assert judged(answer_with(LEFT, BELOW)).descriptions == ("the upper one", "the lower one")


def test_four_in_a_row_are_counted_from_the_left():
    row = [(10 + 16 * place, 20, 4 + place, 5) for place in range(4)]
    words = judged(answer_with(*row)).descriptions
    assert words[0] == "the fourth one from the left"  # the widest comes first
    assert sorted(words)[0] == "the first one from the left"
    assert len(set(words)) == 4


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("the box behind the mug", "2 boxes behind the mug"),
        ("a cup", "2 cups"),
        ("find the red mug, please", "2 red mugs, please"),
        ("red mug on the left", "2 red mugs on the left"),
    ],
)
def test_candidates_are_counted_in_the_words_of_the_expression(expression, told):
    assert judged(answer_with(LEFT, RIGHT), expression).message.startswith(f"{told}: the left one")


def test_a_word_read_as_another_is_told_with_the_answer():
    readings = ((Reading("bottel", "bottle"), Reading("coloured", "")),)
    assert judged(answer_with(LEFT, readings=readings[:1])).message == (
        "'bottel' read as 'bottle'; 'coloured' left out"
    )
    missing = judged(answer_with(LEFT, readings=readings, found=False))
    assert missing.message.startswith("'bottel' read as 'bottle'; 'coloured' left out; nothing")


def test_a_picture_that_cannot_be_judged_is_never_found_and_says_why():
    judgement = judged(answer_with(LEFT).unless("the picture is too dark"))
    assert judgement.status is Status.UNSUITABLE_IMAGE
    assert judgement.message == "the picture is too dark"
    assert judgement.parts == ()


def test_without_a_calibration_found_says_so_and_may_be_refused():
    bare = answer_with(LEFT)
    assert not judged(bare).calibrated
    assert judged(bare).status is Status.FOUND
    assert judged(bare, require_calibration=True).status is Status.LOW_CONFIDENCE
    fitted = judged(replace(bare, calibrated=True), require_calibration=True)
    assert (fitted.status, fitted.calibrated) == (Status.FOUND, True)


def test_a_shared_pixel_belongs_to_the_first_mask():
    wide, narrow = np.ones((2, 4), bool), np.zeros((2, 4), bool)
    narrow[:, :2] = True
    np.testing.assert_array_equal(
        label_image((2, 4), [(7, narrow), (9, wide)]), [[7, 7, 9, 9], [7, 7, 9, 9]]
    )
    np.testing.assert_array_equal(
        label_image((2, 4), [(9, wide), (7, narrow)]), np.full((2, 4), 9)
    )


def test_the_chosen_one_of_several_is_found():
    answer = answer_with(LEFT, RIGHT)
    chosen = judge("the red mug", answer, rules=Rules(least_area_px=4), choice="the right one")
    assert (chosen.status, chosen.message) == (Status.FOUND, "the right one of 2 red mugs")
    assert [int(part.sum()) for part in chosen.parts] == [90]
    assert chosen.mask(SIZE).sum() == 90


def test_a_chosen_one_that_can_no_longer_be_told_is_not_acted_on():
    for boxes in ((LEFT,), (LEFT, BELOW)):
        chosen = judge(
            "the mug", answer_with(*boxes), rules=Rules(least_area_px=4), choice="the right one"
        )
        assert chosen.status is Status.LOW_CONFIDENCE
        assert "the right one was chosen" in chosen.message
        assert not chosen.mask(SIZE).any()


def test_rivals_that_the_mask_does_not_show_are_candidates():
    rival = np.zeros(SIZE, bool)
    rival[40:52, 60:72] = True
    answer = answer_with(LEFT, rivals=((rival,),))
    several = judged(answer)
    assert several.status is Status.AMBIGUOUS
    assert [int(part.sum()) for part in several.parts] == [144, 100]
    assert judged(answer, "all red mugs").status is Status.FOUND
    assert judged(answer, least_area_px=145).status is Status.NOT_FOUND
    assert judged(replace(answer, rivals=((),))).status is Status.FOUND
