"""RefCOCO, RefCOCO+, RefCOCOg and RefCLEF as published: a pickle of refs and COCO's objects."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from evf_sam_ros.data import pickles
from evf_sam_ros.data.coco import CocoIndex, annotation_ids, read_index
from evf_sam_ros.data.files import PictureFolder, first_of, read_json
from evf_sam_ros.data.records import Dataset, Expression

COCO_PICTURES = (
    "images/mscoco/images/train2014", "images/train2014", "train2014", "coco/train2014",
    "images/coco/train2014", "mscoco/train2014", "mscoco/images/train2014", "images",
)  # fmt: skip
CLEF_PICTURES = ("images/saiapr_tc-12", "saiapr_tc-12", "images/saiaprtc12", "images")
REF_KEYS = ("ref_id", "image_id", "ann_id", "split", "sentences")


@dataclass(frozen=True)
class ReferFiles:
    """Where one data set of this family is kept."""

    folder: str
    refs: str  # file name
    splits: tuple[str, ...]
    pictures: tuple[str, ...] = COCO_PICTURES


COCO_SPLITS = ("val", "testA", "testB", "train")
CLEF_SPLITS = ("val", "test", "testA", "testB", "testC", "train")
SOURCES: Mapping[str, ReferFiles] = {
    "refcoco": ReferFiles("refcoco", "refs(unc).p", COCO_SPLITS),
    "refcoco-google": ReferFiles("refcoco", "refs(google).p", ("val", "test", "train")),
    "refcoco+": ReferFiles("refcoco+", "refs(unc).p", COCO_SPLITS),
    "refcocog": ReferFiles("refcocog", "refs(umd).p", ("val", "test", "train")),
    "refcocog-google": ReferFiles("refcocog", "refs(google).p", ("val", "train")),
    "refclef": ReferFiles("refclef", "refs(unc).p", CLEF_SPLITS, CLEF_PICTURES),
    "refclef-berkeley": ReferFiles(
        "refclef", "refs(berkeley).p", ("val", "test", "train"), CLEF_PICTURES
    ),
    "grefcoco": ReferFiles("grefcoco", "grefs(unc).json", COCO_SPLITS),
}


def folder_of(root: Path, name: str) -> Path:
    """Return the folder of a data set below `root`; ValueError if it is not there."""
    own = SOURCES[name].folder
    names = [f"{own}/instances.json", f"refer_seg/{own}/instances.json"]
    if root.resolve().name == own:
        names.append("instances.json")
    return first_of(root, names, f"{name} (its instances.json)").parent


def is_there(root: Path, name: str, split: str) -> bool:
    """Tell whether a data set below `root` has anything in a split."""
    own = SOURCES[name]
    try:
        path = folder_of(root, name) / own.refs
    except ValueError:
        return False
    return path.is_file() and any(belongs(split)(ref["split"]) for ref in _read_refs(path))


def read(root: Path, name: str, split: str) -> Dataset:
    """Read one split, the sentences of each picture together.

    Raises:
        ValueError: a file is missing, is not what it should be, or has nothing in this split.
    """
    source, folder = SOURCES[name], folder_of(root, name)
    path = first_of(folder, (source.refs,), f"{name}'s sentences")
    everything = _read_refs(path)
    chosen = [ref for ref in everything if belongs(split)(ref["split"])]
    if not chosen:
        there = ", ".join(sorted({str(ref["split"]) for ref in everything}))
        raise ValueError(f"{str(path)!r} has nothing in split {split!r}; it has {there}")
    index = read_index(folder / "instances.json")
    found: dict[Any, list[Expression]] = {}
    for ref in chosen:
        index.check_image(ref["image_id"], f"ref {ref['ref_id']} of {path}")
        found.setdefault(ref["image_id"], []).extend(_expressions(ref, index, path))
    pictures = PictureFolder(root, source.pictures)
    records = tuple(index.record(image_id, pictures, own) for image_id, own in found.items())
    return Dataset(name, split, records, counts(chosen) | _whole(everything))


def belongs(split: str) -> Callable[[str], bool]:
    """Return which `split` values of refs a named split takes, as the data sets' own code does.

    RefCLEF has refs in two tests at once, such as "testAB".
    """
    if split in ("testA", "testB", "testC"):
        return lambda own: own.startswith("test") and split[-1] in own[4:]
    if split == "test":
        return lambda own: "test" in own
    return lambda own: own == split


def counts(refs: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Count pictures, refs and sentences."""
    listed = list(refs)
    return {
        "images": len({ref["image_id"] for ref in listed}),
        "refs": len(listed),
        "sentences": sum(len(ref["sentences"]) for ref in listed),
    }


def _whole(refs: list[Any]) -> dict[str, int]:
    return {f"all {unit}": number for unit, number in counts(refs).items()}


def _read_refs(path: Path) -> list[Mapping[str, Any]]:
    return _checked_refs(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=2)  # finding what there is and reading it, split after split
def _checked_refs(path: Path, _changed: int) -> list[Mapping[str, Any]]:
    refs = read_json(path) if path.suffix == ".json" else pickles.load(path)
    if not isinstance(refs, list) or not refs:
        raise ValueError(f"{str(path)!r} is not a list of refs")
    for number, ref in enumerate(refs):
        missing = [key for key in REF_KEYS if not isinstance(ref, dict) or key not in ref]
        if missing:
            raise ValueError(f"ref {number} of {str(path)!r} lacks {', '.join(missing)}")
    return refs


def _expressions(ref: Mapping[str, Any], index: CocoIndex, path: Path) -> Iterable[Expression]:
    where = f"ref {ref['ref_id']} of {path}"
    own = annotation_ids(ref)
    region = index.region(own, where) if own else None
    category = index.category(own)
    kind = {0: "no target", 1: "one target"}.get(len(own), "several targets")
    kind = kind if path.suffix == ".json" else ""
    for number, sentence in enumerate(ref["sentences"]):
        if not isinstance(sentence, dict) or not isinstance(sentence.get("sent"), str):
            raise ValueError(f"sentence {number} of {where} has no 'sent'")
        # As EVF-SAM's own evaluation reads them.
        text = sentence["sent"].strip().lower()
        key = f"{ref['ref_id']}.{sentence.get('sent_id', number)}"
        yield Expression(key, text, region, kind=kind, category=category)
