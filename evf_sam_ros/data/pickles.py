"""A restricted unpickler: reads plain values only, since a pickle can run code when loaded."""

import io
import pickle
from pathlib import Path
from typing import Any

from evf_sam_ros.data.files import LFS_CURE, LFS_POINTER


class PlainUnpickler(pickle.Unpickler):
    """Builds dictionaries, lists, strings and numbers; whatever names code is refused."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"it asks for {module}.{name}")


def load(path: Path) -> Any:
    """Read a pickle of Python 2 or 3.

    Raises:
        ValueError: the file holds anything but plain values, or is not a pickle.
    """
    content = path.read_bytes()
    if content.startswith(LFS_POINTER):
        raise ValueError(f"{str(path)!r} {LFS_CURE}")
    try:
        return PlainUnpickler(io.BytesIO(content), encoding="utf-8", errors="replace").load()
    except Exception as error:  # a broken pickle raises nearly anything
        raise ValueError(
            f"{str(path)!r} is refused: {error}; need a pickle of dictionaries, lists, strings "
            "and numbers alone, as the authors of RefCOCO publish"
        ) from error
