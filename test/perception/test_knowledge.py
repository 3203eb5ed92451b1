"""A model says what it knows, and that it is not calibrated where it is not."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from evf_sam_ros.models.variants import VARIANTS, deris_trained_on
from evf_sam_ros.perception.decision import probability_found
from evf_sam_ros.perception.knowledge import knows, notes, warning_of
from evf_sam_ros.perception.model_folder import model_folder
from evf_sam_ros.perception.predictor import load_predictor


def test_the_default_says_what_it_knows_and_what_to_load_for_photographs() -> None:
    said = knows(load_predictor(None, "cpu"))
    assert "pictures like those it was trained on" in said
    assert "only the words it was trained on" in said
    assert "evf-sam download" in said


def test_the_condition_of_published_weights_is_told_with_what_a_model_knows() -> None:
    predictor = SimpleNamespace(name="mine", config=VARIANTS["deris_b"])
    said = knows(cast(Any, predictor))
    assert said.startswith("mine takes any picture and any words; published weights of DeRIS")
    assert "CC BY-NC 4.0" in said
    assert "CC BY-NC" not in knows(load_predictor(None, "cpu"))


def test_a_model_that_decides_by_itself_warns_only_where_it_never_learned_to_say_no() -> None:
    taught = VARIANTS["deris_b"]
    untaught = deris_trained_on(taught, "refcoco")
    said = [
        warning_of(cast(Any, SimpleNamespace(name="mine", config=each)))
        for each in (taught, untaught, VARIANTS["instancevg_b"])
    ]
    assert said[0] == said[2] == ""
    assert said[1].startswith("mine was trained on RefCOCO, where every sentence has a target")


def test_a_model_without_calibration_warns(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(model_folder(None), folder)
    document = json.loads((folder / "config.json").read_text())
    del document["decision"]
    (folder / "config.json").write_text(json.dumps(document))
    predictor = load_predictor(folder, "cpu")
    assert "no calibration" in warning_of(predictor)
    assert notes(predictor) == [knows(predictor), warning_of(predictor)]
    assert warning_of(load_predictor(None, "cpu")) == ""


def test_an_uncalibrated_score_counts_the_presence() -> None:
    iou = np.full(3, 0.8, np.float32)
    presence = np.array([-9.0, 0.0, 9.0], np.float32)
    scores = probability_found(None, {"predicted_iou": iou, "presence": presence})
    # 0.8 x sigmoid: 1.23e-4, a half and 0.99988
    assert scores == pytest.approx([0.8 * 1.2339e-4, 0.4, 0.8 * 0.99987661], rel=1e-3)
