"""`evf-sam segment` on folders, patterns, several files and standard input."""

import io
import json
import sys
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from evf_sam_ros import cli
from evf_sam_ros.pictures import camera


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name, size in (("a.png", (60, 80, 3)), ("b.png", (48, 64, 3))):
        cv2.imwrite(str(folder / name), rng.integers(0, 255, size, np.uint8))
    return folder


def segment(tiny, *arguments):
    return cli.main(["segment", *map(str, arguments), "--model", str(tiny), "--min-area", "1"])


def refusal(capsys, *arguments):
    assert cli.main(["segment", *map(str, arguments), "--model", "nobody/nothing"]) == 2
    return capsys.readouterr().err


def sizes(capsys):
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [(each["image"].rpartition("/")[2], each["width"], each["height"]) for each in told]


@pytest.mark.parametrize("given", [["."], ["*.png"], ["a.png", "b.png"], ["b.png", "a.png"]])
def test_every_picture_is_answered_on_a_line_of_its_own(tiny, photos, capsys, given):
    assert segment(tiny, *(photos / name for name in given), "the mugs", "--json") == 0
    expected = [("a.png", 80, 60), ("b.png", 64, 48)]
    assert sizes(capsys) == (expected[::-1] if given[0] == "b.png" else expected)


def test_a_line_names_its_picture(tiny, photos, capsys):
    segment(tiny, photos, "the mugs")
    a, b = capsys.readouterr().out.splitlines()
    assert a.startswith(f"{photos}/a.png: the mugs: found, ")
    assert b.startswith(f"{photos}/b.png: the mugs: found, ")


def test_a_picture_on_standard_input_is_one_picture(tiny, photos, capsys, monkeypatch):
    content = io.BytesIO((photos / "a.png").read_bytes())
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=content))
    assert segment(tiny, "-", "the mugs", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["image"], told["width"], told["height"]) == ("-", 80, 60)


def test_an_empty_standard_input_is_refused(capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO()))
    assert "'standard input' is not a picture: it is empty" in refusal(capsys, "-", "the mug")


def test_files_are_named_after_their_pictures(tiny, photos, tmp_path):
    out, masks = tmp_path / "out", tmp_path / "masks"
    segment(tiny, photos, "the mugs", "-o", out, "--mask", masks)
    assert cv2.imread(str(out / "a.png")).shape == (60, 80, 3)
    assert cv2.imread(str(masks / "b.png"), cv2.IMREAD_UNCHANGED).shape == (48, 64)


def test_a_broken_picture_does_not_stop_the_others(tiny, photos, capsys):
    (photos / "a.png").write_bytes(b"hello")
    assert segment(tiny, photos, "the mugs") == 2
    printed = capsys.readouterr()
    assert printed.out.startswith(f"{photos}/b.png: the mugs: found")
    assert f"evf-sam: '{photos}/a.png' is not a picture" in printed.err


def test_a_damaged_picture_has_a_line_that_says_so(tiny, photos, capsys):
    whole = (photos / "a.png").read_bytes()
    (photos / "a.png").write_bytes(whole[: len(whole) // 2])
    (photos / "c.png").write_bytes(b"hello")
    assert segment(tiny, photos, "the mugs", "--json") == 2
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["image_damaged"] for each in told] == [True, False, False]
    assert [len(each["answers"]) for each in told] == [0, 1, 0]
    assert "is not a picture that is whole" in told[0]["error"]
    assert "is not a picture that OpenCV reads" in told[2]["error"]


def test_nothing_is_overwritten_and_nothing_shares_a_file(photos, tmp_path, capsys):
    assert "is one of the pictures" in refusal(capsys, photos, "mug", "-o", photos)
    assert "is one file" in refusal(capsys, photos, "mug", "-o", tmp_path / "x.png")
    both = ["-o", tmp_path / "x", "--mask", tmp_path / "x"]
    assert "two kinds of files" in refusal(capsys, photos, "mug", *both)
    (photos / "a.jpg").touch()
    assert "2 pictures are named 'a'" in refusal(capsys, photos, "mug", "-o", tmp_path / "x")


def test_a_second_picture_that_is_missing_is_no_sentence(photos, capsys):
    said = refusal(capsys, photos / "a.png", photos / "none.png", "the mug")
    assert f"no such file: '{photos}/none.png'" in said


def test_a_sentence_named_like_a_folder_stays_a_sentence(tiny, photos, capsys, monkeypatch):
    monkeypatch.chdir(photos)
    (photos / "mug").mkdir()
    segment(tiny, "a.png", "mug")
    assert capsys.readouterr().out.startswith("mug: ")


@pytest.fixture
def no_camera(tmp_path, monkeypatch):
    """Give an empty folder of devices."""
    folder = tmp_path / "dev"
    folder.mkdir()
    monkeypatch.setattr(camera, "DEVICES", folder)
    return folder


class Capture:
    """A camera whose first pictures are dark; it must be given back."""

    released = 0

    def __init__(self, number):
        self.levels = [] if number == 9 else [0, 0, 0, 0, 200]

    def read(self):
        if not self.levels:
            return False, None
        return True, np.full((48, 64, 3), (self.levels.pop(0), 0, 0), np.uint8)

    def release(self):
        Capture.released += 1


def test_a_camera_gives_a_picture_once_its_exposure_has_settled(no_camera, monkeypatch):
    (no_camera / "video3").touch()
    monkeypatch.setattr(camera.cv2, "VideoCapture", Capture)
    rgb = camera.take_picture(3)
    assert (rgb.shape, rgb[0, 0].tolist()) == ((48, 64, 3), [0, 0, 200])  # OpenCV gives BGR
    assert Capture.released == 1


def test_a_camera_is_answered_like_a_picture(tiny, no_camera, monkeypatch, capsys):
    (no_camera / "video3").touch()
    monkeypatch.setattr(camera.cv2, "VideoCapture", Capture)
    segment(tiny, "camera:3", "the mugs", "--json")
    told = json.loads(capsys.readouterr().out)
    assert (told["image"], told["width"], told["height"]) == ("camera:3", 64, 48)


def test_a_camera_that_is_missing_or_silent_is_one_sentence(no_camera, monkeypatch, capsys):
    assert "no camera 0: " in (said := refusal(capsys, "camera:0", "the mug"))
    assert "cameras: none" in said
    (no_camera / "video9").touch()
    assert "cameras: camera:9" in refusal(capsys, "camera:0", "the mug")
    monkeypatch.setattr(camera.cv2, "VideoCapture", Capture)
    assert "camera 9 gives no picture: is " in refusal(capsys, "camera:9", "the mug")


def test_a_file_named_as_a_camera_is_that_file(tiny, photos, monkeypatch, capsys):
    monkeypatch.chdir(photos)
    (photos / "a.png").rename(photos / "camera:0")
    segment(tiny, "camera:0", "the mugs", "--json")
    assert json.loads(capsys.readouterr().out)["width"] == 80
