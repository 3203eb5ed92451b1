"""Finding and reading a data set's files, with errors that name what was looked for."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from PIL import ExifTags, Image

PICTURE_ENDINGS = (".jpg", ".jpeg", ".png")


def first_of(root: Path, names: Sequence[str], what: str) -> Path:
    """Return the first of these files or folders that is below `root`.

    Raises:
        ValueError: there is none of them.
    """
    for name in names:
        if (root / name).exists():
            return root / name
    raise ValueError(f"no {what} in {str(root)!r}: looked for {', '.join(names)}")


def read_json(path: Path) -> Any:
    """Read a JSON file; ValueError where it is none."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"{str(path)!r} is not JSON: {error}") from error


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
        with Image.open(path) as picture:
            width, height = picture.size
            turned = picture.getexif().get(ExifTags.Base.Orientation, 1) >= 5
    except OSError as error:
        raise ValueError(f"{str(path)!r} is not a picture: {error}") from error
    return (width, height) if turned else (height, width)
