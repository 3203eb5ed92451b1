"""`evf-sam segment` with a DeRIS as a user has it."""

import json

import cv2
import numpy as np
import pytest
from tiny_deris import write_released

from evf_sam_ros.cli import main


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), np.random.default_rng(5).integers(0, 255, (60, 80, 3), np.uint8))
    return path


def segment(picture, folder, *sentences):
    arguments = ["segment", str(picture), *sentences, "--model", str(folder), "--device", "cpu"]
    return main([*arguments, "--engine", "torch", "--json"])


def test_a_sentence_that_fits_nothing_is_not_found_without_a_calibration(
    picture, tmp_path, capsys
):
    folder = write_released(tmp_path / "model", doubt=6.0)  # scores below 0.01, need 0.5
    code = segment(picture, folder, "the red mug", "a blue bowl")
    printed = capsys.readouterr()
    answers = json.loads(printed.out)["answers"]
    assert [each["status"] for each in answers] == ["NOT_FOUND", "NOT_FOUND"]
    assert code != 0
    assert "under CC BY-NC 4.0" in printed.err
    assert "no calibration" not in printed.err


def test_a_vocabulary_of_another_folder_will_do(picture, tmp_path, capsys):
    folder = write_released(tmp_path / "model", doubt=-6.0)  # every query is an object
    words = tmp_path / "words"
    words.mkdir()
    (folder / "beit3.spm").rename(words / "beit3.spm")
    assert segment(picture, folder, "all red mugs") != 0
    assert "holds no tokenizer, need one of" in capsys.readouterr().err
    arguments = ["segment", str(picture), "all red mugs", "--model", str(folder)]
    arguments += ["--tokenizer", str(words), "--device", "cpu", "--json"]
    assert main(arguments) == 0
    assert json.loads(capsys.readouterr().out)["answers"][0]["status"] == "FOUND"
