"""`evf-sam calibrate --pictures`: folders, recordings, sentences that fit, and bad input."""

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from written_bag import MS, write_bag

from evf_sam_ros.cli.calibrate_without_labels import MOST_FRAMES, _even_frames, _frames
from evf_sam_ros.cli.command_line import main
from evf_sam_ros.perception.model_folder import model_folder
from evf_sam_ros.perception.predictor import load_predictor
from evf_sam_ros.sim.scene import render_scene

SEEDS = range(850_000, 850_006)


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the default model without its calibration; the user's cache is empty."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "model"
    shutil.copytree(model_folder(None), folder)
    document = json.loads((folder / "config.json").read_text())
    del document["decision"]
    (folder / "config.json").write_text(json.dumps(document))
    return folder


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for seed in SEEDS:
        cv2.imwrite(str(folder / f"{seed}.png"), render_scene(seed, 320, 240).rgb[..., ::-1])
    return folder


def test_a_folder_calibrates_and_sentences_that_fit_give_t_acc(
    model: Path, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scene = render_scene(SEEDS[0], 320, 240)
    things = [f"the {each.color} {each.shape}" for each in scene.objects]
    alone = next(each for each in things if things.count(each) == 1)
    fitting = tmp_path / "fitting.tsv"
    fitting.write_text(f"{SEEDS[0]}.png\t{alone}\n\n{SEEDS[0]}.png\tthe zebra\n")
    given = ["--model", str(model), "--pictures", str(pictures), "--fitting", str(fitting)]
    assert main(["calibrate", *given, "--json", "-"]) == 0
    printed = capsys.readouterr()
    told, said = json.loads(printed.out), printed.err
    assert (told["pictures"], told["t_acc"]) == (len(SEEDS), 0.5)
    assert told["decision"]["weights"]
    assert "T-acc 50.0%: 1 of 2 sentences that fit are found" in said
    assert f"{SEEDS[0]}.png: 'the zebra' is NOT_FOUND" in said
    assert load_predictor(model, "cpu").calibrated


def test_frames_of_a_recording_calibrate_as_pictures_do(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def fill(bag):
        for number, seed in enumerate(SEEDS):
            bag.image("/camera/image", number * 100 * MS, render_scene(seed, 320, 240).rgb)

    recording = write_bag(tmp_path / "drive", fill)
    assert main(["calibrate", "--model", str(model), "--pictures", str(recording)]) == 0
    assert "6 pictures; weights" in capsys.readouterr().out
    assert load_predictor(model, "cpu").calibrated


def test_long_recordings_are_sampled_evenly_over_their_length(tmp_path: Path) -> None:
    def fill(bag):
        for number in range(2 * MOST_FRAMES):
            bag.image("/camera/image", number * 100 * MS, np.full((4, 4, 3), number, np.uint8))

    recording = write_bag(tmp_path / "drive", fill)
    count, frames = _frames(recording, "")
    assert count == MOST_FRAMES
    assert [int(frame[0, 0, 0]) for frame in frames] == list(range(0, 2 * MOST_FRAMES, 2))
    assert sum(1 for _ in _even_frames(recording, "/camera/image", 1)) == 2 * MOST_FRAMES


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("850000.png the red mug", "need a file name, a tab, a sentence"),
        ("missing.png\tthe red mug", "names 'missing.png', which"),
        ("", "holds no sentence"),
    ],
)
def test_a_file_of_sentences_that_does_not_belong_is_refused_before_a_model_is_loaded(
    line: str, said: str, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fitting = tmp_path / "fitting.tsv"
    fitting.write_text(line + "\n")
    given = ["--model", "no such model", "--pictures", str(pictures), "--fitting", str(fitting)]
    assert main(["calibrate", *given]) != 0
    assert said in capsys.readouterr().err


def test_a_recording_takes_no_file_of_sentences_and_too_few_frames_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def fill(bag):
        bag.image("/camera/image", MS, np.zeros((4, 4, 3), np.uint8))

    recording = write_bag(tmp_path / "drive", fill)
    given = ["calibrate", "--pictures", str(recording)]
    assert main([*given, "--fitting", "any.tsv"]) != 0
    assert "needs --pictures FOLDER" in capsys.readouterr().err
    assert main(given) != 0
    assert "has 1 pictures, need 5 or more" in capsys.readouterr().err
