"""A few pictures teach a small model new words; the pictures here are rendered or drawn."""

import json
import shutil
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from evf_sam_ros.cli import main
from evf_sam_ros.data import coco
from evf_sam_ros.perception.model_folder import model_folder
from evf_sam_ros.perception.predictor import load_predictor
from evf_sam_ros.sim.scene import render_scene
from evf_sam_ros.training.familiar_pictures import learn_more
from evf_sam_ros.training.referring_task import View, shrunk, varied

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]
from tiny_model import ALWAYS, write_tiny_model  # noqa: E402
from written_data import SIZE, squares  # noqa: E402

FAST = ["--steps", "2", "--batch", "2", "--images", "2", "--measure-every", "2"]


def write_pictures(folder, pictures=12):
    """Write what a user would have: COCO JSON, each object with sentences of its own."""
    rng = np.random.default_rng(1)
    images, annotations = [], []
    for number in range(pictures):
        picture, boxes = squares(rng)
        cv2.imwrite(str(folder / f"{number}.png"), picture[..., ::-1])
        images.append(
            {"id": number, "file_name": f"{number}.png", "height": SIZE[0], "width": SIZE[1]}
        )
        for color, (x, y, side) in boxes.items():
            annotations.append(
                {"id": len(annotations), "image_id": number, "category_id": 0,
                 "segmentation": [[x, y, x + side, y, x + side, y + side, x, y + side]],
                 "sentences": [f"the {color} gizmo"]}
            )  # fmt: skip
    document = {"images": images, "annotations": annotations,
                "categories": [{"id": 0, "name": "gizmo"}]}  # fmt: skip
    (folder / "mine.json").write_text(json.dumps(document))
    return folder / "mine.json"


def test_new_words_are_learned_and_old_ones_kept(tmp_path, capsys):
    start = write_tiny_model(tmp_path / "start", ALWAYS)
    data = write_pictures(tmp_path)
    command = ["train", "--recipe", "fine_tune", "--model", str(start), "--data", str(data)]
    assert main([*command, "-o", str(tmp_path / "run"), *FAST]) == 0
    assert "10 pictures to learn from, 2 held out; new words: gizmo, green" in (
        capsys.readouterr().out
    )
    before, after = load_predictor(start), load_predictor(tmp_path / "run/model")
    assert before.unknown_words("the green gizmo") == ["green", "gizmo"]
    assert after.unknown_words("the green gizmo and the mug") == ["and"]
    document = json.loads((tmp_path / "run/model/config.json").read_text())
    assert document["decision"] == ALWAYS  # two pictures are too few to choose another
    assert after(np.zeros((48, 64, 3), np.uint8), ["the red gizmo"]).masks.shape == (1, 48, 64)


def test_more_words_than_the_model_has_room_for_make_room(tmp_path):
    from evf_sam_ros.models import checkpoint
    from evf_sam_ros.training.new_words import with_tokens, with_words

    start = write_tiny_model(tmp_path / "start")
    loaded = checkpoint.load(start)
    known = loaded.model.encoder.text_embed.weight.detach().clone()
    tokens = with_words(start, [f"word{i}" for i in range(20)], tmp_path / "more")
    assert tokens == 31
    config = with_tokens(loaded.model, loaded.config, tokens)
    assert config.encoder.vocabulary == 31
    grown = loaded.model.encoder.text_embed.weight
    np.testing.assert_array_equal(grown[:16].detach(), known)
    assert float(grown[16:].std()) == pytest.approx(float(known.std()), rel=0.2)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--variant", "tabletop"], "takes no --variant"),
        (["--held-out", "nowhere.json"], "no such data"),
    ],
)
def test_what_it_does_not_take_is_refused(options, complaint, tmp_path, capsys):
    data = write_pictures(tmp_path)
    command = ["train", "--recipe", "fine_tune", "--data", str(data), "-o", str(tmp_path / "run")]
    assert main([*command, *options]) == 2
    assert complaint in capsys.readouterr().err


def test_too_few_pictures_are_refused(tmp_path, capsys):
    data = write_pictures(tmp_path, 4)
    assert main(["train", "--recipe", "fine_tune", "--data", str(data)]) == 2
    assert "4 pictures are too few: need 10, better 50" in capsys.readouterr().err


def test_a_varied_view_moves_masks_and_words_with_the_picture():
    photograph = np.zeros((40, 60, 3), np.uint8)
    photograph[10:20, 4:14] = 255
    masks = (photograph[None, ..., 0] > 0).copy()
    view = View(Path("a"), photograph, ("the box on the left",), masks, np.zeros_like(masks))
    seen = set()
    for seed in range(8):
        other = varied(view, np.random.default_rng(seed))
        bright, dark = (
            other.photograph[other.masks[0] == is_on].mean() for is_on in (True, False)
        )
        assert bright > dark + 60
        seen.add((other.texts[0], bool(other.masks[0][:, :30].any())))
    assert seen == {("the box on the left", True), ("the box on the right", False)}
    small = shrunk(view, (20, 30))
    assert small.photograph.shape == (20, 30, 3)
    assert small.masks.sum() == 25


def test_rendered_pictures_of_unseen_shapes_say_what_is_true(tmp_path):
    pytest.importorskip("mujoco")
    from evf_sam_ros.sim import unseen
    from evf_sam_ros.sim.scene import render_scene

    dataset = coco.read_sentences(
        unseen.write(tmp_path, "train", range(700_000, 700_002)), tmp_path
    )
    for number, record in enumerate(dataset.records):
        scene = render_scene(700_000 + number, shapes=unseen.SHAPES)
        np.testing.assert_array_equal(record.read_rgb(), scene.rgb)
        for expression in record.expressions:
            words = expression.text.split()
            fits = [
                i for i, one in enumerate(scene.objects)
                if one.shape in words and (one.color in words or words[1] == one.shape)
            ]  # fmt: skip
            mask = expression.mask(record.height, record.width)
            if "on" in words:
                outer = min if "left" in words else max
                fits = [outer(fits, key=lambda i: scene.objects[i].u)]
            np.testing.assert_array_equal(mask, scene.mask(fits), err_msg=expression.text)
            assert (expression.region is None) == (not fits)


def test_a_fine_tuned_model_knows_its_parents_pictures_and_its_own(tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(model_folder(None), folder)
    rng = np.random.default_rng(0)

    def striped(width):
        """Draw stripes in two greens, unlike any table."""
        columns = (np.arange(160) // width + rng.integers(9)) % 2
        picture = np.where(columns[:, None], [40, 160, 60], [20, 90, 120])
        noise = rng.normal(0, 6, (120, 160, 3))
        return np.clip(picture[None] + noise, 0, 255).astype(np.uint8)

    own = [striped(width) for width in (5, 6, 7, 8) * 5]
    before = load_predictor(folder, "cpu")(striped(6), ["the red mug"]).unsuitable
    learn_more(folder, model_folder(None), own)
    after = load_predictor(folder, "cpu")
    assert before.startswith("unlike the training pictures")
    assert after(striped(6), ["the red mug"]).unsuitable == ""
    assert after(render_scene(801_000, 320, 240).rgb, ["the red mug"]).unsuitable == ""
    confetti = rng.integers(0, 256, (24, 32, 3), np.uint8).repeat(10, 0).repeat(10, 1)
    assert after(confetti, ["the red mug"]).unsuitable


def test_a_child_of_a_model_that_takes_any_picture_takes_any_picture(tmp_path):
    parent = write_tiny_model(tmp_path / "parent", ALWAYS)
    assert learn_more(parent, parent, [np.zeros((48, 64, 3), np.uint8)]) is None
