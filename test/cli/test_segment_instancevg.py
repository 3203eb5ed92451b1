"""`evf-sam segment` with an InstanceVG as its authors publish it, but small."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from tiny_instancevg import CONFIG, noisy, write_released

from evf_sam_ros.cli import main

# See test/ros/node/test_node_instancevg.py for these weights and this picture.
CHOOSY = replace(CONFIG, segmenter=replace(CONFIG.segmenter, score_threshold=0.75))
PICTURE = np.random.default_rng(5).integers(0, 255, (60, 80, 3), np.uint8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    Image.fromarray(PICTURE).save(folder / "picture.png")
    return write_released(folder, noisy(25, CHOOSY), CHOOSY, prefix="module.")


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("mugs", "mugs: found"),
        ("the blue bowl", "the blue bowl: ambiguous, score 0.86; 3 blue bowls"),
        ("the red mug", "the red mug: not found, score 0.16"),
    ],
)
def test_objects_an_ambiguous_sentence_and_none_are_told(folder, capsys, expression, said):
    picture, output = str(folder / "picture.png"), str(folder / "attention.png")
    main(["segment", picture, expression, "--model", str(folder), "--attention", output])
    assert said in capsys.readouterr().out
    assert Image.open(output).size[1] == 60


def test_a_folder_without_a_tokenizer_is_refused_in_a_sentence(folder, tmp_path, capsys):
    for name in ("config.json", "pytorch_model.bin"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    picture = str(folder / "picture.png")
    assert main(["segment", picture, "mugs", "--model", str(tmp_path)]) not in (0, 1)
    said = capsys.readouterr().err
    assert "holds no tokenizer, need one of" in said
    assert "Traceback" not in said
