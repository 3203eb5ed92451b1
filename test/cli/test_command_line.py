"""The command line, as a user types it."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from evf_sam_ros import cli

ROOT = Path(__file__).parent.parent


@pytest.fixture
def model(tiny):
    return str(tiny)


@pytest.fixture
def photo(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "photo.png"), pixels)
    return tmp_path / "photo.png"


def refusal(capsys, *arguments):
    """Run, expect exit code 2, and return the one sentence."""
    assert cli.main([str(argument) for argument in arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    return printed.err


class TestSegment:
    def test_an_answer_is_a_sentence_a_picture_and_a_mask(self, model, photo, tmp_path, capsys):
        out, mask = tmp_path / "new" / "out.png", tmp_path / "mask.png"
        files = ["-o", str(out), "--mask", str(mask), "--min-area", "1"]
        assert cli.main(["segment", str(photo), "the mugs", "--model", model, *files]) == 0
        assert capsys.readouterr().out.startswith("the mugs: found, score 0.88, centre at (")
        assert cv2.imread(str(out)).shape == (60, 80, 3)
        pixels = cv2.imread(str(mask), cv2.IMREAD_UNCHANGED)
        assert pixels.shape == (60, 80)
        assert set(np.unique(pixels)) == {0, 255}

    def test_json_tells_everything_about_each_expression(self, model, photo, capsys):
        cli.main(
            [
                "segment",
                str(photo),
                "the mugs",
                "a xyzzy",
                "--model",
                model,
                "--json",
                "--min-area",
                "1",
            ]
        )
        told = json.loads(capsys.readouterr().out)
        assert (told["width"], told["height"]) == (80, 60)
        assert told["device"] in ("cpu", "cuda")
        assert set(told["times_ms"]) == {
            "preprocess", "encode_image", "fuse_and_decode", "postprocess",
        }  # fmt: skip
        mug, xyzzy = told["answers"]
        assert mug["found"]
        assert mug["score"] == pytest.approx(0.880797)  # sigmoid(2)
        x, y, width, height = mug["box_xywh"]
        u, v = mug["anchor_uv"]
        assert x <= u < x + width
        assert y <= v < y + height
        assert not xyzzy["found"]
        assert xyzzy["unknown_words"] == ["a", "xyzzy"]

    def test_unknown_words_are_named(self, model, photo, capsys):
        cli.main(["segment", str(photo), "the xyzzy", "--model", model])
        assert capsys.readouterr().out == (
            "the xyzzy: not found, score 0.00; the model does not know 'xyzzy'; "
            "say it in other words\n"
        )

    def test_several_expressions_number_the_mask(self, model, photo, tmp_path):
        mask = tmp_path / "mask.png"
        cli.main(["segment", str(photo), "mug", "bowl", "--model", model, "--mask", str(mask)])
        assert set(np.unique(cv2.imread(str(mask), cv2.IMREAD_UNCHANGED))) <= {0, 1, 2}

    @pytest.mark.parametrize("channels", [1, 4])
    def test_grey_and_transparent_pictures_are_read(self, model, tmp_path, channels):
        path = tmp_path / "photo.png"
        cv2.imwrite(str(path), np.full((60, 80, channels), 90, np.uint8))
        assert cli.main(["segment", str(path), "mug", "--model", model]) != 2

    def test_a_photograph_is_turned_as_its_camera_says(self, model, tmp_path):
        image = pytest.importorskip("PIL.Image")
        path, out = tmp_path / "photo.jpg", tmp_path / "out.png"
        exif = image.Exif()
        exif[0x0112] = 6  # the camera was held upright
        image.fromarray(np.zeros((60, 80, 3), np.uint8)).save(path, exif=exif)
        cli.main(["segment", str(path), "mug", "--model", model, "-o", str(out)])
        assert cv2.imread(str(out)).shape == (80, 60, 3)

    def test_a_threshold_can_be_given(self, model, photo, capsys):
        cli.main(["segment", str(photo), "mug", "--model", model, "--score-threshold", "0.9"])
        assert "not found" in capsys.readouterr().out


class TestRefusals:
    def test_a_missing_file(self, model, capsys):
        assert "no such file: 'none.jpg'" in refusal(
            capsys, "segment", "none.jpg", "mug", "--model", model
        )

    def test_a_folder_instead_of_a_file(self, model, tmp_path, capsys):
        said = refusal(capsys, "segment", tmp_path, "mug", "--model", model)
        assert f"the folder '{tmp_path}' holds no picture" in said

    @pytest.mark.parametrize("words", ["", "x" * 501])
    def test_a_literal_expression_is_checked_before_a_model_is_loaded(self, photo, capsys, words):
        said = refusal(
            capsys, "segment", photo, "--expression", words, "--model", "nobody/nothing"
        )
        assert f"the command has {len(words)} characters, need 1 to 500" in said

    @pytest.mark.parametrize("content", [b"", b"hello", b"\x89PNG\r\n\x1a\n broken"])
    def test_a_file_that_is_no_picture(self, model, tmp_path, capsys, content):
        path = tmp_path / "photo.png"
        path.write_bytes(content)
        assert "is not a picture" in refusal(capsys, "segment", path, "mug", "--model", model)

    def test_an_unknown_model(self, photo, capsys):
        said = refusal(capsys, "segment", photo, "mug", "--model", "nonsense")
        assert "no model 'nonsense'" in said

    def test_an_empty_text(self, model, photo, capsys):
        assert "'' is empty" in refusal(capsys, "segment", photo, "", "--model", model)

    def test_an_output_of_no_known_format_before_any_work(self, photo, capsys):
        said = refusal(capsys, "segment", photo, "mug", "-o", "out.docx", "--model", "nonsense")
        assert "must end in .png or .jpg" in said

    def test_a_mask_that_would_be_compressed_with_loss(self, photo, capsys):
        said = refusal(capsys, "segment", photo, "mug", "--mask", "m.jpg", "--model", "nonsense")
        assert "must end in .png" in said

    def test_a_device_that_is_not_there(self, model, photo, capsys):
        said = refusal(capsys, "segment", photo, "mug", "--model", model, "--device", "tpu")
        assert "need auto, cpu, cuda" in said

    def test_a_recipe_that_does_not_exist(self, tmp_path, capsys):
        assert "'soup'" in refusal(capsys, "train", "--recipe", "soup", "-o", tmp_path / "run")

    @pytest.mark.parametrize("count", ["0", "-1", "many"])
    def test_no_scenes_at_all(self, count):
        with pytest.raises(SystemExit) as stopped:
            cli.main(["evaluate", "--data", "tabletop", "--scenes", count])
        assert stopped.value.code == 2


def test_models_are_listed_with_size_and_source(capsys):
    assert cli.main(["models"]) == 0
    rows = {
        line.split()[0]: line.split() for line in capsys.readouterr().out.splitlines()[1:] if line
    }
    assert set(rows) >= {"evf_sam", "evf_sam2", "evf_effisam_l", "evf_effisam_b", "tabletop"}
    # Published: 1.32 B, 898 M, 700 M, 232 M.
    published = {"evf_sam": 1315, "evf_sam2": 898, "evf_effisam_l": 700, "evf_effisam_b": 232}
    for name, millions in published.items():
        assert float(rows[name][1]) == pytest.approx(millions, abs=1)
    assert "YxZhang/evf-sam2" in rows["evf_sam2"]
    assert rows["evf_effisam_b"][-1] == "-"


def test_a_model_that_is_not_here_is_never_fetched_unasked(photo, capsys):
    said = refusal(capsys, "segment", photo, "mug", "--model", "nobody/nothing")
    assert "`evf-sam download nobody/nothing` fetches it" in said


def test_the_papers_parameters_are_compared(capsys):
    assert cli.main(["params"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.split()[-5:-3] == ["898", "898.4"] for line in lines)


def test_what_cannot_be_downloaded_is_one_sentence(capsys):
    assert "'tabletop' is not a Hugging Face id" in refusal(capsys, "download", "tabletop")


@pytest.mark.parametrize("command", ["segment", "evaluate", "train", "download"])
def test_help_teaches_by_example(command, capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main([command, "--help"])
    assert stopped.value.code == 0
    assert f"  evf-sam {command} " in capsys.readouterr().out


def test_a_user_sees_no_traceback(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "evf_sam_ros.cli", "segment", "none.jpg", "the mug"],
        capture_output=True, text=True, cwd=ROOT, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith("evf-sam: ")
    assert "Traceback" not in done.stderr


def test_where_the_model_looks_can_be_drawn(model, photo, tmp_path, capsys):
    out = tmp_path / "attention.png"
    words = ["the mugs", "bowls", "--model", model, "--attention", str(out), "--min-area", "1"]
    assert cli.main(["segment", str(photo), *words]) == 0
    capsys.readouterr()
    assert cv2.imread(str(out)).shape == (60, 160, 3)  # a panel for each expression
    said = refusal(capsys, "segment", photo, "mug", "--attention", "a.txt", "--model", "nonsense")
    assert "must end in .png or .jpg" in said


def test_json_has_what_the_heads_say(model, photo, capsys):
    cli.main(["segment", str(photo), "mug", "--model", model, "--json"])
    (mug,) = json.loads(capsys.readouterr().out)["answers"]
    assert 0 < mug["predicted_iou"] < 1
    assert isinstance(mug["presence"], float)


def test_a_checkpoint_can_be_treated_otherwise(model, photo, capsys):
    wanted = ["segment", photo, "[semantic] mug", "--model", model]
    assert "was not trained for" in refusal(capsys, *wanted)
    assert cli.main([*map(str, wanted), "--behaviour", "semantic=true"]) != 2
    capsys.readouterr()
    said = refusal(capsys, *wanted, "--behaviour", "masks=best")
    assert "choice of SAM-2 only" in said
    with pytest.raises(SystemExit):
        cli.main([*map(str, wanted), "--behaviour", "masks"])
