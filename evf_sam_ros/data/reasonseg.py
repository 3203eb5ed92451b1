"""Reader of ReasonSeg: each picture has a JSON file with its sentences and outlines."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from evf_sam_ros.data.files import PICTURE_ENDINGS, first_of, picture_size, read_json
from evf_sam_ros.data.records import Dataset, Expression, Record, Region
from evf_sam_ros.data.regions import check_outline

SPLITS = ("val", "test", "train")
IGNORED = "ignore"


@dataclass(frozen=True)
class Outlines(Region):
    """Filled outlines, the largest first: a smaller one lies on top of those drawn before."""

    shapes: tuple[tuple[str, Any], ...]  # label, corners (N, 2) in pixels
    ignored: bool  # this region is what is to be ignored, else it is the object

    def mask(self, height: int, width: int) -> NDArray[np.bool_]:
        canvas = np.zeros((height, width), np.uint8)
        drawn = [(label, np.asarray(points, np.float64)) for label, points in self.shapes]
        drawn.sort(key=lambda item: -_area(item[1], height, width))
        for label, points in drawn:
            corners = [points.astype(np.int32)]
            value = 2 if IGNORED in label.lower() else 1
            cv2.polylines(canvas, corners, True, value, 1)
            cv2.fillPoly(canvas, corners, value)
        return canvas == (2 if self.ignored else 1)


def folder_of(root: Path, split: str) -> Path:
    """Return the folder of a split; ValueError if it is not there."""
    names = [f"{top}/{split}" for top in (".", "ReasonSeg", "reason_seg/ReasonSeg", "reasonseg")]
    return first_of(root, names, f"ReasonSeg {split}")


def is_there(root: Path, split: str) -> bool:
    """Tell whether a split is below `root`."""
    try:
        return any(folder_of(root, split).glob("*.json"))
    except ValueError:
        return False


def read(root: Path, split: str) -> Dataset:
    """Read every picture of a split that has a JSON file.

    Raises:
        ValueError: the folder or a picture is missing, or a JSON file is not of this kind.
    """
    folder = folder_of(root, split)
    files = sorted(folder.glob("*.json"))
    if not files:
        raise ValueError(f"no *.json in {str(folder)!r}")
    records = tuple(map(_record, files))
    sentences = sum(len(record.expressions) for record in records)
    return Dataset("reasonseg", split, records, {"images": len(records), "sentences": sentences})


def _record(path: Path) -> Record:
    # Some of the published files were written on Windows.
    document = read_json(path, encodings=("utf-8-sig", "cp1252"))
    texts, shapes = _checked(document, path)
    image = first_of(path.parent, [path.stem + end for end in PICTURE_ENDINGS], "picture")
    height, width = picture_size(image)
    for number, (_, points) in enumerate(shapes):
        _check_points(points, (height, width), f"shape {number} of {str(path)!r}")
    has_target = any(IGNORED not in label.lower() for label, _ in shapes)
    has_ignored = any(IGNORED in label.lower() for label, _ in shapes)
    kind = "sentence" if document.get("is_sentence") else "phrase"
    return Record(
        image=image,
        height=height,
        width=width,
        expressions=tuple(
            Expression(
                f"{path.stem}.{number}",
                text.strip(),
                Outlines(shapes, ignored=False) if has_target else None,
                Outlines(shapes, ignored=True) if has_ignored else None,
                kind,
            )
            for number, text in enumerate(texts)
        ),
    )


def _checked(document: Any, path: Path) -> tuple[list[str], tuple[tuple[str, Any], ...]]:
    """Return the sentences and the outlines; a shape labelled "flag" is a note, not an outline."""
    if not isinstance(document, Mapping):
        raise ValueError(f"{str(path)!r} is not of ReasonSeg: need 'text' and 'shapes'")
    texts, shapes = document.get("text"), document.get("shapes")
    texts = [texts] if isinstance(texts, str) else texts
    is_text = isinstance(texts, list) and all(isinstance(text, str) for text in texts)
    if not is_text or not texts or not isinstance(shapes, list):
        raise ValueError(f"{str(path)!r} is not of ReasonSeg: need 'text' and 'shapes'")
    outlines = []
    for shape in shapes:
        if not isinstance(shape, Mapping) or not _has_outline(shape):
            raise ValueError(f"a shape of {str(path)!r} lacks 'label' or 'points'")
        if "flag" not in shape["label"].lower():
            outlines.append((shape["label"], shape["points"]))
    return texts, tuple(outlines)


def _has_outline(shape: Mapping[str, Any]) -> bool:
    return isinstance(shape.get("label"), str) and "points" in shape


def _check_points(points: Any, size: tuple[int, int], where: str) -> None:
    try:
        corners = np.asarray(points, np.float64)
    except (TypeError, ValueError, OverflowError):
        corners = np.zeros(0)
    if corners.ndim != 2 or corners.shape[1] != 2 or not len(corners):
        raise ValueError(f"{where} has the points {repr(points)[:60]}, need [[x, y], ...]")
    try:
        check_outline(corners, size)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def _area(points: NDArray[np.float64], height: int, width: int) -> int:
    canvas = np.zeros((height, width), np.uint8)
    cv2.polylines(canvas, [points.astype(np.int32)], True, 1, 1)
    cv2.fillPoly(canvas, [points.astype(np.int32)], 1)
    return int(canvas.sum())
