"""Masks of DeRIS and InstanceVG compared at the size of the model's input, as their authors do."""

import json

import cv2
import numpy as np
import pytest
from tiny_deris import CONFIG
from tiny_networks import SAM

from evf_sam_ros.data.records import Expression, Record, Region
from evf_sam_ros.evaluation.answering import judge
from evf_sam_ros.evaluation.dataset_report import figures_table, protocols
from evf_sam_ros.evaluation.figures import summarize
from evf_sam_ros.evaluation.judged import HEAD, Overlap, judge_at_own_size, read_lines, to_line
from evf_sam_ros.models.variants import VARIANTS, own_measuring_size
from evf_sam_ros.perception.segmentation import Segmentation
from evf_sam_ros.perception.stage_times import StageTimes

SIDE = 64  # of the small DeRIS's input


class LeftHalf(Region):
    def mask(self, height, width):
        mask = np.zeros((height, width), bool)
        mask[:, : width // 2] = True
        return mask


class Quarter:
    """Answers "there" with the upper left quarter, anything else with "not found"."""

    def __init__(self, config):
        self.config = config

    def __call__(self, image_rgb, prompts):
        if "refused" in prompts:
            raise ValueError("too long")
        found = np.array(["there" in prompt for prompt in prompts])
        logits = np.full((len(prompts), SIDE, SIDE), -1, np.float32)
        logits[:, : SIDE // 2, : SIDE // 2] = 1
        masks = np.zeros((len(prompts), *image_rgb.shape[:2]), bool)
        masks[:, : masks.shape[1] // 2, : masks.shape[2] // 2] = True
        return Segmentation(
            masks=masks & found[:, None, None],
            scores=found.astype(np.float32),
            found=found,
            predicted_iou=np.ones(len(prompts), np.float32),
            unknown_words=((),) * len(prompts),
            logits=logits,
            times=StageTimes(0, 0, 0, 0),
            proposed=masks,
        )


@pytest.fixture
def record(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((96, 128, 3), np.uint8))
    said = [("there", LeftHalf()), ("absent", None), ("not", LeftHalf())]
    expressions = tuple(Expression(text, text, region) for text, region in said)
    return Record(tmp_path / "a.png", 96, 128, expressions)


def test_the_true_mask_is_made_as_small_and_a_logit_of_zero_is_foreground():
    target = LeftHalf().mask(4, 8)  # of 2 x 4 cells, the two columns at the left
    logits = np.array([[1.0, 0.0, -1.0, -1.0], [1.0, -1.0, 2.0, -1.0]], np.float32)
    # Three of the four cells at the left, and one at the right.
    assert judge_at_own_size(logits, target, None) == Overlap(3, 4, 4)


def test_ignored_pixels_count_for_neither():
    ignored = np.zeros((4, 8), bool)
    ignored[:2] = True  # the upper row of cells
    logits = np.ones((2, 4), np.float32)
    assert judge_at_own_size(logits, LeftHalf().mask(4, 8), ignored) == Overlap(2, 4, 2)


def test_figures_at_the_own_size_stand_beside_the_others(record):
    figures = summarize([judge(Quarter(CONFIG), record, 0)])
    # "there": a quarter of half the picture each: IoU 1/2. "not" is wrongly rejected: the union
    # has its target's pixels. "absent" is rightly rejected.
    half = SIDE * SIDE // 2
    assert figures["own_size"]["ciou"] == (half / 2) / (2 * half)
    assert figures["own_size"]["n_acc"] == 1.0
    assert figures["own_size"]["t_acc"] == 0.5
    assert set(figures["gres"]) == set(figures["ref_zom"]) == {"native", "square", "own"}
    assert figures["gres"]["own"]["giou_gres"] == pytest.approx((0.5 + 1 + 0) / 3)
    table = figures_table({**figures, "point_acc": None})
    assert table.columns == ("", "native", "480 x 480", "own size")
    assert [len(row) for row in table.rows] == [4] * len(table.rows)
    assert "own size" in next(iter(protocols(figures))).columns


def test_a_sentence_that_is_not_taken_counts_with_its_target(record):
    refused = Expression("refused", "refused", LeftHalf())
    only = Record(record.image, record.height, record.width, (refused,))
    (judged,) = judge(Quarter(CONFIG), only, 0).sentences
    assert judged.rejected == "too long"
    assert judged.own == Overlap(0, 0, SIDE * SIDE // 2)


def test_other_models_have_no_such_figures(record):
    figures = summarize([judge(Quarter(SAM), record, 0)])
    assert figures["own_size"] is None
    assert set(figures["gres"]) == {"native", "square"}
    assert figures_table(figures).columns == ("", "native", "480 x 480")
    assert own_measuring_size(VARIANTS["deris_l"]) == (384, 384)
    assert own_measuring_size(VARIANTS["evf_sam2"]) is None


def test_results_are_read_back_also_those_of_an_older_version(record, tmp_path):
    image = judge(Quarter(CONFIG), record, 0)
    older = json.loads(to_line(image))
    for sentence in older["sentences"]:
        del sentence["own"]
    for line, expected in ((to_line(image), image.sentences[0].own), (json.dumps(older), None)):
        (tmp_path / "r.jsonl").write_text(f"{json.dumps({HEAD: {}})}\n{line.strip()}\n")
        _, (read,) = read_lines(tmp_path / "r.jsonl")
        assert read.sentences[0].own == expected
