"""Readers of RefSpatial-Bench, RoboSpatial-Home and Where2Place.

Large models answer their questions by points. Most of the questions ask for a free place on a
surface. That is outside of what this package claims, which finds objects, and the data sets'
notes say so.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from evf_sam_ros.data import contents
from evf_sam_ros.data.faults import LabelError
from evf_sam_ros.data.files import read_json, read_json_lines
from evf_sam_ros.data.gathering import Gathering, Sentence, below, number_of, text_of
from evf_sam_ros.data.label_pictures import MaskPicture
from evf_sam_ros.data.records import Dataset, Expression

REFSPATIAL, EXPAND = "refspatial", "refspatial-expand"
ROBOSPATIAL, WHERE2PLACE = "robospatial-home", "where2place"
FOLDERS: Mapping[str, tuple[str, ...]] = {
    REFSPATIAL: ("RefSpatial-Bench", "RefSpatial_Bench", "refspatial-bench", "refspatial_bench"),
    EXPAND: ("RefSpatial-Expand-Bench", "refspatial-expand-bench", "RefSpatial-Expand"),
    ROBOSPATIAL: ("RoboSpatial-Home", "robospatial-home", "RoboSpatial_Home"),
    WHERE2PLACE: ("where2place", "Where2Place", "where2place/where2place"),
}
SPLITS: Mapping[str, tuple[str, ...]] = {
    REFSPATIAL: ("location", "placement", "unseen"),
    EXPAND: ("location", "placement"),
    ROBOSPATIAL: ("context",),
    WHERE2PLACE: ("test",),
}
MARKERS: Mapping[str, str] = {
    REFSPATIAL: "Location/question.json or data/location-*.parquet",
    EXPAND: "Location/question.json or data/location-*.parquet",
    ROBOSPATIAL: "data/context-*.parquet",
    WHERE2PLACE: "point_questions.jsonl",
}
OUTSIDE = (
    "outside the claim: these sentences ask for a free place, not for an object; the share of "
    "answers in the true region is no measure of finding objects"
)
POINTS_ARE_ANCHORS = (
    "papers report the share of a model's points in the true mask; point_acc is that of the "
    "answer's anchor, which is one point for each sentence"
)
# What the questions say about the form of an answer, which is not for this model.
FORMAT = re.compile(r"\s*\bYour answer should\b.*", re.DOTALL | re.IGNORECASE)


def present(root: Path, name: str) -> list[str]:
    """Return the splits of a data set that are below `root`."""
    return [split for split in SPLITS[name] if _found(root, name, split)]


def read(root: Path, name: str, split: str) -> Dataset:
    """Read one split of a data set, from folders or from Parquet tables.

    Raises:
        ValueError: a file is missing, or is not what it should be.
    """
    gathering = Gathering(name, split)
    count = 0
    for path in _found(root, name, split):
        for number, row in enumerate(_rows(path, name)):
            count += 1
            try:
                gathering.add(_sentence(row, f"{path.stem}.{number}", path))
            except LabelError as error:
                gathering.faults.leave_out(error)
    notes = (POINTS_ARE_ANCHORS,) if split == "location" else (OUTSIDE, POINTS_ARE_ANCHORS)
    return gathering.dataset({"sentences": count}, notes)


def _found(root: Path, name: str, split: str) -> list[Path]:
    """Return the files of a split: one of questions, or Parquet tables in their order."""
    tops = [root / each for each in FOLDERS[name] if (root / each).is_dir()]
    own = next((each for each, names in FOLDERS.items() if root.resolve().name in names), None)
    if own == name or (own is None and name != EXPAND):
        tops.append(root)
    for top in tops:
        files = _in_folder(top, name, split)
        if files:
            return files
    return []


def _in_folder(top: Path, name: str, split: str) -> list[Path]:
    if name == WHERE2PLACE:
        return [path for path in [top / "point_questions.jsonl"] if path.is_file()]
    questions = top / split.capitalize() / "question.json"
    if name in (REFSPATIAL, EXPAND) and questions.is_file():
        return [questions]
    places = (f"data/{split}-*", f"default/{split}/*", f"{split}-*")
    return next(
        (found for each in places if (found := sorted(top.glob(each + contents.TABLE)))), []
    )


def _rows(path: Path, name: str) -> Iterable[Any]:
    if path.suffix == contents.TABLE:
        question = "question" if name == ROBOSPATIAL else "prompt"
        return contents.rows(path, (question, "image", "mask"), ("image", "mask"))
    rows = read_json_lines(path) if path.suffix == ".jsonl" else read_json(path)
    if not isinstance(rows, list) or not rows:
        raise ValueError(f"{str(path)!r} is not a list of questions")
    return rows


def _sentence(row: Any, key: str, path: Path) -> Sentence:
    where = f"row {key} of {str(path)!r}"
    if not isinstance(row, Mapping):
        raise LabelError("it is no object of JSON", where)
    question = next((each for each in ("prompt", "question", "text") if each in row), "prompt")
    text = FORMAT.sub("", text_of(row, question, where)).strip()
    if not text:
        raise LabelError(f"it has no {question!r}", where)
    image, mask = _pictures(row, path, where)
    kind = _kind(row, where)
    return Sentence(Expression(key, text, MaskPicture(mask), kind=kind, command=True), image)


def _pictures(row: Mapping[str, Any], path: Path, where: str) -> tuple[Path, Path]:
    if path.suffix == contents.TABLE:
        for column in ("image", "mask"):
            if row[column] is None:
                raise LabelError(f"it has no {column}", where)
        return row["image"], row["mask"]
    if path.suffix == ".jsonl":
        name = text_of(row, "image", where)
        image = below(path.parent / "images", name, where)
        masks = [below(path.parent / "masks", name, where)]
        masks += [masks[0].with_suffix(end) for end in (".png", ".jpg")]
        return image, next((each for each in masks if each.is_file()), masks[0])
    names = (text_of(row, key, where) for key in ("rgb_path", "mask_path"))
    image, mask = (below(path.parent, name, where) for name in names)
    return image, mask


def _kind(row: Mapping[str, Any], where: str) -> str:
    """Return the scene and the number of steps of RefSpatial, else the category."""
    parts = [row["scene"]] if isinstance(row.get("scene"), str) else []
    if row.get("step") is not None:
        parts.append(f"step {number_of(row, 'step', where)}")
    if not parts and isinstance(row.get("category"), str):
        parts.append(row["category"])
    return ", ".join(parts)


def reader(name: str) -> Callable[[Path, str], Dataset]:
    """Return the reader of one of these data sets."""
    return lambda root, split: read(root, name, split)
