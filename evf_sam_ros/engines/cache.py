"""Where what takes long to make is kept: below the user's cache folder, and safe to delete."""

import os
from pathlib import Path


def cache_of(engine: str) -> Path:
    """Return the folder of an engine; `XDG_CACHE_HOME` moves it. It may not exist yet."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "evf_sam_ros" / engine
