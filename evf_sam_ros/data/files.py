"""Finding and reading a data set's files, with errors that name what was looked for."""

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from PIL import ExifTags, Image

from evf_sam_ros.data import contents

PICTURE_ENDINGS = (".jpg", ".jpeg", ".png")
LFS_POINTER = b"version https://git-lfs"
LFS_CURE = "is a pointer of Git LFS, not the file: `git lfs pull` in its repository fetches it"


def first_of(root: Path, names: Sequence[str], what: str) -> Path:
    """Return the first of these files or folders that is below `root`.

    Raises:
        ValueError: there is none of them.
    """
    for name in names:
        if (root / name).exists():
            return root / name
    raise ValueError(f"no {what} in {str(root)!r}: looked for {', '.join(names)}")


def read_json(path: Path, *, encodings: Sequence[str] = ("utf-8-sig",)) -> Any:
    """Read a JSON file.

    Args:
        path: the file.
        encodings: of its text, the first that fits; Windows writes a byte order mark before UTF-8.

    Raises:
        ValueError: it is none.
    """
    content = path.read_bytes()
    try:
        return json.loads(_text(content, encodings))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        if content.startswith(LFS_POINTER):
            raise ValueError(f"{str(path)!r} {LFS_CURE}") from error
        raise ValueError(f"{str(path)!r} is not JSON: {error}") from error
    except RecursionError:
        raise ValueError(f"{str(path)!r} is not JSON that can be read: nested too deep") from None


def read_json_lines(path: Path) -> list[Any]:
    """Read a file with one JSON document per line; empty lines are passed over.

    Raises:
        ValueError: a line is none; the message has its number.
    """
    documents = []
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        if not line.strip():
            continue
        try:
            documents.append(json.loads(_text(line, ("utf-8-sig",))))
        except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
            raise ValueError(f"line {number} of {str(path)!r} is not JSON: {error}") from error
    return documents


def _text(content: bytes, encodings: Sequence[str]) -> str:
    for encoding in encodings[:-1]:
        with suppress(UnicodeDecodeError):
            return content.decode(encoding)
    return content.decode(encodings[-1])


class PictureFolder:
    """Finds pictures by the name that annotations give, wherever the folders put them."""

    def __init__(self, root: Path, folders: Iterable[str]) -> None:
        self._root = root
        self._folders = [root / name for name in folders if (root / name).is_dir()]

    def find(self, name: str) -> Path:
        """Return where a picture is; the last place that had one is tried first.

        Raises:
            ValueError: it is nowhere below the root.
        """
        for number, folder in enumerate(self._folders):
            if (folder / name).is_file():
                self._folders.insert(0, self._folders.pop(number))
                return folder / name
        elsewhere = next(self._root.rglob(Path(name).name), None)
        if elsewhere is None:
            looked = ", ".join(map(str, self._folders)) or "no folder of pictures was there"
            raise ValueError(f"no picture {name!r} below {str(self._root)!r} (looked in {looked})")
        self._folders.insert(0, elsewhere.parents[len(Path(name).parts) - 1])
        return elsewhere


def picture_size(path: Path) -> tuple[int, int]:
    """Return (height, width) as the picture is shown, reading its head alone."""
    try:
        with Image.open(contents.opened(path)) as picture:
            width, height = picture.size
            turned = picture.getexif().get(ExifTags.Base.Orientation, 1) >= 5
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ValueError(f"{str(path)!r} is not a picture: {error}") from error
    return (width, height) if turned else (height, width)
