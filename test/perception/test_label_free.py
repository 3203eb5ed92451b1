"""Calibration by what is absent: no label, and nothing written into the model's folder."""

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.label_free import accuracy
from evf_sam_ros.cli.command_line import main
from evf_sam_ros.perception.absent_names import NAMES
from evf_sam_ros.perception.decision import probability_found
from evf_sam_ros.perception.label_free import MOST_FOUND, SEEN_MOST, bank_of, calibrate, fit
from evf_sam_ros.perception.model_folder import model_folder
from evf_sam_ros.perception.predictor import load_predictor
from evf_sam_ros.sim.scene import render_scene


def test_the_bank_has_about_300_names_and_each_once() -> None:
    assert 250 <= len(NAMES) == len(set(NAMES))
    assert all(NAMES)


def test_a_model_of_few_words_is_asked_for_pairs_that_it_reads() -> None:
    words = {"red", "blue", "mug", "bowl", "box", "ball", "cone", "green"}
    bank = bank_of(lambda phrase: set(phrase.split()) <= words)
    assert len(bank) == 15
    assert "blue cone" in bank


def test_a_model_that_reads_nothing_of_the_bank_is_refused() -> None:
    with pytest.raises(ValueError, match="reads 0 phrases"):
        bank_of(lambda phrase: False)


def test_the_line_is_halfway_between_what_is_absent_and_what_is_seen_most() -> None:
    # 45 absent phrases with 0, 3 that are seen with 8, in 50 pictures: halfway is 4.
    row = np.array([0.0] * 45 + [8.0] * SEEN_MOST)
    answers = [{"presence": row, "predicted_iou": np.ones_like(row)}] * 50
    calibration = fit(answers, presence_alone=True)
    presence = np.array([-1.0, 3.9, 4.1, 9.0], np.float32)
    scores = probability_found(calibration, {"presence": presence, "predicted_iou": presence})
    assert (scores >= calibration.threshold).tolist() == [False, False, True, True]


def test_at_most_one_in_twenty_absent_phrases_is_found_where_nothing_is_there() -> None:
    absent = np.random.default_rng(0).normal(-5, 1, (50, 48))
    answers = [{"presence": row, "predicted_iou": np.ones_like(row)} for row in absent]
    calibration = fit(answers, presence_alone=True)
    kept = np.sort(absent)[:, :-SEEN_MOST].ravel().astype(np.float32)
    scores = probability_found(calibration, {"presence": kept, "predicted_iou": kept})
    assert (scores >= calibration.threshold).mean() <= MOST_FOUND


def test_few_pictures_are_refused() -> None:
    with pytest.raises(ValueError, match="need 200"):
        fit([{"predicted_iou": np.ones(48)}], presence_alone=True)


def test_a_folder_of_pictures_calibrates_a_model_and_writes_nothing_into_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder, pictures = tmp_path / "model", tmp_path / "pictures"
    shutil.copytree(model_folder(None), folder)
    document = json.loads((folder / "config.json").read_text())
    del document["decision"]
    (folder / "config.json").write_text(json.dumps(document))
    pictures.mkdir()
    for seed in range(850_000, 850_006):
        cv2.imwrite(str(pictures / f"{seed}.png"), render_scene(seed, 320, 240).rgb[..., ::-1])
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert not load_predictor(folder, "cpu").calibrated
    assert main(["calibrate", "--model", str(folder), "--pictures", str(pictures)]) == 0
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before
    predictor = load_predictor(folder, "cpu")
    assert predictor.calibrated
    assert predictor.score_threshold == 0.5


@pytest.mark.slow
def test_forty_unlabelled_scenes_restore_the_decision_of_the_default_model() -> None:
    predictor = load_predictor(None, "cpu")
    pictures = [render_scene(seed).rgb for seed in range(960000, 960040)]
    calibration = calibrate(predictor, pictures)
    figures = accuracy(predictor, calibration, range(960040, 960100))
    assert figures.absent >= 0.90
    assert figures.present >= 0.95
