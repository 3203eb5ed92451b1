"""`evf-sam calibrate` counts what it is given before it loads a model."""

import json

import pytest

from evf_sam_ros import cli


def refusal(capsys, *arguments):
    assert cli.main(["calibrate", *map(str, arguments)]) == 2
    return capsys.readouterr().err


@pytest.fixture
def nothing_loads(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a model was loaded")

    monkeypatch.setattr("evf_sam_ros.perception.predictor.load_predictor", refuse)


@pytest.mark.usefixtures("nothing_loads")
def test_pictures_are_counted_first(tmp_path, capsys):
    for number in range(4):  # 4 pictures give 4 * 45 answers, 200 are needed
        (tmp_path / f"{number}.png").touch()
    assert "has 4 pictures, need 5 or more" in refusal(capsys, "--pictures", tmp_path)
    assert "does not exist" in refusal(capsys, "--pictures", tmp_path / "none")


@pytest.mark.usefixtures("nothing_loads")
def test_sentences_are_counted_first(tmp_path, capsys):
    image = {"id": 1, "file_name": "a.png", "width": 4, "height": 4}
    marked = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 2, 2], "area": 4,
              "segmentation": [[0, 0, 2, 0, 2, 2, 0, 2]], "iscrowd": 0,
              "sentences": ["the red mug"]}  # fmt: skip
    categories = [{"id": 1, "name": "mug"}]
    document = {"images": [image], "annotations": [marked], "categories": categories}
    (tmp_path / "data.json").write_text(json.dumps(document))
    (tmp_path / "a.png").write_bytes(b"never decoded")
    said = refusal(capsys, "--data", tmp_path / "data.json", "--signals", "presence")
    assert "1 sentences with a target and " in said
    assert "need 20 of each" in said
