"""Pictures that `evf-sam segment` is given, and the files it writes for each."""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from glob import has_magic
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evf_sam_ros.pictures import camera, photograph, picture_files

STDIN = "-"
Source = Path | int | None  # int: a camera's number; None: standard input


@dataclass(frozen=True)
class Files:
    """Files to write for one picture, None where they are not wanted."""

    output: Path | None
    mask: Path | None
    attention: Path | None


def pictures_and_sentences(given: Sequence[str]) -> tuple[list[str], list[str]]:
    """Divide arguments: the first is a picture, and those after it that are named as pictures."""
    count = 1
    while count < len(given) and _is_named_as_picture(given[count]):
        count += 1
    return list(given[:count]), list(given[count:])


def _is_named_as_picture(text: str) -> bool:
    """Tell whether an argument is a file, folder or pattern of pictures rather than a sentence."""
    if text == STDIN or _camera(text) is not None or ("/" in text and Path(text).is_dir()):
        return True
    named = picture_files.is_picture(Path(text))
    return named and (" " not in text or has_magic(text) or Path(text).is_file())


def sources(names: Sequence[str]) -> tuple[list[Source], bool]:
    """Return the pictures that names stand for, and whether the user expects several.

    Raises:
        ValueError: a name stands for nothing, or standard input is named twice.
    """
    if names.count(STDIN) > 1:
        raise ValueError("standard input ('-') is named twice, it holds one picture")
    cameras = [number for number in map(_camera, names) if number is not None]
    files = picture_files.chosen(
        [name for name in names if name != STDIN and _camera(name) is None]
    )
    single = len(names) == 1 and (not files or Path(names[0]).is_file())
    return [*([None] if STDIN in names else []), *dict.fromkeys(cameras), *files], not single


def _camera(name: str) -> int | None:
    """Return the number of a camera; a file of that name comes first."""
    return None if Path(name).is_file() else camera.number_of(name)


def name_of(source: Source) -> str:
    """Return a picture's name as the user gave it."""
    if isinstance(source, int):
        return f"camera:{source}"
    return STDIN if source is None else str(source)


def read(source: Source) -> NDArray[np.uint8]:
    """Read a picture.

    Raises:
        ValueError: it is not one.
    """
    if isinstance(source, int):
        return camera.take_picture(source)
    if source is None:
        return photograph.decode_rgb(sys.stdin.buffer.read(), "standard input")
    return photograph.read_rgb(source)


def files_of(
    chosen: Sequence[Source], arguments: argparse.Namespace, *, several: bool
) -> list[Files]:
    """Return the files to write for each picture.

    Raises:
        ValueError: a name that cannot be written to, or that two pictures would share.
    """
    wanted = (arguments.output, arguments.mask, arguments.attention)
    if not several:
        for path, endings in zip(wanted, _ENDINGS, strict=True):
            if path:
                photograph.check_ending(path, endings)
        return [Files(*wanted)]
    folders = [folder for folder in wanted if folder]
    for folder in folders:
        if folder.is_file() or folder.suffix.lower() in photograph.PICTURES:
            raise ValueError(f"{str(folder)!r} is one file: for several pictures name a folder")
    if len(set(folders)) < len(folders):
        raise ValueError(f"{str(folders[0])!r} is given for two kinds of files: name two folders")
    if folders:
        _check_names(chosen, folders)
    return [
        Files(*(each and each / f"{_stem(source)}.png" for each in wanted)) for source in chosen
    ]


_ENDINGS = (photograph.PICTURES, photograph.LOSSLESS, photograph.PICTURES)


def _stem(source: Source) -> str:
    if isinstance(source, int):
        return f"camera{source}"
    return "stdin" if source is None else source.stem


def _check_names(chosen: Sequence[Source], folders: Sequence[Path]) -> None:
    stem, count = Counter(map(_stem, chosen)).most_common(1)[0]
    if count > 1:
        raise ValueError(
            f"{count} pictures are named {stem!r}, their answers would share a file: "
            "ask for them one after the other"
        )
    ours = {source.resolve() for source in chosen if isinstance(source, Path)}
    for folder in folders:
        for source in chosen:
            if (path := folder / f"{_stem(source)}.png").resolve() in ours:
                raise ValueError(f"{str(path)!r} is one of the pictures: name another folder")
