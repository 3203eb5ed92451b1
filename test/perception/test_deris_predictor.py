"""A DeRIS behind the predictor: formula weights under released names, with a vocabulary."""

from dataclasses import replace

import numpy as np
import pytest
from tiny_deris import CONFIG, write_released

from evf_sam_ros.perception.decision import Calibration
from evf_sam_ros.perception.judgement import Status, judge
from evf_sam_ros.perception.predictor import load_predictor
from evf_sam_ros.training.calibration_fit import store

IMAGE = np.random.default_rng(3).integers(0, 255, (60, 80, 3), np.uint8)
PROMPTS = ["the red mug", "a blue bowl"]


def with_threshold(threshold):
    return replace(CONFIG, segmenter=replace(CONFIG.segmenter, score_threshold=threshold))


@pytest.fixture(scope="module")
def sure(tmp_path_factory):
    """Return a predictor to which every query is an object."""
    folder = tmp_path_factory.mktemp("deris") / "sure"
    predictor = load_predictor(write_released(folder, with_threshold(1e-6)), "cpu")
    # Random weights give masks of the whole picture; about their mean they differ by query.
    fuse = predictor.model.segmenter.decoder.fuse
    fuse.register_forward_hook(lambda _m, _i, grid: grid - grid.mean((2, 3), keepdim=True))
    return predictor


@pytest.fixture(scope="module")
def doubtful(tmp_path_factory):
    """Return a predictor to which no query is."""
    folder = tmp_path_factory.mktemp("deris") / "doubtful"
    return load_predictor(write_released(folder, with_threshold(0.5), doubt=6.0), "cpu")


def test_without_a_selected_query_it_says_plainly_that_nothing_is_there(doubtful):
    answer = doubtful(IMAGE, PROMPTS)
    assert not answer.found.any()
    assert not answer.masks.any()
    assert [judge(prompt, answer, i).status for i, prompt in enumerate(PROMPTS)] == [
        Status.NOT_FOUND,
        Status.NOT_FOUND,
    ]


def test_with_selected_queries_their_masks_are_the_answer(sure):
    answer = sure(IMAGE, PROMPTS)
    assert answer.found.all()
    assert answer.masks.shape == (2, 60, 80)
    assert answer.masks.any((1, 2)).all()
    for index, mask in enumerate(answer.masks):
        union = np.logical_or.reduce(answer.instances_of(index))
        np.testing.assert_array_equal(union, mask)


def test_several_selected_queries_are_ambiguous_for_one_and_found_for_several(sure):
    answer = sure(IMAGE, ["the red mug"])
    assert len(answer.instances_of(0)) > 1
    assert judge("the red mug", answer).status is Status.AMBIGUOUS
    assert judge("all red mugs", answer).status is Status.FOUND


def test_prompts_that_are_asked_together_do_not_influence_each_other(sure):
    together = sure(IMAGE, PROMPTS)
    for index, prompt in enumerate(PROMPTS):
        alone = sure(IMAGE, [prompt])
        assert together.presence[index] == pytest.approx(alone.presence[0], rel=1e-3)
        differing = np.count_nonzero(together.masks[index] ^ alone.masks[0])
        assert differing <= 0.001 * alone.masks[0].size


def test_the_head_that_its_authors_ignore_is_a_signal_of_its_own(sure):
    ((answer, signals),) = sure.measured([IMAGE], [PROMPTS])
    assert signals["existence"].shape == (2,)
    np.testing.assert_array_equal(signals["existence"], answer.existence)
    assert answer.existence[0] != answer.existence[1]
    assert not np.allclose(signals["existence"], signals["presence"])
    assert answer.first(1).existence.shape == (1,)


def test_a_calibration_may_weigh_it(tmp_path):
    folder = write_released(tmp_path / "model")
    never = Calibration(weights={"existence": 1.0}, bias=-50.0, threshold=0.5)
    always = Calibration(weights={"existence": 1.0}, bias=50.0, threshold=0.5)
    for calibration, found in ((never, False), (always, True)):
        store(folder, calibration)
        predictor = load_predictor(folder, "cpu")
        assert predictor.calibrated
        assert predictor(IMAGE, ["the red mug"]).found.tolist() == [found]


def test_capitals_and_signs_do_not_change_the_answer(sure):
    plain, loud = sure(IMAGE, ["the red mug"]), sure(IMAGE, ["The RED mug!?"])
    np.testing.assert_array_equal(plain.logits, loud.logits)


def test_a_task_by_name_is_refused(sure):
    with pytest.raises(ValueError, match=r"starts with \[semantic\]"):
        sure(IMAGE, ["[semantic] mug"])


def test_a_sentence_that_is_longer_than_in_training_is_refused_not_cut(sure):
    with pytest.raises(ValueError, match="this model reads at most 20"):
        sure(IMAGE, ["the red mug left of the blue bowl left of the cup"])


def test_where_its_likeliest_query_looks_is_told_place_by_place(sure):
    answer = sure(IMAGE, PROMPTS, attention=True)
    assert answer.attention.shape == (2, 8, 8)  # the finest level of 64 pixels
    np.testing.assert_allclose(answer.attention.sum((1, 2)), 1, rtol=1e-5)
    assert np.abs(answer.attention[0] - answer.attention[1]).max() > 1e-4
    np.testing.assert_array_equal(answer.logits, sure(IMAGE, PROMPTS).logits)


def test_a_folder_without_a_vocabulary_is_refused(tmp_path):
    folder = write_released(tmp_path / "mute", words=False)
    with pytest.raises(ValueError, match=r"no tokenizer, need one of .*beit3\.spm") as caught:
        load_predictor(folder, "cpu")
    assert "\n" not in str(caught.value)


def test_it_says_that_it_can_say_no_and_on_which_condition(sure):
    from evf_sam_ros.perception.knowledge import notes

    said = " ".join(notes(sure))
    assert "CC BY-NC 4.0" in said
    assert "whatever has a mask counts as found" not in said
