"""Pictures that data sets share: those used for evaluation must be left out of training."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from evf_sam_ros.data import catalogue
from evf_sam_ros.data.records import Dataset

# RefCOCO, RefCOCO+, RefCOCOg and gRefCOCO name one picture of COCO alike, other sets without
# the year.
_COCO_NAME = re.compile(r"(?:COCO_(?:train|val|test)\d{4}_)?(\d{12})")
KEEP_OPTION = "--keep-evaluation-pictures"


def picture_key(path: Path) -> str:
    """Return what two files of the same picture have in common."""
    coco = _COCO_NAME.fullmatch(path.stem)
    return f"COCO {int(coco[1])}" if coco else str(path.resolve())


def pictures_of(datasets: Iterable[Dataset]) -> dict[str, str]:
    """Return each picture's key with the first split that has it."""
    found: dict[str, str] = {}
    for dataset in datasets:
        for record in dataset.records:
            found.setdefault(picture_key(record.image), dataset.label)
    return found


def evaluation_pictures(root: Path) -> dict[str, str]:
    """Return the pictures of every benchmark's split below `root`, as `pictures_of` does.

    Raises:
        ValueError: one of them is there and cannot be read.
    """
    if root.is_file():
        return {}
    found: dict[str, str] = {}
    for label in catalogue.BENCHMARKS:
        try:
            if catalogue.is_there(root, label):
                found = pictures_of([catalogue.read(root, label)]) | found
        except ValueError as error:
            raise ValueError(
                f"{label} cannot be read, so that its pictures cannot be kept out of training: "
                f"{error}; mend or remove it, or give {KEEP_OPTION}"
            ) from error
    return found


def shared(dataset: Dataset, others: Mapping[str, str]) -> dict[str, int]:
    """Return how many of its pictures each other split has, by label."""
    counts: dict[str, int] = {}
    for record in dataset.records:
        label = others.get(picture_key(record.image))
        if label is not None:
            counts[label] = counts.get(label, 0) + 1
    return counts


def without(dataset: Dataset, others: Mapping[str, str]) -> Dataset:
    """Return a data set without the pictures that others have; its notes tell of them.

    Raises:
        ValueError: no picture is left.
    """
    records = tuple(each for each in dataset.records if picture_key(each.image) not in others)
    if dataset.records and not records:
        raise ValueError(
            f"every picture of {dataset.label} is one that is measured on "
            f"({', '.join(sorted(shared(dataset, others)))}): {KEEP_OPTION} trains on them"
        )
    return replace(dataset, records=records, notes=(*dataset.notes, *told(dataset, others)))


def told(dataset: Dataset, others: Mapping[str, str]) -> list[str]:
    """Return a sentence about the pictures that a training split shares, if it shares any."""
    counts = shared(dataset, others)
    if not counts:
        return []
    whose = ", ".join(f"{label} has {number:,}" for label, number in sorted(counts.items()))
    return [
        f"{dataset.label}: {sum(counts.values()):,} of its {len(dataset.records):,} pictures are "
        f"measured on ({whose}); training leaves them out"
    ]
