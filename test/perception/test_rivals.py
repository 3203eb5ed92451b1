"""Other objects that fit: what the model is asked, and what is made of its answers."""

import numpy as np
import pytest

from evf_sam_ros.perception.rivals import others_in, rules_from, with_rivals, without
from evf_sam_ros.perception.segmentation import Segmentation
from evf_sam_ros.perception.stage_times import StageTimes

SIZE = 48, 64
LEFT, RIGHT, BOTH = ((8, 8),), ((8, 40),), ((8, 8), (8, 40))  # rows and columns of squares


def document(suspicion=1.0, verdict=1.0):
    """Decide by one signal each: another part for all, and something in what is left."""
    decisions = {
        "suspicion": {"weights": {"other_mean": suspicion}, "bias": 0.0},
        "verdict": {"weights": {"rest_peak": verdict}, "bias": 0.0},
    }
    return {"rivals": {"plain": decisions, "related": decisions}}


def mask_of(corners):
    mask = np.zeros(SIZE, bool)
    for row, column in corners:
        mask[row : row + 12, column : column + 12] = True
    return mask


class Asked:
    """A model that covers given squares by prompt, and only what the picture still shows."""

    def __init__(self, **squares):
        self.squares = {name.replace("_", " "): mask_of(where) for name, where in squares.items()}
        self.runs = []

    def __call__(self, images_rgb, prompts):
        self.runs.append(prompts)
        return [self._answer(*pair) for pair in zip(images_rgb, prompts, strict=True)]

    def _answer(self, image_rgb, prompts):
        seen = image_rgb[..., 0] > 100
        masks = np.stack([self.squares[prompt] & seen for prompt in prompts])
        found = masks.any((1, 2))
        return Segmentation(
            masks=masks,
            scores=np.where(found, 0.9, 0.1).astype(np.float32),
            found=found,
            predicted_iou=np.ones(len(masks), np.float32),
            unknown_words=((),) * len(masks),
            logits=np.where(masks, 5.0, -5.0).astype(np.float32),
            times=StageTimes(1.0, 1.0, 1.0, 1.0),
            proposed=masks,
        )


def picture():
    """Two bright squares on dark ground."""
    return (mask_of(BOTH)[..., None] * np.full(3, 200)).astype(np.uint8)


def rivals(model, *prompts, check=lambda _: None, **rules):
    return with_rivals(model, check, rules_from(document(**rules)), picture(), prompts)


def test_an_object_that_fits_as_well_is_a_rival():
    model = Asked(the_mug=LEFT, all_mugs=BOTH)
    model.squares["the mug"] = mask_of(BOTH)  # whatever is left
    first = model.squares["the mug"].copy()
    first[:, 30:] = False
    full = model._answer

    def one_at_a_time(image_rgb, prompts):
        model.squares["the mug"] = first if image_rgb[8, 8, 0] > 100 else mask_of(RIGHT)
        return full(image_rgb, prompts)

    model._answer = one_at_a_time
    answer = rivals(model, "the mug")
    assert model.runs == [[["the mug", "all mugs"]], [["the mug"]]]
    np.testing.assert_array_equal(answer.masks[0], mask_of(LEFT))
    [rival] = answer.rivals_of(0)
    np.testing.assert_array_equal(rival, mask_of(RIGHT))
    assert answer.times.total == 8.0  # both runs


def test_without_another_part_the_second_look_is_spared():
    model = Asked(the_mug=LEFT, all_mugs=LEFT)
    answer = rivals(model, "the mug")
    assert len(model.runs) == 1
    assert answer.rivals_of(0) == ()


def test_nothing_left_in_the_picture_means_no_rival():
    model = Asked(the_mug=LEFT, all_mugs=BOTH)
    assert rivals(model, "the mug").rivals_of(0) == ()
    assert len(model.runs) == 2


@pytest.mark.parametrize("prompt", ["all mugs", "the left mug"])
def test_what_means_several_or_chooses_one_is_asked_once(prompt):
    model = Asked(all_mugs=BOTH, the_left_mug=LEFT)
    answer = rivals(model, prompt)
    assert model.runs == [[(prompt,)]]
    assert len(answer.masks) == 1


def test_a_sentence_for_all_that_the_model_cannot_read_is_left_out():
    def check(text):
        raise ValueError(f"{text} is too long")

    model = Asked(the_mug=LEFT)
    assert len(rivals(model, "the mug", check=check).masks) == 1
    assert model.runs == [[("the mug",)]]


def test_each_answer_belongs_to_its_own_prompt():
    model = Asked(the_left_box=RIGHT, the_mug=LEFT, all_mugs=BOTH, the_cup=RIGHT, all_cups=RIGHT)
    answer = rivals(model, "the left box", "the mug", "the cup", verdict=-1.0)
    np.testing.assert_array_equal(answer.masks[1], mask_of(LEFT))
    assert [len(answer.rivals_of(index)) for index in range(3)] == [0, 1, 0]


def test_what_was_found_is_painted_over():
    gone = without(picture(), mask_of(LEFT))
    assert gone[:, :30].max() < 100
    np.testing.assert_array_equal(gone[:, 40:], picture()[:, 40:])


def test_a_part_counts_once_and_only_where_it_is_new():
    overlapping = mask_of(((8, 42),))  # shifted by two columns
    others = others_in(mask_of(LEFT), [mask_of(RIGHT), overlapping, mask_of(LEFT)])
    assert [int(each.sum()) for each in others] == [144]


def test_a_model_without_rules_is_not_asked():
    assert rules_from({}) is None


@pytest.mark.parametrize("broken", [3, {"plain": {}}, {"plain": None, "related": None}])
def test_broken_rules_are_refused_with_what_is_needed(broken):
    with pytest.raises(ValueError, match="need plain and related"):
        rules_from({"rivals": broken})


def test_an_unknown_signal_is_refused():
    odd = document()
    odd["rivals"]["plain"] = {
        "suspicion": {"weights": {"colour": 1.0}, "bias": 0.0},
        "verdict": {"weights": {}, "bias": 0.0},
    }
    with pytest.raises(ValueError, match="rivals"):
        rules_from(odd)
