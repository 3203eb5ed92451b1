"""Files of the demo: pictures, one line for each command, and the same as JSON."""

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from evf_sam_ros.pictures.photograph import write_image
from evf_sam_ros.whole_files import write_text

Point = tuple[float, float, float]
HEADINGS = (
    "expression", "status", "score", "centroid (m)", "true centroid (m)", "off", "latency",
    "picture",
)  # fmt: skip
SUMMARY = "summary.png"
SUMMARY_TILE = (480, 360)  # pixels, width and height
SUMMARY_COLUMNS = 3


@dataclass(frozen=True)
class Row:
    """One command and its answer; positions in the camera's optical frame, metres."""

    seed: int
    command: str
    expression: str
    status: str
    message: str
    score: float
    centroids_m: list[Point]  # one for each object found, best first
    true_centroids_m: list[Point] | None  # None: the words are outside the scene's grammar
    latency_ms: float
    picture: str  # file name in the folder

    @property
    def pair_m(self) -> tuple[Point | None, Point | None]:
        """Return the best object's centroid and the true one nearest to it."""
        found = self.centroids_m[0] if self.centroids_m else None
        true = list(self.true_centroids_m or [])
        if not true:
            return found, None
        place = np.array(found if found is not None else true[0])
        return found, min(true, key=lambda point: float(np.linalg.norm(point - place)))


class Report:
    """A folder of results that keeps the rows of earlier runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lines = folder / "results.txt"
        self._data = folder / "results.json"
        self.rows: list[Row] = []
        folder.mkdir(parents=True, exist_ok=True)
        if self._data.is_file():
            self.rows = [_row(document) for document in json.loads(self._data.read_text())]

    def clear(self) -> None:
        """Forget earlier commands; delete their pictures and nothing else."""
        for row in self.rows:
            (self.folder / row.picture).unlink(missing_ok=True)
        (self.folder / SUMMARY).unlink(missing_ok=True)
        self.rows = []

    def picture_name(self, command: str) -> str:
        """Return a file name that sorts in the order of asking and tells what was asked."""
        words = re.sub(r"[^a-z0-9]+", "_", command.lower()).strip("_")[:48]
        return f"{len(self.rows) + 1:02d}_{words or 'command'}.png"

    def add(self, row: Row, picture_rgb: NDArray[np.uint8]) -> None:
        """Keep a row and its picture, (H, W, 3)."""
        write_image(self.folder / row.picture, picture_rgb)
        self.rows.append(row)
        write_text(self._lines, table(self.rows) + "\n")
        write_text(self._data, json.dumps([asdict(each) for each in self.rows], indent=1) + "\n")
        cv2.imwrite(str(self.folder / SUMMARY), self._summary())

    def _summary(self) -> NDArray[np.uint8]:
        """Return all pictures side by side, BGR."""
        kept = [cv2.imread(str(self.folder / row.picture)) for row in self.rows]
        pictures = [cv2.resize(each, SUMMARY_TILE) for each in kept if each is not None]
        pictures += [np.full_like(pictures[0], 255)] * (-len(pictures) % SUMMARY_COLUMNS)
        rows = range(0, len(pictures), SUMMARY_COLUMNS)
        return np.vstack([np.hstack(pictures[row : row + SUMMARY_COLUMNS]) for row in rows])


def table(rows: Sequence[Row]) -> str:
    """Set the rows in columns."""
    cells = [HEADINGS, *(_cells(row) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(map(str.ljust, line, widths)).rstrip() for line in cells]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def _row(document: dict[str, Any]) -> Row:
    """Read a row from JSON, which knows no tuples."""
    points = {
        name: [tuple(point) for point in document[name]]
        for name in ("centroids_m", "true_centroids_m")
        if document[name] is not None
    }
    return Row(**{**document, **points})


def _cells(row: Row) -> tuple[str, ...]:
    found, true = row.pair_m
    off = ""
    if found is not None and true is not None:
        off = f"{1000 * np.linalg.norm(np.subtract(found, true)):.0f} mm"
    return (
        row.expression or repr(row.command),
        row.status,
        f"{row.score:.2f}",
        _position(found, len(row.centroids_m)),
        _position(true, len(row.true_centroids_m or []))
        if row.true_centroids_m is not None
        else "not known",
        off,
        f"{row.latency_ms:.0f} ms" if row.latency_ms else "",
        row.picture,
    )


def _position(point: Point | None, count: int) -> str:
    if point is None:
        return "none"
    more = f" and {count - 1} more" if count > 1 else ""
    return " ".join(f"{value:+.3f}" for value in point) + more
