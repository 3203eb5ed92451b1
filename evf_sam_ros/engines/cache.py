"""Cache folder of the user for files and notes about models; it is always safe to delete."""

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from evf_sam_ros.models.weights import weight_files
from evf_sam_ros.whole_files import write_text

_HEADER_BYTES = 2**16  # of a weight file: its tensors' names and shapes, or most of them


def cache_of(engine: str) -> Path:
    """Return the folder of an engine; `XDG_CACHE_HOME` moves it. It may not exist yet."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "evf_sam_ros" / engine


def mark_of(folder: Path) -> str:
    """Return what tells the weights of a folder from others, without reading them whole.

    Made of each file's path, header, size and times: whoever writes into or replaces a file
    changes the last two.
    """
    digest = hashlib.sha256()
    for path in weight_files(folder):
        state = path.stat()
        times = (state.st_mtime_ns, state.st_ctime_ns)
        digest.update(f"{path.resolve()} {state.st_size} {times}".encode())
        with path.open("rb") as file:
            digest.update(file.read(_HEADER_BYTES))
    return digest.hexdigest()


def key_of(*parts: object) -> str:
    """Return a file name for what a note depends on."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


def noted(kind: str, key: str) -> Any:
    """Return the note, None if it does not exist."""
    with suppress(OSError, ValueError):
        return json.loads((cache_of("notes") / f"{kind}-{key}.json").read_text(encoding="utf-8"))
    return None


def note(kind: str, key: str, value: Any) -> None:
    """Keep a note; a cache that cannot be written keeps none."""
    with suppress(OSError):
        write_text(cache_of("notes") / f"{kind}-{key}.json", json.dumps(value))
