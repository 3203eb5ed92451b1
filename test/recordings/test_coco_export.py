"""`evf-sam bag --export coco`: the file is COCO's, and evaluation and fine tuning read it."""

import json

import cv2
import numpy as np
import pytest
from pycocotools.coco import COCO
from written_bag import MS, write_bag

from evf_sam_ros.cli import main
from evf_sam_ros.data import coco
from evf_sam_ros.perception.judgement import Judgement, Status
from evf_sam_ros.recordings.coco_export import CocoExport
from evf_sam_ros.sim.scene import render_scene

SIZE = (60, 80)
SEEDS = range(900_001, 900_013)


def square(x, y, side):
    mask = np.zeros(SIZE, bool)
    mask[y : y + side, x : x + side] = True
    return mask


def found(score, *parts):
    return Judgement(Status.FOUND, score, True, parts=parts)


def absent(score):
    return Judgement(Status.NOT_FOUND, score, True)


@pytest.fixture
def export(tmp_path):
    return CocoExport(tmp_path / "coco", "a model", 0.9)


def test_masks_boxes_and_areas_are_those_of_an_independent_reader(export):
    picture = np.full((*SIZE, 3), 90, np.uint8)
    export.add(7, picture, [("both cups", found(0.95, square(5, 10, 8), square(40, 20, 6)), ())])
    read = COCO(str(export.close()))
    (image,) = read.loadImgs(read.getImgIds())
    assert (image["id"], image["height"], image["width"]) == (7, *SIZE)
    first, second = read.loadAnns(read.getAnnIds())
    assert (first["bbox"], first["area"]) == ([5, 10, 8, 8], 64)
    np.testing.assert_array_equal(read.annToMask(second), square(40, 20, 6))
    assert cv2.imread(str(export._folder / image["file_name"])).shape == (*SIZE, 3)


def test_only_sure_answers_are_kept_and_unknown_words_are_no_evidence_of_absence(export):
    picture = np.full((*SIZE, 3), 90, np.uint8)
    answers = [
        ("the cup", found(0.95, square(5, 10, 8)), ()),
        ("the unsure cup", found(0.85, square(5, 10, 8)), ()),
        ("the bowl", absent(0.02), ()),
        ("the unsure bowl", absent(0.4), ()),
        ("the zebra", absent(0.0), ("zebra",)),
        ("the can", Judgement(Status.AMBIGUOUS, 0.99, True, parts=(square(1, 1, 5),)), ()),
    ]
    export.add(0, picture, answers)
    export.add(1, picture, [("the unsure bowl", absent(0.4), ())])
    path = export.close()
    document = json.loads(path.read_text())
    told = {each["text"]: each["ann_ids"] for each in document["sentences"]}
    assert told == {"the cup": [1], "the bowl": []}
    assert export.left_out == 5
    assert [each["id"] for each in document["images"]] == [0]
    assert len(list(path.parent.glob("images/*"))) == 1
    dataset = coco.read_sentences(path, path.parent)
    (record,) = dataset.records
    kinds = {each.text: each.region is not None for each in record.expressions}
    assert kinds == {"the cup": True, "the bowl": False}
    np.testing.assert_array_equal(record.expressions[0].mask(*SIZE), square(5, 10, 8))


def test_answers_about_a_recording_are_evaluated_and_learned_from(tmp_path, capsys):
    def fill(bag):
        for number, seed in enumerate(SEEDS):
            bag.image("/camera/image", number * 100 * MS, render_scene(seed, 320, 240).rgb)

    recording, out = write_bag(tmp_path / "drive", fill), tmp_path / "out"
    texts = [f"the {color} mug" for color in ("red", "blue", "green", "white")]
    given = ["bag", str(recording), *texts, "-o", str(out), "--export", "coco"]
    assert main([*given, "--export-score", "0.8", "--no-rivals"]) in (0, 1)
    data = out / "coco" / "answers.json"
    assert f"data set: {data}" in capsys.readouterr().out
    evaluated = ["evaluate", "--data", str(data), "--report", str(tmp_path / "report")]
    assert main(evaluated) == 0
    # The model agrees with its own answers, but for JPEG's noise.
    capsys.readouterr()
    fine_tuned = ["train", "--recipe", "fine_tune", "--data", str(data), "-o", str(tmp_path / "r")]
    fast = ["--steps", "2", "--batch", "2", "--images", "2", "--measure-every", "2"]
    assert main([*fine_tuned, *fast]) == 0
    assert "pictures to learn from" in capsys.readouterr().out
