"""One answer of the model gets one status and one mask from every front end."""

import json
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from builtin_interfaces.msg import Time
from std_msgs.msg import Header

from evf_sam_ros.cli import segment
from evf_sam_ros.evaluation import tabletop
from evf_sam_ros.msg import SegmentationResult
from evf_sam_ros.perception.geometry import DepthStatus
from evf_sam_ros.perception.judgement import Rules, Status
from evf_sam_ros.perception.predictor import Segmentation, StageTimes
from evf_sam_ros.pictures.photograph import write_image
from evf_sam_ros.recordings import replay
from evf_sam_ros.recordings.frames import Frame
from evf_sam_ros.recordings.frames import NoDepth as NoDepthInBag
from evf_sam_ros.ros.node.command import Command
from evf_sam_ros.ros.node.depth_source import NoDepth
from evf_sam_ros.ros.node.replies import Observation, answers_from
from evf_sam_ros.ros.parameters import NodeParameters
from evf_sam_ros.ros.statuses import STATUS_NAMES
from evf_sam_ros.sim.expressions import Expression
from evf_sam_ros.sim.scene import render_scene

SIZE = HEIGHT, WIDTH = 480, 640
THRESHOLD = 0.8
NO_DEPTH = NoDepthInBag(DepthStatus.NONE, "")
ONE = ((100, 100, 40, 40),)
SPECK = ((10, 10, 5, 4),)  # 20 pixels
TWO = (*ONE, (400, 300, 40, 40))
ONE_AND_A_BIT = ((100, 100, 40, 4), (400, 300, 10, 5))  # 160 and 50 pixels
ONE_AND_A_THIRD = ((100, 100, 20, 10), (400, 300, 10, 7))  # 200 and 70 pixels
# expression, rectangles (x, y, width, height), score, what else the answer has, status, pixels
CASES = {
    "an object": ("the mug", ONE, 0.9, {}, "FOUND", 1600),
    "a speck": ("the mug", SPECK, 0.9, {}, "NOT_FOUND", 0),
    "a score a little too low": ("the mug", ONE, 0.75, {}, "LOW_CONFIDENCE", 0),
    "a speck and a score a little too low": ("the mug", SPECK, 0.75, {}, "NOT_FOUND", 0),
    "a score far too low": ("the mug", ONE, 0.3, {}, "NOT_FOUND", 0),
    "no mask": ("the mug", (), 0.9, {}, "NOT_FOUND", 0),
    "two equal parts": ("the mug", TWO, 0.9, {}, "AMBIGUOUS", 0),
    "two parts, where several are meant": ("all mugs", TWO, 0.9, {}, "FOUND", 3200),
    "an object and a part below the least area": ("the mug", ONE_AND_A_BIT, 0.9, {}, "FOUND", 160),
    "an object and a third of one": ("the mug", ONE_AND_A_THIRD, 0.9, {}, "AMBIGUOUS", 0),
    "an unknown word": ("the gnu", ONE, 0.0, {"unknown_words": (("gnu",),)}, "NOT_FOUND", 0),
    "a picture that cannot be judged": (
        "the mug", ONE, 0.9, {"unsuitable": "too dark"}, "UNSUITABLE_IMAGE", 0,
    ),
    "no calibration": ("the mug", ONE, 0.9, {"calibrated": False}, "FOUND", 1600),
}  # fmt: skip


class Prepared:
    """A model whose answer is made of rectangles."""

    name, device, precision, score_threshold = "prepared", "cpu", "fp32", THRESHOLD
    familiarity, reads_unknown, calibrated = None, True, True  # takes any picture and any words

    def __init__(self, boxes, score, extra):
        mask = np.zeros((1, *SIZE), bool)
        for x, y, width, height in boxes:
            mask[0, y : y + height, x : x + width] = True
        found = np.array([bool(boxes) and score >= THRESHOLD])
        values = {"unknown_words": ((),), "readings": ((),), "calibrated": True, **extra}
        unsuitable = values.pop("unsuitable", "")
        self.answer = Segmentation(
            masks=mask & found[:, None, None],
            scores=np.array([score], np.float32),
            found=found,
            predicted_iou=np.ones(1, np.float32),
            logits=mask[:, ::4, ::4] * 2.0 - 1.0,
            times=StageTimes(0, 0, 0, 0),
            proposed=mask,
            **values,
        ).unless(unsuitable)

    def __call__(self, image_rgb, prompts, **_):
        return self.answer


def by_node(model, expression):
    observed = Observation(
        header=Header(),
        commands=[Command(1, expression, expression, Time())],
        image_rgb=np.zeros((*SIZE, 3), np.uint8),
        segmentation=model.answer,
        lost=[False],
        threshold=THRESHOLD,
        depth=NoDepth(DepthStatus.NONE, ""),
        parameters=NodeParameters(),
        reading_ns=0,
        elapsed_ns=0,
        age_ns=0,
    )
    [told] = answers_from(observed)
    return STATUS_NAMES[told.result.status], told.mask


def by_segment(model, expression, tmp_path, capsys):
    picture, mask = tmp_path / "picture.png", tmp_path / "mask.png"
    write_image(picture, np.zeros((*SIZE, 3), np.uint8))
    arguments = SimpleNamespace(
        image=picture, sentence=[], expression=[expression], output=None, attention=None,
        mask=mask, json=True, score_threshold=None, min_area=64,
    )  # fmt: skip
    segment.run(arguments, lambda _: model)
    [answer] = json.loads(capsys.readouterr().out)["answers"]
    return answer["status"], cv2.imread(str(mask), cv2.IMREAD_UNCHANGED) > 0


def by_bag(model, expression, tmp_path):
    frame = Frame(0, 0, 0, 0, "camera", np.zeros((*SIZE, 3), np.uint8), no_depth=NO_DEPTH)
    (tmp_path / replay.MASKS).mkdir()
    wish = replay.ReplayOptions((expression,), rules=Rules(THRESHOLD))
    record, _ = replay._answer(model, frame, wish, tmp_path)
    mask = cv2.imread(str(tmp_path / record["mask"]), cv2.IMREAD_UNCHANGED) > 0
    return record["answers"][0]["status"], mask


def by_evaluation(model, expression, monkeypatch):
    scene = render_scene(900_000, WIDTH, HEIGHT)
    asked = [Expression(expression, (0,), "attribute")]
    monkeypatch.setattr(tabletop, "scene_and_expressions", lambda *_: (scene, asked))
    monkeypatch.setattr(tabletop, "ambiguous_expressions", lambda _: [])
    rules = Rules(THRESHOLD)
    [judged] = tabletop.measure(model, [900_000], progress=False, rules=rules).judged
    return judged.status.name


@pytest.mark.parametrize("case", CASES)
def test_an_answer_has_one_status_and_one_mask_in_every_front_end(
    case, tmp_path, capsys, monkeypatch
):
    expression, boxes, score, extra, status, pixels = CASES[case]
    model = Prepared(boxes, score, extra)
    told = {
        "node": by_node(model, expression),
        "segment": by_segment(model, expression, tmp_path, capsys),
        "bag": by_bag(model, expression, tmp_path),
    }
    assert {name: answer[0] for name, answer in told.items()} == dict.fromkeys(told, status)
    counts = {name: np.count_nonzero(answer[1]) for name, answer in told.items()}
    assert counts == dict.fromkeys(told, pixels)
    assert by_evaluation(model, expression, monkeypatch) == status


def test_a_status_of_the_message_has_its_name_in_the_library_and_no_other_number():
    named = [name for name in dir(SegmentationResult) if name in Status.__members__]
    assert set(named) == set(Status.__members__)
    assert len(STATUS_NAMES) == len(Status)
