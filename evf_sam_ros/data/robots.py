"""Table of robotics' referring data sets: their names, folders and readers."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from evf_sam_ros.data import bop, ocid, roborefit, spatial
from evf_sam_ros.data.records import Dataset


@dataclass(frozen=True)
class Source:
    """One data set: what of it is in a folder, and how it is read."""

    present: Callable[[Path], list[str]]  # its splits below a folder
    read: Callable[[Path, str], Dataset]
    folders: tuple[str, ...]  # any of which shows that it is meant to be there
    marker: str  # what such a folder must hold


def _spatial(name: str) -> Source:
    return Source(
        lambda root: spatial.present(root, name),
        spatial.reader(name),
        spatial.FOLDERS[name],
        spatial.MARKERS[name],
    )


SOURCES: Mapping[str, Source] = {
    roborefit.NAME: Source(
        roborefit.present, roborefit.read, roborefit.FOLDERS, roborefit.MARKER
    ),
    ocid.VLG: Source(ocid.vlg_present, ocid.read_vlg, ocid.VLG_FOLDERS, ocid.VLG_MARKER),
    ocid.REF: Source(ocid.ref_present, ocid.read_ref, ocid.REF_FOLDERS, ocid.REF_MARKER),
    **{name: _spatial(name) for name in spatial.SPLITS},
    bop.NAME: Source(bop.present, bop.read, tuple(bop.KNOWN), bop.MARKER),
}  # fmt: skip


def present(root: Path) -> list[str]:
    """Return what is below `root`, as NAME/SPLIT."""
    return [
        f"{name}/{split}" for name, source in SOURCES.items() for split in source.present(root)
    ]  # fmt: skip


def read(root: Path, name: str, split: str) -> Dataset:
    """Read one split of a data set.

    Raises:
        ValueError: it is not there, or its files are not what they should be.
    """
    source = SOURCES[name]
    there = source.present(root)
    if split not in there:
        looked = ", ".join(source.folders)
        raise ValueError(
            f"no {name}/{split} in {str(root)!r}; "
            + (f"there is {', '.join(f'{name}/{each}' for each in there)}" if there else
               f"looked for {source.marker} there and in {looked}")
        )  # fmt: skip
    return source.read(root, split)


def is_there(root: Path, name: str, split: str) -> bool:
    """Tell whether a split of a data set is below `root`."""
    return split in SOURCES[name].present(root)


def incomplete(root: Path) -> Iterator[tuple[str, str]]:
    """Yield the data sets whose folder is there and holds nothing to read, with the reason."""
    for name, source in SOURCES.items():
        there = [root / folder for folder in source.folders if (root / folder).is_dir()]
        if there and not source.present(root):
            yield name, f"{str(there[0])!r} has nothing at {source.marker!r}"
