"""Table of all readable data sets, by the name that `--split name/split` takes."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from evf_sam_ros.data import coco, reasonseg, refer, robots, semantic
from evf_sam_ros.data.records import Dataset

COCO, REASONSEG = "coco", "reasonseg"
NAMES = (*refer.SOURCES, REASONSEG, *semantic.SOURCES, *robots.SOURCES, COCO)
# The eight that the paper's average is of, and what else is measured if it is there.
BENCHMARKS = (
    "refcoco/val", "refcoco/testA", "refcoco/testB",
    "refcoco+/val", "refcoco+/testA", "refcoco+/testB",
    "refcocog/val", "refcocog/test",
    "refclef/val", "refclef/test",
    "grefcoco/val", "grefcoco/testA", "grefcoco/testB",
    "reasonseg/val", "reasonseg/test",
)  # fmt: skip
# What the paper trains on; its multi-task checkpoints on all of it.
TRAINING = (
    "refclef/train", "refcoco/train", "refcoco+/train", "refcocog/train", "grefcoco/train",
    *(f"{name}/train" for name in semantic.SOURCES),
)  # fmt: skip


def read(root: Path, label: str) -> Dataset:
    """Read one split of one data set.

    Args:
        root: the folder the data sets are in, or a COCO file with sentences.
        label: `name/split`, such as "refcoco/testA"; for a COCO file "coco/FILE" without .json.

    Raises:
        ValueError: no such data set or split, or its files are not what they should be.
    """
    if not root.exists():
        raise ValueError(f"no such data: {str(root)!r}")
    if root.is_file():
        return coco.read_sentences(root, root.parent)
    name, _, split = label.partition("/")
    if name not in NAMES or not split:
        raise ValueError(
            f"split is {label!r}, need NAME/SPLIT such as refcoco/testA, with NAME one of "
            f"{', '.join(NAMES)}"
        )
    return _read(root, name, split)


def _read(root: Path, name: str, split: str) -> Dataset:
    if name == REASONSEG:
        return reasonseg.read(root, split)
    if name in semantic.SOURCES:
        return semantic.read(root, name, split)
    if name in robots.SOURCES:
        return robots.read(root, name, split)
    if name == COCO:
        return coco.read_sentences(_coco_file(root, split), root)
    splits = refer.SOURCES[name].splits
    if split not in splits:
        raise ValueError(f"{name} has no split {split!r}, need one of {', '.join(splits)}")
    return refer.read(root, name, split)


def training(root: Path) -> list[str]:
    """Return which of the paper's training splits are below `root`, as `present` does."""
    return present(root, TRAINING, "docs/guides/training.md")


def available(root: Path) -> list[str]:
    """Return which of the benchmarks' splits are below `root`, as `present` does.

    Those of robotics' data sets are all but the splits for training.
    """
    robotics = [] if root.is_file() else robots.present(root)
    own = [label for label in robotics if not label.endswith("train")]
    return present(root, (*BENCHMARKS, *own), "docs/guides/evaluation.md")


def present(root: Path, labels: Sequence[str], guide: str) -> list[str]:
    """Return which of these splits are below `root`; for a COCO file, itself.

    Args:
        guide: the document that shows how the folders should look.

    Raises:
        ValueError: none is, or there is no such folder.
    """
    if not root.exists():
        raise ValueError(f"no such data: {str(root)!r}")
    if root.is_file():
        return [f"{COCO}/{root.stem}"]
    found = [label for label in labels if is_there(root, label)]
    if not found:
        raise ValueError(
            f"none of {', '.join(labels)} is in {str(root)!r}; {guide} shows how the folders "
            "should look"
        )
    return found


def is_there(root: Path, label: str) -> bool:
    name, _, split = label.partition("/")
    if name == REASONSEG:
        return reasonseg.is_there(root, split)
    if name in semantic.SOURCES:
        return semantic.is_there(root, name, split)
    if name in robots.SOURCES:
        return robots.is_there(root, name, split)
    return refer.is_there(root, name, split)


def incomplete(root: Path) -> Iterator[tuple[str, str]]:
    """Yield the data sets whose folder is below `root` and cannot be read, with the reason."""
    for name, files in refer.SOURCES.items():
        if name != files.folder or not (root / files.folder).is_dir():
            continue  # one of several lists of sentences about the same pictures
        try:
            refer.refs_of(root, name)
        except ValueError as error:
            yield name, str(error)
    for folder in (root / "ReasonSeg", root / "reasonseg"):
        splits = reasonseg.SPLITS
        if folder.is_dir() and not any(reasonseg.is_there(root, each) for each in splits):
            yield REASONSEG, f"{str(folder)!r} has no *.json in {', '.join(splits)}"
    for name, source in semantic.SOURCES.items():
        folders = [root / each for each in source.folders if each != "."]
        there = [str(folder) for folder in folders if folder.is_dir()]
        if there and not any(semantic.is_there(root, name, split) for split in source.splits):
            yield name, f"{there[0]!r} has nothing at {source.marker!r}"
    yield from robots.incomplete(root)


def _coco_file(root: Path, split: str) -> Path:
    for name in (f"{split}.json", f"annotations/{split}.json", f"coco/{split}.json"):
        if (root / name).is_file():
            return root / name
    there = sorted(path.stem for path in root.glob("*.json"))
    raise ValueError(
        f"no {split}.json in {str(root)!r} or its annotations/"
        + (f"; there is {', '.join(there)}" if there else "")
    )
