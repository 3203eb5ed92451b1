"""Sentences that people said about scenes, judged by the objects that they meant."""

import numpy as np
import pytest

from evf_sam_ros.evaluation import sentences
from evf_sam_ros.perception.segmentation import Segmentation
from evf_sam_ros.perception.stage_times import StageTimes
from evf_sam_ros.sim.scene import render_scene

SEED = 71300172  # mugs 0, 1, 2 and 5, can 3, bowl 4


def answering(*objects_per_prompt):
    """A predictor that finds these objects, whatever it is asked."""

    def predict(image_rgb, prompts):
        masks = np.stack([render_scene(SEED).mask(each) for each in objects_per_prompt])
        count = len(masks)
        assert count == len(prompts)
        return Segmentation(
            masks=masks,
            scores=np.ones(count, np.float32),
            found=masks.any((1, 2)),
            predicted_iou=np.ones(count, np.float32),
            unknown_words=((),) * count,
            logits=np.zeros((count, 4, 4), np.float32),
            times=StageTimes(0, 0, 0, 0),
        )

    return predict


def is_right(text, expected, *objects_per_prompt):
    said = sentences.SaidSentence(SEED, text, expected)
    return sentences.measure(answering(*objects_per_prompt), [said])[0].right


@pytest.mark.parametrize(
    ("text", "expected", "found", "right"),
    [
        ("the bowl", "4", [4], True),
        ("the bowl", "4", [3], False),
        ("the bowl", "4", [], False),
        ("the bowls", "3,4", [3, 4], True),
        ("the bowls", "3,4", [4], False),
        ("the bowl", "NF", [], True),
        ("the bowl", "NF", [4], False),
        ("the bowl", "AMB", [0, 4], True),
        ("the bowl", "AMB", [4], False),
    ],
)
def test_an_answer_is_right_where_it_shows_the_objects_meant_and_no_other(
    text, expected, found, right
):
    assert is_right(text, expected, found) is right


def test_several_expressions_of_a_sentence_are_judged_together():
    assert is_right("the bowl; the can", "3,4", [4], [3])
    assert not is_right("the bowl; the can", "3,4", [4], [4])


def test_a_sentence_that_names_nothing_is_right_only_where_nothing_fits():
    assert is_right("what time is it?", "NF")
    assert not is_right("what time is it?", "4")


def test_figures_are_by_kind_and_mistakes_are_named():
    said = [
        sentences.SaidSentence(SEED, "the bowl", expected) for expected in ("4", "3", "NF", "0,4")
    ]
    answers = sentences.measure(answering([4]), said)
    figures = sentences.summarize(answers)
    assert figures["one"] == {"sentences": 2, "right": 1}
    assert figures["nothing"] == {"sentences": 1, "right": 0}
    assert figures["several"] == {"sentences": 1, "right": 0}
    text = sentences.as_text(figures, answers)
    assert "one        1 of 2 (50%)" in text
    assert f"wrong: {SEED} 'the bowl', expected 3: FOUND for the bowl" in text


def test_a_file_is_read_and_a_broken_line_is_named(tmp_path):
    file = tmp_path / "said.tsv"
    file.write_text("# a comment\n7\tthe bowl\t0,3\n7\ta bowl\tAMB\n")
    assert [each.targets for each in sentences.read_sentences(file)] == [(0, 3), ()]
    file.write_text("7\tthe bowl\n")
    with pytest.raises(ValueError, match="line 1 of"):
        sentences.read_sentences(file)
    file.write_text("7\tthe bowl\tfour\n")
    with pytest.raises(ValueError, match="need a seed, a sentence"):
        sentences.read_sentences(file)
