"""Detect that memory-mapped weight files are overwritten while the model runs."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from evf_sam_ros.models.weights import weight_files
from evf_sam_ros.perception.model_folder import model_folder

MAPS = Path("/proc/self/maps")


@dataclass(frozen=True)
class _State:
    """A file as it was; another one that was renamed over it does no harm."""

    inode: int
    size: int
    changed_ns: int

    @classmethod
    def of(cls, path: Path) -> "_State":
        now = path.stat()
        return cls(now.st_ino, now.st_size, now.st_mtime_ns)


class WeightWatch:
    """Watch the weights of a model, from before they are loaded."""

    def __init__(self, folder: Path) -> None:
        self._states = {path.resolve(): _State.of(path) for path in weight_files(folder)}

    def keep_mapped(self) -> None:
        """Watch from now on only files that this process maps, once the model is loaded."""
        mapped = mapped_files()
        self._states = {path: state for path, state in self._states.items() if path in mapped}

    def check(self) -> None:
        """Refuse to go on with weights that have changed.

        Raises:
            ValueError: a file was overwritten in place.
        """
        for path, state in self._states.items():
            if self._has_changed(path, state):
                raise ValueError(
                    f"the weights {path} were overwritten while the model uses them: clean up and "
                    "configure the node again, and replace a model by renaming its folder"
                )

    @staticmethod
    def _has_changed(path: Path, state: _State) -> bool:
        with suppress(OSError):  # deleted: what is mapped stays
            now = _State.of(path)
            return now.inode == state.inode and now != state
        return False


def mapped_files(maps: Path = MAPS) -> set[Path]:
    """Return the files that this process maps; none where the system does not tell."""
    try:
        lines: Iterable[str] = maps.read_text().splitlines()
    except OSError:
        return set()
    names = (line.split(maxsplit=5)[5:] for line in lines)
    return {Path(name[0]) for name in names if name and name[0].startswith("/")}


def watch_of(model: str) -> WeightWatch | None:
    """Return what watches a model's files; None for one that is not on this machine yet."""
    try:
        return WeightWatch(model_folder(model, offline=True))
    except (OSError, ValueError):  # to be downloaded, or said by who loads it
        return None
