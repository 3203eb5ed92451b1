"""Videos from and to files: frames one at a time, so that a film may be longer than the memory."""

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]  # (H, W, 3) RGB

CODECS = {".mp4": "mp4v", ".mov": "mp4v", ".mkv": "mp4v", ".avi": "MJPG"}  # part of every OpenCV
VIDEOS = tuple(CODECS)
USUAL_FPS = 25.0  # of a file that does not say


class VideoReader:
    """The frames of a file, turned as it says; whatever OpenCV's FFmpeg reads."""

    def __init__(self, path: Path) -> None:
        """Open a file.

        Raises:
            ValueError: there is no such file, or no frame can be read from it.
        """
        if not path.is_file():
            raise ValueError(f"no such file: {str(path)!r}")
        self._path = path
        self._capture = cv2.VideoCapture(str(path))
        read, first = self._capture.read() if self._capture.isOpened() else (False, None)
        if not read or first is None:
            raise ValueError(f"{str(path)!r} is not a video that OpenCV reads, such as MP4 or AVI")
        self._first = _rgb(first)
        self.height, self.width = self._first.shape[:2]
        stated = float(self._capture.get(cv2.CAP_PROP_FPS))
        self.fps = stated if np.isfinite(stated) and 0 < stated <= 1000 else USUAL_FPS
        count = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self.frame_count = int(count) if 0 < count < 1e9 else None  # None: the file does not say

    def __iter__(self) -> Iterator[Image]:
        """Yield each frame, (H, W, 3) RGB; once."""
        yield self._first
        while True:
            read, frame = self._capture.read()
            if not read:
                return
            yield _rgb(frame)

    def close(self) -> None:
        self._capture.release()


class VideoWriter:
    """A file that grows frame by frame; use it as a context, or it is not complete."""

    def __init__(self, path: Path, fps: float, height: int, width: int) -> None:
        """Create the file, and the folder it is in.

        Raises:
            ValueError: OpenCV cannot write it.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        codec = cv2.VideoWriter.fourcc(*CODECS[path.suffix.lower()])
        self._size = width, height
        self._writer = cv2.VideoWriter(str(path), codec, fps, self._size)
        if not self._writer.isOpened():
            raise ValueError(f"OpenCV cannot write {str(path)!r} at {width}x{height}, {fps:g} fps")

    def write(self, image_rgb: Image) -> None:
        """Add a frame; one of another size is resized to the first one's."""
        shown = cv2.cvtColor(image_rgb, cv2.COLOR_RGB2BGR)
        if (shown.shape[1], shown.shape[0]) != self._size:
            shown = cv2.resize(shown, self._size)
        self._writer.write(shown)

    def __enter__(self) -> "VideoWriter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._writer.release()


def _rgb(frame: NDArray[Any]) -> Image:
    code = cv2.COLOR_GRAY2RGB if frame.ndim == 2 else cv2.COLOR_BGR2RGB
    return np.asarray(cv2.cvtColor(frame, code), np.uint8)
