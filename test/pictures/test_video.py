"""Videos as files, and `evf-sam track` as a user types it."""

import json

import cv2
import numpy as np
import pytest

from evf_sam_ros import cli
from evf_sam_ros.pictures.video import CODECS, VideoReader, VideoWriter

FRAMES, HEIGHT, WIDTH = 7, 48, 64


@pytest.fixture
def model(tiny):
    return str(tiny)


def write_video(path, fps=10.0):
    """Write frames that grow brighter."""
    with VideoWriter(path, fps, HEIGHT, WIDTH) as film:
        for number in range(FRAMES):
            film.write(np.full((HEIGHT, WIDTH, 3), (30 * number, 60, 90), np.uint8))
    return path


@pytest.fixture
def video(tmp_path):
    return write_video(tmp_path / "video.mp4")


@pytest.mark.parametrize("ending", CODECS)
def test_what_is_written_is_read(tmp_path, ending):
    reader = VideoReader(write_video(tmp_path / f"new folder/film{ending}"))
    assert (reader.height, reader.width, reader.fps) == (HEIGHT, WIDTH, 10.0)
    frames = list(reader)
    assert len(frames) == FRAMES
    assert frames[3].mean((0, 1)) == pytest.approx((90, 60, 90), abs=12)  # red first, with loss
    assert reader.frame_count in (FRAMES, None)


def test_a_frame_of_another_size_is_fitted_to_the_film(tmp_path):
    with VideoWriter(tmp_path / "film.avi", 10.0, HEIGHT, WIDTH) as film:
        film.write(np.zeros((HEIGHT, WIDTH, 3), np.uint8))
        film.write(np.zeros((2 * HEIGHT, WIDTH, 3), np.uint8))
    assert [frame.shape for frame in VideoReader(tmp_path / "film.avi")] == [
        (HEIGHT, WIDTH, 3)
    ] * 2


def track(*arguments):
    return cli.main(["track", *map(str, arguments)])


class TestCommand:
    def test_a_film_and_a_line_per_frame(self, video, model, tmp_path, capsys):
        out, lines = tmp_path / "new" / "out.mp4", tmp_path / "track.jsonl"
        options = ["--json", lines, "--model", model, "--min-area", 1]
        assert track(video, "red mugs", "-o", out, *options) == 0
        printed = capsys.readouterr()
        assert printed.out.startswith("red mugs: tracked in ")
        assert f"of {FRAMES} frames" in printed.out
        assert f"{FRAMES}/{FRAMES}" in printed.err  # the progress bar
        drawn = list(VideoReader(out))
        assert [frame.shape for frame in drawn] == [(HEIGHT, WIDTH, 3)] * FRAMES
        told = [json.loads(line) for line in lines.read_text().splitlines()]
        assert [line["frame"] for line in told] == list(range(FRAMES))
        assert told[3]["time_s"] == pytest.approx(0.3)
        tracked = [line for line in told if line["state"] == "tracked"]
        assert tracked
        for line in tracked:
            x, y, width, height = line["box_xywh"]
            assert 0 < line["area_px"] <= width * height
            assert x + width <= WIDTH
            assert y + height <= HEIGHT
            assert line["by"] == "words"

    def test_a_picture_is_a_video_of_one_frame(self, model, tmp_path):
        cv2.imwrite(str(tmp_path / "photo.png"), np.zeros((HEIGHT, WIDTH, 3), np.uint8))
        assert track(tmp_path / "photo.png", "red mug", "--model", model) in (0, 1)

    def test_what_is_nowhere_is_said_and_has_its_own_exit_code(self, video, model, capsys):
        assert track(video, "red mug", "--model", model, "--score-threshold", "1") == 1
        said = capsys.readouterr().out
        assert said == f"red mug: not found in any of {FRAMES} frames\n"

    def test_unknown_words_are_named(self, video, model, capsys):
        assert track(video, "the xyzzy", "--model", model) == 1
        assert "the model does not know 'xyzzy'" in capsys.readouterr().out


class TestRefusals:
    """Each before the model is loaded, so that `nonsense` is never looked for."""

    def refusal(self, capsys, *arguments):
        assert track(*arguments, "--model", "nonsense") == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        return printed.err

    def test_a_missing_file(self, capsys):
        assert "no such file: 'none.mp4'" in self.refusal(capsys, "none.mp4", "mug")

    @pytest.mark.parametrize("content", [b"", b"hello", b"\0\0\0\x18ftypmp42 broken"])
    def test_a_file_that_is_no_video(self, tmp_path, capsys, content):
        path = tmp_path / "video.mp4"
        path.write_bytes(content)
        assert "is not a video" in self.refusal(capsys, path, "mug")

    def test_a_name_that_is_no_videos(self, video, capsys):
        assert "must end in .mp4 or" in self.refusal(capsys, video, "mug", "-o", "out.gif")

    def test_a_negative_interval(self, video, model, capsys):
        assert track(video, "mug", "--model", model, "--reground", "-3") == 2
        assert "reground is -3" in capsys.readouterr().err

    def test_an_empty_expression_before_anything_is_written(self, video, model, tmp_path, capsys):
        out = tmp_path / "out.mp4"
        assert track(video, "", "--model", model, "-o", out) == 2
        assert "'' is empty" in capsys.readouterr().err
        assert not out.exists()

    def test_the_video_itself_is_not_overwritten(self, video, model, capsys):
        before = video.read_bytes()
        assert track(video, "mug", "--model", model, "-o", video) == 2
        assert "while it is read" in capsys.readouterr().err
        assert video.read_bytes() == before


def test_a_file_that_ends_early_is_followed_as_far_as_it_goes(tmp_path, model, capsys):
    noise, whole, part = np.random.default_rng(0), tmp_path / "whole.mkv", tmp_path / "part.mkv"
    with VideoWriter(whole, 10.0, HEIGHT, WIDTH) as film:
        for _ in range(40):
            film.write(noise.integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8))
    part.write_bytes(whole.read_bytes()[: whole.stat().st_size * 3 // 4])
    assert track(part, "red mugs", "--model", model, "--min-area", 1) == 0
    assert "frames, all that could be read of 40" in capsys.readouterr().out
