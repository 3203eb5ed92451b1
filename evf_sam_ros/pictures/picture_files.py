"""Selection of picture files: single ones, folders and patterns."""

from collections.abc import Iterable
from glob import glob, has_magic
from pathlib import Path

from evf_sam_ros.pictures.photograph import check_file

READ = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff")


def pictures_in(folder: Path) -> list[Path]:
    """Return the pictures of a folder in the order of their names, not of folders in it.

    Raises:
        ValueError: it is missing, or holds no picture.
    """
    if not folder.is_dir():
        fault = "is a file, need a folder" if folder.exists() else "does not exist"
        raise ValueError(f"the folder of pictures {str(folder)!r} {fault}")
    found = sorted(each for each in folder.iterdir() if is_picture(each) and each.is_file())
    if not found:
        raise ValueError(f"the folder {str(folder)!r} holds no picture ({' '.join(READ)})")
    return found


def is_picture(path: Path) -> bool:
    """Tell whether a name ends as pictures do that are looked for in folders."""
    return path.suffix.lower() in READ


def chosen(names: Iterable[str]) -> list[Path]:
    """Return the files that names stand for: files, folders of pictures, or patterns as `*.png`.

    Raises:
        ValueError: one stands for nothing.
    """
    found = [path for name in names for path in _stands_for(name)]
    return list(dict.fromkeys(found))


def _stands_for(name: str) -> list[Path]:
    path = Path(name)
    if path.is_dir():
        return pictures_in(path)
    if path.is_file() or not has_magic(name):
        check_file(path)
        return [path]
    found = sorted(Path(each) for each in glob(name, recursive=True))
    if not any(each.is_file() for each in found):
        raise ValueError(f"no file matches {name!r}")
    return [each for each in found if each.is_file()]
