"""`--json -`: JSON alone on standard output, and text for people on stderr."""

import json

import numpy as np
import pytest

from evf_sam_ros import cli
from evf_sam_ros.models.variants import VARIANTS
from evf_sam_ros.perception import model_catalogue
from evf_sam_ros.perception.model_folder import DEFAULT_MODEL
from evf_sam_ros.pictures.video import VideoWriter


@pytest.fixture
def film(tmp_path):
    path = tmp_path / "film.mp4"
    noise = np.random.default_rng(0)
    with VideoWriter(path, 64, 96, 10.0) as writer:
        for number in range(4):
            writer.write(noise.integers(0, 255, (64, 96, 3), np.uint8), number / 10.0)
    return path


def test_the_models_are_told_in_bytes(capsys, monkeypatch):
    name = DEFAULT_MODEL
    monkeypatch.setattr(model_catalogue, "VARIANTS", {name: VARIANTS[name]})  # some build slowly
    assert cli.main(["models", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (
        {each["name"] for each in told["models"]}
        == {each.name for each in model_catalogue.entries()}
        <= set(VARIANTS)
    )
    default = told["models"][0]
    assert default["from"][0] == "default" or default["from"] == [default["name"]]
    assert (default["licence"], default["commercial_use"]) == ("Apache-2.0", True)
    assert default["memory"] > 4 * default["parameters"]  # float32, and what it works with
    assert told["free"]["cpu"] > 0


def test_a_film_gives_a_line_per_frame_and_its_summary_on_stderr(tiny, film, capsys):
    cli.main(["track", str(film), "red mugs", "--json", "-", "--model", str(tiny)])
    printed = capsys.readouterr()
    told = [json.loads(line) for line in printed.out.splitlines()]
    assert [each["frame"] for each in told] == [0, 1, 2, 3]
    assert "red mugs: " in printed.err


def test_an_evaluation_prints_its_figures_alone(tiny, capsys):
    data = ["--data", "tabletop", "--scenes", "1", "--seed", "900000"]
    assert not cli.main(["evaluate", *data, "--json", "-", "--model", str(tiny)])
    printed = capsys.readouterr()
    told = json.loads(printed.out)
    assert (told["scenes"], told["first_seed"]) == (1, 900000)
    assert "tabletop" in printed.err or "scene" in printed.err


def test_a_file_gets_the_same_document(tiny, tmp_path, capsys):
    data = ["evaluate", "--data", "tabletop", "--scenes", "1", "--model", str(tiny)]
    cli.main([*data, "--json", "-"])
    printed = json.loads(capsys.readouterr().out)
    cli.main([*data, "--json", str(tmp_path / "figures.json")])
    assert "{" not in capsys.readouterr().out.splitlines()[0]
    written = json.loads((tmp_path / "figures.json").read_text())
    assert written.keys() == printed.keys()
    assert written["first_seed"] == printed["first_seed"]
