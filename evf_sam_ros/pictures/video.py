"""Read and write videos frame by frame, so that a film may exceed the memory."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from evf_sam_ros.whole_files import named

# FFmpeg writes to stderr by itself; what matters is told by our own sentences. Read once, by the
# first film that is opened.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

Image = NDArray[np.uint8]  # (H, W, 3) RGB

CODECS = {".mp4": "mp4v", ".mov": "mp4v", ".mkv": "mp4v", ".avi": "MJPG"}  # part of every OpenCV
VIDEOS = tuple(CODECS)
USUAL_FPS = 25.0  # of a file that does not say
MOST_FPS = 120.0  # of a file that is written
LOOKED_AT = 12  # frames that tell the pace of a film
STEADY = 0.2  # share by which gaps of a steady pace differ
LOGGING: Any = getattr(cv2.utils, "logging", cv2)  # OpenCV 4 has the functions at its top
LOG_NOTHING = 0  # LOG_LEVEL_SILENT, which OpenCV 4 does not name
LONGEST_GAP_S = 60.0  # a longer pause is played as one frame's time


class VideoReader:
    """The frames of a film, turned as it says, and their times; whatever OpenCV's FFmpeg reads."""

    def __init__(self, path: Path) -> None:
        """Open a file.

        Raises:
            ValueError: there is no such file, or no frame can be read from it.
        """
        if not path.is_file():
            raise ValueError(f"no such file: {str(path)!r}")
        self._path = path
        self._capture = _opened(path)
        read, first = self._capture.read() if self._capture.isOpened() else (False, None)
        if not read or first is None:
            raise ValueError(
                f"{str(path)!r} is not a video that OpenCV reads, such as MP4 or AVI{_hint(path)}"
            )
        self._first = _rgb(first)
        self.height, self.width = self._first.shape[:2]
        stated = float(self._capture.get(cv2.CAP_PROP_FPS))
        self.fps = stated if np.isfinite(stated) and 0 < stated <= 1000 else USUAL_FPS
        count = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self.frame_count = int(count) if 0 < count < 1e9 else None  # None: the file does not say
        self._time_s = self._stamp_s(0.0)

    def __iter__(self) -> Iterator[Image]:
        """Yield each frame, (H, W, 3) RGB; once."""
        yield from (frame for _, frame in self.timed())

    def timed(self) -> Iterator[tuple[float, Image]]:
        """Yield the time of each frame in the film, in seconds, and the frame; once.

        Times are those in the file, also where gaps differ; they always grow.
        """
        yield self._time_s, self._first
        while True:
            read, frame = self._capture.read()
            if not read:
                return
            stamp_s = self._stamp_s(self._time_s + 1 / self.fps)
            if stamp_s <= self._time_s:  # the file does not say
                stamp_s = self._time_s + 1 / self.fps
            self._time_s = stamp_s
            yield stamp_s, _rgb(frame)

    def close(self) -> None:
        self._capture.release()

    def _stamp_s(self, otherwise: float) -> float:
        stamp_s = float(self._capture.get(cv2.CAP_PROP_POS_MSEC)) / 1000
        return stamp_s if np.isfinite(stamp_s) and stamp_s >= 0 else otherwise


class VideoWriter:
    """A file that grows frame by frame and plays at their times; use it as a context.

    OpenCV writes steady frame rates alone. A frame that is shown longer is therefore written more
    than once, and one that is shown for less than a step gives way to the next.
    """

    def __init__(self, path: Path, height: int, width: int, fps: float | None = None) -> None:
        """Prepare to write; the folder is made now, the file once its pace is known.

        Args:
            path: the file; its ending chooses the format.
            height: pixels.
            width: pixels.
            fps: the pace that is stated for the film, which counts where its times bear it out.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._partial = path.with_name(f".{path.stem}.partial{path.suffix}")
        self._size = width, height
        self._stated = fps
        self._kept: list[tuple[float, Image]] = []  # until the pace is known
        self._film: Any = None
        self._step_s = 1 / USUAL_FPS
        self._steps = 0  # written
        self._played_s = 0.0  # until the last frame
        self._last: tuple[float, Image] | None = None

    def write(self, image_rgb: Image, time_s: float) -> None:
        """Add a frame; one of another size is resized to the film's.

        Time that does not grow, or that jumps far, is taken for one step.
        """
        shown = cv2.cvtColor(image_rgb, cv2.COLOR_RGB2BGR)
        if (shown.shape[1], shown.shape[0]) != self._size:
            shown = cv2.resize(shown, self._size)
        if self._film is not None:
            self._show(time_s, np.asarray(shown, np.uint8))
            return
        self._kept.append((time_s, np.asarray(shown, np.uint8)))
        if len(self._kept) == LOOKED_AT:
            self._begin()

    def close(self) -> None:
        """Finish the file.

        Raises:
            OSError: it could not be written.
        """
        if self._film is None and self._kept:
            self._begin()
        if self._film is None:
            return
        self._show_last(self._steps + 1)
        with quietly():
            self._film.release()
        if not _is_film(self._partial):
            self._partial.unlink(missing_ok=True)
            raise OSError(f"cannot write {str(self._path)!r}: is there room on the disk?")
        with named(self._path):
            self._partial.replace(self._path)

    def __enter__(self) -> "VideoWriter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _begin(self) -> None:
        times = [time_s for time_s, _ in self._kept]
        fps = frame_rate(times, self._stated)
        codec = cv2.VideoWriter.fourcc(*CODECS[self._path.suffix.lower()])
        self._film = cv2.VideoWriter(str(self._partial), codec, fps, self._size)
        if not self._film.isOpened():
            width, height = self._size
            raise ValueError(
                f"OpenCV cannot write {str(self._path)!r} at {width}x{height}, {fps:g} fps"
            )
        self._step_s = 1 / fps
        for time_s, shown in self._kept:
            self._show(time_s, shown)
        self._kept = []

    def _show(self, time_s: float, shown: Image) -> None:
        if self._last is not None:
            gap_s = time_s - self._last[0]
            self._played_s += gap_s if 0 < gap_s <= LONGEST_GAP_S else self._step_s
            self._show_last(round(self._played_s / self._step_s))
        self._last = time_s, shown

    def _show_last(self, until: int) -> None:
        """Write the frame before as often as it takes to fill the film to that step."""
        assert self._last is not None
        with quietly():
            while self._steps < until:
                self._film.write(self._last[1])
                self._steps += 1


def frame_rate(times_s: Sequence[float], stated: float | None) -> float:
    """Return the steady rate at which frames of these times can be written.

    That of a steady film is its own, stated or measured; otherwise the shortest gap sets it.
    """
    gaps_s = np.diff(np.asarray(times_s, float))
    gaps_s = gaps_s[(gaps_s > 0) & (gaps_s <= LONGEST_GAP_S)]
    if not len(gaps_s):
        return round(stated or USUAL_FPS, 3)
    middle_s = float(np.median(gaps_s))
    if stated is not None and abs(middle_s * stated - 1) <= STEADY:
        middle_s = 1 / stated
    steady = np.abs(gaps_s / middle_s - 1).max() <= STEADY
    return round(min(1 / middle_s if steady else 1 / float(gaps_s.min()), MOST_FPS), 3)


@contextmanager
def quietly() -> Iterator[None]:
    """Keep OpenCV from writing to stderr: what matters is told by our own sentences."""
    level = LOGGING.getLogLevel()
    LOGGING.setLogLevel(LOG_NOTHING)
    try:
        yield
    finally:
        LOGGING.setLogLevel(level)


def _opened(path: Path) -> cv2.VideoCapture:
    with quietly():
        return cv2.VideoCapture(str(path))


def _hint(path: Path) -> str:
    """Say more of a file that was cut off, where its head tells."""
    with path.open("rb") as file:
        is_mp4 = file.read(8)[4:] == b"ftyp"
    return ": it begins as MP4, whose index is at its end, and may be cut off" if is_mp4 else ""


def _is_film(path: Path) -> bool:
    capture = _opened(path)
    read, _ = capture.read() if capture.isOpened() else (False, None)
    capture.release()
    return bool(read)


def _rgb(frame: NDArray[Any]) -> Image:
    code = cv2.COLOR_GRAY2RGB if frame.ndim == 2 else cv2.COLOR_BGR2RGB
    return np.asarray(cv2.cvtColor(frame, code), np.uint8)
