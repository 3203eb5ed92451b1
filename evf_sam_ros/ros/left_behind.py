"""Remove this process's shared memory if it must exit before Fast DDS does so."""

import os
from contextlib import suppress
from pathlib import Path

FOLDER = Path("/dev/shm")
LOCK = "_el"  # the file by which Fast DDS knows that a segment's owner lives; he keeps it open


def own_segments() -> set[str]:
    """Return the names of the segments that this process owns, not those it only reads."""
    opened = set()
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # closed meanwhile
            opened.add(Path(os.readlink(descriptor)))
    return {
        path.name.removesuffix(LOCK)
        for path in opened
        if path.parent == FOLDER
        and path.name.startswith("fast")
        and path.name.endswith(LOCK)
        and "port" not in path.name  # others may listen there
    }


def remove_segments() -> None:
    """Unlink the names of our segments; readers that have them open are not disturbed."""
    for name in own_segments():
        for ending in ("", LOCK):
            (FOLDER / f"{name}{ending}").unlink(missing_ok=True)
