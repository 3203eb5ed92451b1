"""Classes and parts as sentences: ADE20K, HumanParsing, PartImageNet, PASCAL-Part, Objects365.

All of a class is meant by "[semantic] class", as in the paper's training on many tasks. Objects365
has single objects: there the name alone is the sentence, and only of objects that are the only
ones of their category in their picture.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from evf_sam_ros.data.coco import CocoIndex, read_index
from evf_sam_ros.data.faults import Faults, LabelError
from evf_sam_ros.data.files import PictureFolder, first_of, picture_size, read_json
from evf_sam_ros.data.records import Dataset, Expression, Record, Region
from evf_sam_ros.progress import progress as progress_bar

PREFIX = "[semantic] "

# Of HumanParsing, by number; left and right are the person's own.
HUMAN_PARTS = (
    "background", "hat", "hair", "sunglasses", "upper-clothes", "skirt", "pants", "dress", "belt",
    "left-shoe", "right-shoe", "face", "left-leg", "right-leg", "left-arm", "right-arm", "bag",
    "scarf",
)  # fmt: skip


@dataclass(frozen=True)
class Source:
    """Folder, files and reader of one of these data sets."""

    folders: tuple[str, ...]  # below the root
    splits: Mapping[str, str]  # ours: theirs
    read: Callable[[Path, str, str, str], Dataset]  # its folder, name, our split, theirs
    marker: str  # what is there if it is; may name the split as {split}


@dataclass(frozen=True)
class Labelled(Region):
    """The pixels of a label image that have one value."""

    path: Path
    value: int

    def mask(self, height: int, width: int) -> NDArray[np.bool_]:
        labels = _labels(self.path)
        if labels.shape != (height, width):
            raise ValueError(
                f"{str(self.path)!r} is {labels.shape[1]} x {labels.shape[0]} pixels, "
                f"its picture is {width} x {height}"
            )
        return labels == self.value


def is_there(root: Path, name: str, split: str) -> bool:
    """Tell whether a split of one of these data sets is below `root`."""
    source = SOURCES[name]
    marker = source.marker.format(split=source.splits[split])
    return any((root / folder / marker).exists() for folder in source.folders)


def read(root: Path, name: str, split: str) -> Dataset:
    """Read one split.

    Raises:
        ValueError: there is no such split, or a file is missing or not what it should be.
    """
    source = SOURCES[name]
    if split not in source.splits:
        raise ValueError(f"{name} has no split {split!r}, need one of {', '.join(source.splits)}")
    theirs = source.splits[split]
    markers = [f"{folder}/{source.marker.format(split=theirs)}" for folder in source.folders]
    marker = first_of(root, markers, f"{name} {split}")
    depth = len(Path(source.marker).parts)
    return source.read(marker.parents[depth - 1], name, split, theirs)


def _ade20k(folder: Path, name: str, split: str, theirs: str) -> Dataset:
    names = _ade_classes(folder)
    pictures = PictureFolder(folder, [f"images/{theirs}"])
    records = []
    for path, values in _label_images(folder / "annotations" / theirs):
        known = [value for value in values if value > 0]  # 0: whatever is none of the classes
        if known and known[-1] > len(names):
            raise ValueError(f"{str(path)!r} has class {known[-1]}, but there are {len(names)}")
        found = [(names[value - 1], value) for value in known]
        records.append(_label_record(path, pictures, found))
    return _dataset(name, split, records)


def _ade_classes(folder: Path) -> list[str]:
    """Return the names of the 150 classes, the first of each one's synonyms."""
    path = first_of(folder, ("ade20k_classes.json", "objectInfo150.txt"), "class names of ADE20K")
    if path.suffix == ".json":
        names = read_json(path)
        if not isinstance(names, list) or not all(isinstance(each, str) for each in names):
            raise ValueError(f"{str(path)!r} is not a list of class names")
        return names
    rows = path.read_text(encoding="utf-8").splitlines()[1:]
    return [row.split("\t")[-1].split(",")[0].strip() for row in rows if row.strip()]


def _human_parsing(folder: Path, name: str, split: str, theirs: str) -> Dataset:
    pictures = PictureFolder(folder, ["JPEGImages"])
    records = []
    for path, values in _label_images(folder / theirs):
        if values and values[-1] >= len(HUMAN_PARTS):
            raise ValueError(f"{str(path)!r} has part {values[-1]}, the last is 17")
        found = [(as_seen(HUMAN_PARTS[value]).replace("-", " "), value) for value in values]
        records.append(_label_record(path, pictures, found))
    return _dataset(name, split, records)


def as_seen(part: str) -> str:
    """Return a person's part from the viewer's side, as RefCOCO uses left and right."""
    if "left" in part:
        return part.replace("left", "right")
    return part.replace("right", "left")


def _label_record(path: Path, pictures: PictureFolder, found: list[tuple[str, int]]) -> Record:
    height, width = picture_size(path)
    return Record(
        image=pictures.find(f"{path.stem}.jpg"),
        height=height,
        width=width,
        expressions=tuple(
            Expression(f"{path.stem}.{value}", PREFIX + name, Labelled(path, value), category=name)
            for name, value in found
        ),
        categories=tuple(name for name, _ in found),
    )


def _label_images(folder: Path) -> Iterator[tuple[Path, list[int]]]:
    """Return every label image with the values in it, sorted.

    Reading tens of thousands of them takes minutes; what was found is kept beside the folder.
    """
    paths = sorted(folder.glob("*.png"))
    if not paths:
        raise ValueError(f"no label images (*.png) in {str(folder)!r}")
    kept = folder.with_name(f"{folder.name}.classes.json")
    found: dict[str, list[int]] = read_json(kept) if kept.is_file() else {}
    if found.keys() != {path.name for path in paths}:
        found = {}
        for path in progress_bar(paths, f"classes of {folder.name}", unit="image", disable=None):
            found[path.name] = np.unique(_labels(path)).tolist()
        if len(paths) > 1000:
            _keep(kept, found)
    for path in paths:
        yield path, found[path.name]


def _keep(path: Path, found: Mapping[str, list[int]]) -> None:
    with suppress(OSError):  # a folder that may only be read: next time takes as long
        path.write_text(json.dumps(found), encoding="utf-8")


@lru_cache(maxsize=8)
def _labels(path: Path) -> NDArray[np.uint8]:
    # Not by OpenCV, which gives the colours of a palette instead of their numbers.
    try:
        with Image.open(path) as picture:
            picture.load()  # NumPy 1.21 makes an object of a picture that cannot be read
            mode, labels = picture.mode, np.asarray(picture)
    except (OSError, SyntaxError) as error:
        raise ValueError(f"{str(path)!r} is not a whole picture: {error}") from error
    if mode not in ("L", "P"):
        raise ValueError(f"{str(path)!r} is not a label image: need 8 bits per pixel, not {mode}")
    return labels


def _part_image_net(folder: Path, name: str, split: str, theirs: str) -> Dataset:
    path = folder / f"annotations/{theirs}/{theirs}.json"
    pictures = PictureFolder(folder, [f"images/{theirs}", "images"])
    return _class_dataset((name, split), path, pictures, _part_prompt)


def _pascal_part(folder: Path, name: str, split: str, theirs: str) -> Dataset:
    pictures = PictureFolder(folder, ["VOCdevkit/VOC2010/JPEGImages", "JPEGImages"])
    return _class_dataset((name, split), folder / f"{theirs}.json", pictures, _part_prompt)


def _objects365(folder: Path, name: str, split: str, theirs: str) -> Dataset:
    pictures = PictureFolder(folder, [theirs, "train", "images"])
    path = folder / "o365_res_instances.json"
    dataset = _class_dataset((name, split), path, pictures, str.lower, unambiguous=True)
    note = "only objects that are the only ones of their category in their picture"
    return replace(dataset, notes=(note,))


def _part_prompt(category: str) -> str:
    return PREFIX + category.lower().replace(":", " ")


def _class_dataset(
    label: tuple[str, str],
    path: Path,
    pictures: PictureFolder,
    prompt: Callable[[str], str],
    *,
    unambiguous: bool = False,
) -> Dataset:
    """Merge the annotations of each category of each picture into one expression."""
    index = read_index(path)
    faults = Faults("annotation")
    records = []
    for image_id, groups in _grouped(index).items():
        expressions = [
            expression
            for category, numbers in groups.items()
            if not unambiguous or _is_one(index, numbers)
            for expression in _class_expression(
                index, (image_id, category), prompt(category), numbers, faults
            )
        ]
        if expressions:
            records.append(index.record(image_id, pictures, expressions))
    if not records:
        _refuse_without_masks(index)
    dataset = _dataset(*label, records)
    return replace(dataset, problems=(*index.problems(), *faults.told()))


def _grouped(index: CocoIndex) -> dict[Any, dict[str, list[Any]]]:
    """Return annotation ids by image and category."""
    objects: dict[Any, dict[str, list[Any]]] = {}
    for number, annotation in index.annotations.items():
        index.check_image(annotation.get("image_id"), f"annotation {number!r}")
        category = index.category([number])
        if not category:
            raise ValueError(
                f"annotation {number!r} of {str(index.path)!r} is of no known category"
            )
        objects.setdefault(annotation["image_id"], {}).setdefault(category, []).append(number)
    return objects


def _class_expression(
    index: CocoIndex, group: tuple[Any, str], text: str, numbers: list[Any], faults: Faults
) -> Iterator[Expression]:
    """Yield what is meant by a class in a picture, of the annotations that can be used."""
    image_id, category = group
    where = f"image {image_id!r} of {str(index.path)!r}"
    used = []
    for number in numbers:
        try:
            index.region([number], image_id, where)
            used.append(number)
        except LabelError as error:
            faults.leave_out(error)
    if used:
        region = index.region(used, image_id, where)
        yield Expression(f"{image_id}.{category}", text, region, category=category)


def _refuse_without_masks(index: CocoIndex) -> None:
    for number, annotation in index.annotations.items():
        if not annotation.get("segmentation"):
            raise ValueError(
                f"annotation {number!r} of {str(index.path)!r} has no mask; nor has any other: "
                "the paper made those of Objects365 by SAM-2 from the boxes"
            )


def _is_one(index: CocoIndex, numbers: list[Any]) -> bool:
    return len(numbers) == 1 and not index.annotations[numbers[0]].get("iscrowd")


def _dataset(name: str, split: str, records: list[Record]) -> Dataset:
    counts = {
        "images": len(records),
        "sentences": sum(len(record.expressions) for record in records),
    }
    return Dataset(name, split, tuple(records), counts)


SOURCES: Mapping[str, Source] = {
    "ade20k": Source(
        ("ade20k", "ADEChallengeData2016", "."),
        {"train": "training", "val": "validation"},
        _ade20k,
        "annotations/{split}",
    ),
    "humanparsing": Source(
        ("humanparsing", "HumanParsing", "."),
        {"train": "SegmentationClassAug"},
        _human_parsing,
        "{split}",
    ),
    "partimagenet": Source(
        ("PartImageNet", "partimagenet", "."),
        {"train": "train", "val": "val", "test": "test"},
        _part_image_net,
        "annotations/{split}/{split}.json",
    ),
    "pascalpart": Source(
        ("vlpart/pascal_part", "pascal_part", "."),
        {"train": "train", "val": "val"},
        _pascal_part,
        "{split}.json",
    ),
    "objects365": Source(
        ("Object365/raw/Objects365_v1/2019-08-02", "objects365", "."),
        {"train": "train"},
        _objects365,
        "o365_res_instances.json",
    ),
}
