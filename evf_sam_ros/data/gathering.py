"""Sentences of a data set put together by picture, with an account of those left out."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from evf_sam_ros.data import contents
from evf_sam_ros.data.faults import Faults, LabelError
from evf_sam_ros.data.files import picture_size
from evf_sam_ros.data.label_pictures import MaskPicture
from evf_sam_ros.data.records import Dataset, Depth, Expression, Record


@dataclass(frozen=True)
class Sentence:
    """One sentence as a file has it, with the pictures that it needs."""

    expression: Expression
    image: Path
    depth: Depth | None = None


class Gathering:
    """Collects the sentences of one split."""

    def __init__(self, name: str, split: str) -> None:
        self._name = name
        self._split = split
        self._sizes: dict[Path, tuple[int, int] | LabelError] = {}
        self._found: dict[Path, list[Sentence]] = {}
        self.faults = Faults("sentence")

    def add(self, sentence: Sentence) -> None:
        """Keep a sentence, or note why none can be asked; depth may be missing."""
        try:
            size = self._size(sentence.image)
            region = sentence.expression.region
            if isinstance(region, MaskPicture):
                _same_size(region.path, size, "its mask")
        except LabelError as error:
            self.faults.leave_out(error)
            return
        self._found.setdefault(sentence.image, []).append(self._with_depth(sentence, size))

    def _with_depth(self, sentence: Sentence, size: tuple[int, int]) -> Sentence:
        if sentence.depth is None:
            return sentence
        try:
            _same_size(sentence.depth.path, size, "its depth")
        except LabelError as error:
            self.faults.add(f"kept without depth, {error.reason}", error.where)
            return replace(sentence, depth=None)
        return sentence

    def dataset(self, counts: Mapping[str, int], notes: tuple[str, ...] = ()) -> Dataset:
        """Return what was kept.

        Args:
            counts: of the files, by unit; without "sentences" those that were kept are counted.
            notes: what a user should know about these files.

        Raises:
            ValueError: that is nothing.
        """
        label = f"{self._name}/{self._split}"
        told = self.faults.told()
        if not self._found:
            raise ValueError(f"{label} has no sentence that can be used" + "".join(
                f"; {each}" for each in told
            ))  # fmt: skip
        records = tuple(self._record(image, own) for image, own in self._found.items())
        sentences = sum(len(own) for own in self._found.values())
        known = {**counts, "sentences": counts.get("sentences", sentences)}
        return Dataset(self._name, self._split, records, known, notes, told)

    def _record(self, image: Path, own: list[Sentence]) -> Record:
        size = self._size(image)
        return Record(
            image=image,
            height=size[0],
            width=size[1],
            expressions=tuple(each.expression for each in own),
            depth=own[0].depth,
        )

    def _size(self, image: Path) -> tuple[int, int]:
        if image not in self._sizes:
            self._sizes[image] = _measured(image, "its picture cannot be read")
        size = self._sizes[image]
        if isinstance(size, LabelError):
            raise size
        return size


def below(folder: Path, name: Any, where: str) -> Path:
    """Return a file that a data set names, which may not lie outside of its folder.

    Raises:
        LabelError: it is not such a name.
    """
    path = PurePosixPath(str(name).replace("\\", "/"))
    if not isinstance(name, str) or not name or path.is_absolute() or ".." in path.parts:
        raise LabelError("it names no file of its folder", f"{where}: {repr(name)[:60]}")
    return folder / path


def text_of(row: Any, key: str, where: str) -> str:
    """Return the text that a row of a file has under a key.

    Raises:
        LabelError: it has none.
    """
    text = row.get(key) if isinstance(row, Mapping) else None
    if not isinstance(text, str) or not text.strip():
        raise LabelError(f"it has no {key!r}", where)
    return text.strip()


def number_of(row: Any, key: str, where: str) -> int:
    """Return the whole number that a row has under a key, also where it is written as text.

    Raises:
        LabelError: it has none.
    """
    value = row.get(key) if isinstance(row, Mapping) else None
    try:
        if isinstance(value, bool) or int(value) != float(value):  # type: ignore[arg-type]
            raise ValueError
        return int(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        raise LabelError(f"it has no whole number {key!r}", where) from None


def _same_size(path: Path, size: tuple[int, int], what: str) -> None:
    own = _measured(path, f"{what} cannot be read")
    if isinstance(own, LabelError):
        raise own
    try:
        contents.check_size(path, own, size)
    except ValueError as error:
        raise LabelError(f"{what} is of another size", str(error)) from None


def _measured(path: Path, fault: str) -> tuple[int, int] | LabelError:
    try:
        return picture_size(path)
    except ValueError as error:
        return LabelError(fault, str(error))
