"""Videos as files, and `evf-sam track` as a user types it."""

import json
import struct
import subprocess
import sys

import cv2
import numpy as np
import pytest

from evf_sam_ros import cli
from evf_sam_ros.pictures.video import CODECS, VideoReader, VideoWriter, frame_rate

FRAMES, HEIGHT, WIDTH = 7, 48, 64


@pytest.fixture
def model(tiny):
    return str(tiny)


def write_video(path, fps=10.0):
    """Write frames that grow brighter."""
    with VideoWriter(path, HEIGHT, WIDTH, fps) as film:
        for number in range(FRAMES):
            film.write(np.full((HEIGHT, WIDTH, 3), (30 * number, 60, 90), np.uint8), number / fps)
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
    with VideoWriter(tmp_path / "film.avi", HEIGHT, WIDTH, 10.0) as film:
        film.write(np.zeros((HEIGHT, WIDTH, 3), np.uint8), 0.0)
        film.write(np.zeros((2 * HEIGHT, WIDTH, 3), np.uint8), 0.1)
    assert [frame.shape for frame in VideoReader(tmp_path / "film.avi")] == [
        (HEIGHT, WIDTH, 3)
    ] * 2


def with_gaps(content, gaps_ms):
    """Return an MP4 file whose frames last that long: its table of times is written anew."""
    made, place = b"", 0
    while place < len(content):
        size, kind = struct.unpack(">I4s", content[place : place + 8])
        body = content[place + 8 : place + size]
        if kind in (b"moov", b"trak", b"mdia", b"minf", b"stbl"):
            body = with_gaps(body, gaps_ms)
        if kind == b"stts":
            tick = struct.unpack(">I", body[12:16])[0] / 100  # the film had 10 frames a second
            pairs = b"".join(struct.pack(">II", 1, round(gap * tick)) for gap in gaps_ms)
            body = body[:4] + struct.pack(">I", len(gaps_ms)) + pairs
        if kind == b"edts":
            kind = b"free"  # it cuts the film at its old length
        made += struct.pack(">I4s", len(body) + 8, kind) + body
        place += size
    return made


GAPS_MS = (100, 100, 900, 100, 300, 100, 100)
TIMES_S = [0, 0.1, 0.2, 1.1, 1.2, 1.5, 1.6]


@pytest.fixture
def uneven(tmp_path, video):
    path = tmp_path / "uneven.mp4"
    path.write_bytes(with_gaps(video.read_bytes(), GAPS_MS))
    return path


def test_the_times_of_frames_are_those_of_the_film(uneven):
    times = [time_s for time_s, _ in VideoReader(uneven).timed()]
    assert times == pytest.approx(TIMES_S, abs=0.001)


def test_what_is_written_plays_like_what_was_read(tmp_path, uneven):
    reader = VideoReader(uneven)
    with VideoWriter(tmp_path / "copy.mp4", HEIGHT, WIDTH, reader.fps) as film:
        for time_s, frame in reader.timed():
            film.write(frame, time_s)
    copy = VideoReader(tmp_path / "copy.mp4")
    shown = [(time_s, round(frame[..., 0].mean() / 30)) for time_s, frame in copy.timed()]
    assert [number for _, number in shown] == [0, 1] + [2] * 9 + [3] + [4] * 3 + [5, 6]
    assert [time_s for time_s, _ in shown] == pytest.approx(np.arange(17) / 10, abs=0.001)


@pytest.mark.parametrize(
    ("times", "stated", "expected"),
    [
        ([0, 0.1, 0.2, 0.3], None, 10),
        ([0, 0.099, 0.201, 0.3], None, 10.101),
        ([0, 0.033, 0.067, 0.1], 29.97, 29.97),
        ([0, 0.1, 1.1, 1.2], 2.5, 10),
        ([5, 4, 3], None, 25),
        ([0], 12.5, 12.5),
        ([0, 0.001, 0.5], None, 120),
    ],
)
def test_the_pace_of_a_film_is_its_own_where_it_is_steady(times, stated, expected):
    assert frame_rate(times, stated) == pytest.approx(expected, abs=0.01)


def test_a_jump_of_time_takes_one_frame(tmp_path):
    with VideoWriter(tmp_path / "film.mp4", HEIGHT, WIDTH) as film:
        for time_s in (0, 0.1, 0.2, 100_000, 100_000.1, 7, 7.1):
            film.write(np.zeros((HEIGHT, WIDTH, 3), np.uint8), time_s)
    assert len(list(VideoReader(tmp_path / "film.mp4"))) == 7


def limited(script, *arguments):
    """Run Python where no file can hold more than 4 kB; return its exit code and stderr."""
    head = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
    command = [sys.executable, "-c", head + script, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.returncode, done.stderr


def test_a_film_for_which_there_is_no_room_leaves_nothing_and_is_named(tmp_path):
    script = """
import sys, numpy as np
from pathlib import Path
from evf_sam_ros.pictures.video import VideoWriter
noise = np.random.default_rng(0)
with VideoWriter(Path(sys.argv[1]), 240, 320) as film:
    for number in range(20):
        film.write(noise.integers(0, 255, (240, 320, 3), np.uint8), number / 10)
"""
    path = tmp_path / "film.mp4"
    code, said = limited(script, path)
    assert code == 1
    assert "FFmpeg" not in said
    assert f"cannot write '{path}': is there room on the disk?" in said
    assert list(tmp_path.iterdir()) == []


def track(*arguments):
    return cli.main(["track", *map(str, arguments)])


class TestCommand:
    def test_a_film_and_a_line_per_frame(self, model, tmp_path, capsys):
        video = tmp_path / "video.mp4"
        with VideoWriter(video, HEIGHT, WIDTH, 10.0) as film:
            for number in range(FRAMES):
                frame = np.full((HEIGHT, WIDTH, 3), (90, 60, 90), np.uint8)
                frame[10:30, 5 * number : 5 * number + 20] = 220
                film.write(frame, number / 10.0)
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
    def test_a_file_that_is_no_video(self, tmp_path, capfd, content):
        path = tmp_path / "video.mp4"
        path.write_bytes(content)
        said = self.refusal(capfd, path, "mug")
        assert "is not a video" in said
        assert said.count("\n") == 1  # FFmpeg would have more to say

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
    with VideoWriter(whole, HEIGHT, WIDTH, 10.0) as film:
        for number in range(40):
            film.write(noise.integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8), number / 10)
    part.write_bytes(whole.read_bytes()[: whole.stat().st_size * 3 // 4])
    assert track(part, "red mugs", "--model", model, "--min-area", 1) == 0
    assert "frames, all that could be read of 40" in capsys.readouterr().out
