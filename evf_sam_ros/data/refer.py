"""Reader of RefCOCO, RefCOCO+, RefCOCOg and RefCLEF: a pickle of refs and COCO's objects."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import Any

from evf_sam_ros.data import pickles
from evf_sam_ros.data.coco import CocoIndex, annotation_ids, check_id, read_index
from evf_sam_ros.data.faults import Faults, LabelError, counted
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
    """Folder, file names and splits of a data set of this family."""

    folder: str
    refs: tuple[str, ...]  # file names; the first that is there
    splits: tuple[str, ...]
    pictures: tuple[str, ...] = COCO_PICTURES


COCO_SPLITS = ("val", "testA", "testB", "train")
CLEF_SPLITS = ("val", "test", "testA", "testB", "testC", "train")
SOURCES: Mapping[str, ReferFiles] = {
    "refcoco": ReferFiles("refcoco", ("refs(unc).p",), COCO_SPLITS),
    "refcoco-google": ReferFiles("refcoco", ("refs(google).p",), ("val", "test", "train")),
    "refcoco+": ReferFiles("refcoco+", ("refs(unc).p",), COCO_SPLITS),
    "refcocog": ReferFiles("refcocog", ("refs(umd).p",), ("val", "test", "train")),
    "refcocog-google": ReferFiles("refcocog", ("refs(google).p",), ("val", "train")),
    "refclef": ReferFiles("refclef", ("refs(unc).p",), CLEF_SPLITS, CLEF_PICTURES),
    "refclef-berkeley": ReferFiles(
        "refclef", ("refs(berkeley).p",), ("val", "test", "train"), CLEF_PICTURES
    ),
    "grefcoco": ReferFiles("grefcoco", ("grefs(unc).json", "grefs(unc).p"), COCO_SPLITS),
}


def folder_of(root: Path, name: str) -> Path:
    """Return the folder of a data set below `root`; ValueError if it is not there."""
    own = SOURCES[name].folder
    names = [f"{own}/instances.json", f"refer_seg/{own}/instances.json"]
    if root.resolve().name == own:
        names.append("instances.json")
    return first_of(root, names, f"{name} (its instances.json)").parent


def is_there(root: Path, name: str, split: str) -> bool:
    """Tell whether a data set below `root` has anything in a split.

    Raises:
        ValueError: its sentences are there and cannot be read.
    """
    try:
        path = refs_of(root, name)
    except ValueError:
        return False
    return any(belongs(split)(ref["split"]) for ref in _read_refs(path))


def refs_of(root: Path, name: str) -> Path:
    """Return the file of a data set's sentences; ValueError if it is not there."""
    return first_of(folder_of(root, name), SOURCES[name].refs, f"{name}'s sentences")


def read(root: Path, name: str, split: str) -> Dataset:
    """Read one split, the sentences of each picture together.

    Raises:
        ValueError: a file is missing, is not what it should be, or has nothing in this split.
    """
    source, path = SOURCES[name], refs_of(root, name)
    everything = _read_refs(path)
    chosen = [ref for ref in everything if belongs(split)(ref["split"])]
    if not chosen:
        there = ", ".join(sorted({str(ref["split"]) for ref in everything}))
        raise ValueError(f"{str(path)!r} has nothing in split {split!r}; it has {there}")
    index = read_index(path.parent / "instances.json")
    reader = _Reader(path, index)
    found: dict[Any, list[Expression]] = {}
    for ref in chosen:
        index.check_image(ref["image_id"], f"ref {ref['ref_id']} of {path}")
        found.setdefault(ref["image_id"], []).extend(reader.expressions(ref))
    kept = {image_id: own for image_id, own in found.items() if own}
    told = (*index.problems(), *reader.problems.told())
    if not kept:
        raise ValueError(
            f"{str(path)!r} has no sentence in split {split!r} that can be used"
            + "".join(f"; {each}" for each in (*told, *reader.wordless.told()))
        )
    pictures = PictureFolder(root, source.pictures)
    records = tuple(index.record(image_id, pictures, own) for image_id, own in kept.items())
    notes = (*reader.wordless.told(), *_silent(len(found) - len(kept)))
    counted = counts(chosen) | _whole(everything)
    return Dataset(name, split, records, counted, notes, told)


def _silent(pictures: int) -> list[str]:
    """Tell of pictures whose refs all lack sentences."""
    if not pictures:
        return []
    return [f"{counted(pictures, 'picture')} left out, for want of a sentence"]


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
            raise ValueError(f"{str(path)!r}: ref {number} lacks {', '.join(missing)}")
        for key, kind in (("split", str), ("sentences", list)):
            if not isinstance(ref[key], kind):
                raise ValueError(
                    f"{str(path)!r}: ref {number} has the {key} {repr(ref[key])[:60]}, need a "
                    f"{kind.__name__}"
                )
        where = f"of ref {number} of {str(path)!r}"
        check_id(ref["ref_id"], f"ref_id {where}")
        check_id(ref["image_id"], f"image_id {where}")
        for annotation in annotation_ids(ref):
            check_id(annotation, f"ann_id {where}")
    return refs


class _Reader:
    """Makes expressions of refs, and keeps account of what none can be made of."""

    def __init__(self, path: Path, index: CocoIndex) -> None:
        self._path = path
        self._index = index
        self._keys: set[str] = set()
        self.problems = Faults("sentence")
        self.wordless = Faults("ref")

    def expressions(self, ref: Mapping[str, Any]) -> Iterator[Expression]:
        """Yield the sentences of a ref, unless its label contradicts itself."""
        where = f"ref {ref['ref_id']} of {self._path}"
        named = annotation_ids(ref)
        own = list(dict.fromkeys(named))
        if not ref["sentences"]:  # the published gRefCOCO has such
            self.wordless.add("without sentences", where)
            return
        if len(own) < len(named):
            self.problems.add("naming a target twice", where, len(ref["sentences"]))
        try:
            region = self._index.region(own, ref["image_id"], where) if own else None
        except LabelError as error:
            self.problems.leave_out(error, len(ref["sentences"]))
            return
        kind = {0: "no target", 1: "one target"}.get(len(own), "several targets")
        kind = kind if self._path.name.startswith("gref") else ""
        category = self._index.category(own)
        for number, sentence in enumerate(ref["sentences"]):
            if not isinstance(sentence, dict) or not isinstance(sentence.get("sent"), str):
                raise ValueError(f"sentence {number} of {where} has no 'sent'")
            # As EVF-SAM's own evaluation reads them.
            text = sentence["sent"].strip().lower()
            if not text:
                # Kept: evaluations count them, as sentences that no model can take.
                self.problems.add("without words", f"sentence {number} of {where}")
            key = self._unique(f"{ref['ref_id']}.{sentence.get('sent_id', number)}", where)
            yield Expression(key, text, region, kind=kind, category=category)

    def _unique(self, key: str, where: str) -> str:
        if key in self._keys:
            self.problems.add("with an id that another has", where)
            key = next(new for n in count(2) if (new := f"{key}#{n}") not in self._keys)
        self._keys.add(key)
        return key
