"""Reader of RoboRefIt (VL-Grasp): RGB-D pictures of indoor scenes, sentences, masks.

The data set also has text files that its own code evaluates as Python; only its JSON is read.
"""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from evf_sam_ros.data.faults import LabelError
from evf_sam_ros.data.files import first_of, read_json
from evf_sam_ros.data.gathering import Gathering, Sentence, below, text_of
from evf_sam_ros.data.label_pictures import MaskPicture
from evf_sam_ros.data.records import Dataset, Depth, Expression

NAME = "roborefit"
SPLITS = ("testA", "testB", "train")
FOLDERS = ("final_dataset", "RoboRefIt", "RoboRefIt/data", "RoboRefIt/data/final_dataset",
           "RoboRefIt/final_dataset", "roborefit", "roborefit/final_dataset")  # fmt: skip
MARKER = "SPLIT/refindoor_SPLIT_with_scene.json"
NOTES = (
    "its depth comes without a camera: --camera FX FY CX CY gives errors in space",
)  # fmt: skip


def present(root: Path) -> list[str]:
    """Return the splits that are below `root`."""
    return [split for split in SPLITS if any((root / name).is_file() for name in _names(split))]


def read(root: Path, split: str) -> Dataset:
    """Read one split.

    Raises:
        ValueError: its JSON file is missing, or is not what it should be.
    """
    path = first_of(root, _names(split), f"{NAME} {split}")
    rows = _rows(path)
    gathering = Gathering(NAME, split)
    for number, row in enumerate(rows):
        where = f"entry {number} of {str(path)!r}"
        try:
            gathering.add(_sentence(row, number, path, split))
        except LabelError as error:
            gathering.faults.add(f"left out, {error.reason}", where)
    counts = _counts(rows) | _whole(root)
    return gathering.dataset(counts, NOTES)


def _names(split: str) -> list[str]:
    files = (f"refindoor_{split}_with_scene.json", f"roborefit_{split}.json")
    return [
        f"{top}/{place}{name}" for top in (".", *FOLDERS) for place in (f"{split}/", "")
        for name in files
    ]  # fmt: skip


def _rows(path: Path) -> list[Any]:
    rows = read_json(path)
    if not isinstance(rows, list) or not rows:
        raise ValueError(f"{str(path)!r} is not a list of sentences")
    return rows


def _sentence(row: Any, number: int, path: Path, split: str) -> Sentence:
    where = f"entry {number} of {str(path)!r}"
    folder = path.parent if path.parent.name == split else path.parent / split
    image, mask, depth = (
        _picture(folder, text_of(row, key, where), split, where)
        for key in ("rgb_path", "mask_path", "depth_path")
    )
    scene = row.get("scene")
    expression = Expression(
        key=str(number),
        text=text_of(row, "text", where).lower(),
        region=MaskPicture(mask),
        kind=scene if isinstance(scene, str) else "",
    )
    return Sentence(expression, image, Depth(depth, 0.001))


def _picture(folder: Path, name: str, split: str, where: str) -> Path:
    """Return a picture of the split; names begin with folders of the authors' machine."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if split not in parts:
        raise LabelError("it names no file of its split", f"{where}: {name[:60]!r}")
    after = len(parts) - parts[::-1].index(split)
    return below(folder, "/".join(parts[after:]), where)


def _counts(rows: list[Any]) -> dict[str, int]:
    pictures = {str(row.get("rgb_path")) for row in rows if isinstance(row, dict)}
    return {"images": len(pictures), "sentences": len(rows)}


def _whole(root: Path) -> dict[str, int]:
    """Return the counts of all splits, where all are there."""
    if len(present(root)) < len(SPLITS):
        return {}
    counts = list(_all_counts(root))
    return {f"all {unit}": sum(each[unit] for each in counts) for unit in ("images", "sentences")}


def _all_counts(root: Path) -> Iterator[dict[str, int]]:
    for split in SPLITS:
        yield _counts(_rows(first_of(root, _names(split), f"{NAME} {split}")))
