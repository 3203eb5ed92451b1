"""Signals of an object's presence, and a predictor that asks for them."""

from dataclasses import dataclass

import numpy as np
import pytest
from rounding import assert_same
from tiny_model import write_tiny_model

from evf_sam_ros.perception.predictor import load_predictor
from evf_sam_ros.perception.signals import (
    ALL,
    ASKED,
    FREE,
    asked_signals,
    free_signals,
    mirrored_prompt,
    overlap,
    questions,
)


@dataclass
class Said:
    logits: np.ndarray
    predicted_iou: np.ndarray
    presence: np.ndarray | None = None


def logits(*rows):
    return np.array(rows, np.float32)[:, None, :]


def test_stability_and_certainty_are_of_the_mask_alone():
    signals = free_signals(logits([5, 5, 0.5, -9], [-9, -9, -9, -9]), np.zeros(2), None)
    np.testing.assert_allclose(signals["stability"], [2 / 3, 0])
    sure, undecided = 1 / (1 + np.exp(-5)), 1 / (1 + np.exp(-0.5))
    np.testing.assert_allclose(signals["certainty"], [(2 * sure + undecided) / 3, 0], rtol=1e-5)
    assert "presence" not in signals


def test_a_mask_that_any_phrase_gives_does_not_speak_for_the_words():
    # One prompt, then the two phrases that mean nothing.
    answer = Said(
        logits([9, 9, -9, -9], [9, 9, -9, -9], [-9, -9, 9, 9]), np.array([0.8, 0.7, 0.2])
    )
    signals = asked_signals(answer, 1, ("contrast", "text_matters"), None)
    np.testing.assert_allclose(signals["text_matters"], [0])
    np.testing.assert_allclose(signals["contrast"], [0.1], atol=1e-6)


def test_other_words_for_the_same_thing_should_give_the_same_mask():
    # Two prompts, then each in two other forms.
    masks = logits([9, 9, -9], [-9, 9, 9], [9, 9, -9], [9, -9, -9], [9, 9, -9], [-9, 9, 9])
    signals = asked_signals(Said(masks, np.zeros(6)), 2, ("paraphrase",), None)
    np.testing.assert_allclose(signals["paraphrase"], [1.0, (0 + 1) / 2])


def test_the_mirrored_picture_should_give_the_mirrored_mask():
    answer = Said(logits([9, 9, -9]), np.zeros(1))
    mirrored = Said(logits([-9, 9, 9]), np.zeros(1))
    np.testing.assert_allclose(asked_signals(answer, 1, ("flip",), mirrored)["flip"], [1.0])
    assert mirrored_prompt("the Left mug, rightmost") == "the right mug, leftmost"
    assert mirrored_prompt("upright, bright") == "upright, bright"


def test_two_empty_masks_agree():
    empty = np.zeros((1, 2, 2), bool)
    np.testing.assert_allclose(overlap(empty, empty), [1])
    np.testing.assert_allclose(overlap(empty, ~empty), [0])


def test_only_what_is_wanted_is_asked():
    assert questions(["a", "b"], FREE) == []
    assert len(questions(["a", "b"], ("contrast",))) == 2
    assert len(questions(["a", "b"], ASKED)) == 2 + 4


@pytest.fixture(scope="module")
def picture():
    return np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)


def test_a_careful_predictor_gives_the_same_masks_and_every_signal(tmp_path, picture):
    folder = write_tiny_model(tmp_path)
    prompts = ["the red mug", "the blue bowl left"]
    plain = load_predictor(folder)(picture, prompts)
    careful = load_predictor(folder, signals=ALL)
    ((answer, signals),) = careful.measured([picture], [prompts])
    assert signals.keys() == set(ALL)
    assert all(values.shape == (2,) for values in signals.values())
    np.testing.assert_array_equal(answer.proposed, plain.proposed)
    assert_same(signals["presence"], plain.presence)


def test_a_decision_that_needs_more_gets_it_without_being_asked(tmp_path, picture):
    decision = {"weights": {"flip": 8.0, "stability": 1.0}, "bias": -4.0, "threshold": 0.5}
    predict = load_predictor(write_tiny_model(tmp_path, decision))
    assert predict.signals == ("flip", "stability")
    prompts = ["the red mug", "the blue bowl"]
    answer = predict(picture, prompts)
    ((_, signals),) = predict.measured([picture], [prompts])
    exponent = 8 * signals["flip"] + signals["stability"] - 4
    np.testing.assert_allclose(answer.scores, 1 / (1 + np.exp(-exponent)), rtol=1e-4)
    assert answer.masks.shape == (2, 48, 64)
    np.testing.assert_array_equal(
        answer.found, (answer.scores >= 0.5) & answer.proposed.any((1, 2))
    )
