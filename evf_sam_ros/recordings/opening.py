"""Open recordings, damaged ones included: read the readable part, and report the rest."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

from rosbags.highlevel import AnyReader
from rosbags.typesys import Stores, get_typestore
from ruamel.yaml import YAML

from evf_sam_ros.recordings.parts import has_log, part_files, readable, shortened, unpacked
from evf_sam_ros.recordings.readers import Readers

METADATA = "metadata.yaml"
NEEDED = "need a rosbag2 folder, a .db3 or .mcap file of one, or a ROS 1 .bag file"
# ROS 1 writes the matrices of a camera with capitals.
_CAMERA_FIELDS = ("D", "K", "R", "P")


class Recording:
    """Messages of a recording in the order and form of ROS 2; `notes` lists missing parts."""

    def __init__(self, reader: AnyReader | Readers, notes: list[str], stack: ExitStack) -> None:
        """Wrap an open reader.

        Args:
            reader: the open reader.
            notes: sentences on what is missing.
            stack: is closed with the recording.
        """
        self._reader = reader
        self._stack = stack
        self.notes = notes

    @property
    def connections(self) -> list[Any]:
        return self._reader.connections

    @property
    def topics(self) -> Mapping[str, Any]:
        return self._reader.topics

    def messages(self, connections: Collection[Any]) -> Iterator[tuple[Any, int, bytes]]:
        """Yield connection, time of reception and bytes, as far as the file can be read."""
        if not connections:  # rosbags would take it for all of them
            return
        count = 0
        try:
            for message in self._reader.messages(connections=connections):
                count += 1
                yield message
        except Exception as error:  # whatever a broken file makes of the library
            names = ", ".join(sorted({each.topic for each in connections}))
            self._note(f"reading {names} ends early, after {count:,} messages: {shortened(error)}")

    def deserialize(self, data: bytes, kind: str) -> Any:
        """Return a message with the names of ROS 2."""
        message = self._reader.deserialize(unpacked(data), kind)
        return message if self._reader.is2 else _as_ros2(message)

    def close(self) -> None:
        self._stack.close()

    def _note(self, sentence: str) -> None:
        if sentence not in self.notes:
            self.notes.append(sentence)


def open_recording(path: Path) -> Recording:
    """Return a rosbag2 folder, one .db3 or .mcap file, or a ROS 1 .bag file, ready to be read.

    Raises:
        ValueError: it is none of these, or nothing of it can be read; names the cure.
    """
    if not path.exists():
        raise ValueError(f"no recording {str(path)!r}")
    if path.is_dir() and not (path / METADATA).exists() and not part_files(path):
        raise ValueError(f"{str(path)!r} holds no recording, {NEEDED}")
    if path.suffix in (".bag", ".active"):
        return _ros1(path)
    try:
        if has_log(path):
            raise ValueError("it was not closed")
        return _opened([path], [], ExitStack())
    except Exception as error:  # whatever a broken file makes of the library
        return _by_parts(path, error)


def _opened(paths: list[Any], notes: list[str], stack: ExitStack) -> Recording:
    reader = _reader(paths, notes)
    stack.callback(reader.close)
    return Recording(reader, notes, stack)


def _reader(paths: list[Any], notes: list[str]) -> AnyReader | Readers:
    # Recordings of old releases do not bring the definitions of their messages.
    reader = AnyReader(paths, default_typestore=get_typestore(Stores.ROS2_JAZZY))
    try:
        reader.open()
    except Exception as error:  # a definition or a file: whatever it makes of the library
        try:
            return Readers(paths, notes, is2=reader.is2)
        except Exception:  # it is the file
            raise error from None
    return reader


def _ros1(path: Path) -> Recording:
    try:
        return _opened([path], [], ExitStack())
    except Exception as error:  # whatever a broken file makes of the library
        reason = shortened(error)
    if path.suffix == ".active" or "index" in reason.lower():
        raise ValueError(
            f"{str(path)!r} was not closed or is cut off ({reason}): `rosbag reindex` mends it, "
            "and a name that ends in .active is then to end in .bag"
        )
    raise ValueError(f"{str(path)!r} cannot be read as a recording, {NEEDED}: {reason}")


def _by_parts(path: Path, error: Exception) -> Recording:
    """Read every file of a recording that can be read."""
    stack = ExitStack()
    scratch = Path(stack.enter_context(TemporaryDirectory(prefix="evf_sam_bag_")))
    notes = _about_metadata(path) if path.is_dir() else []
    usable, lost = [], []
    for part in part_files(path):
        try:
            usable.append(readable(part, scratch, notes))
        except Exception as trouble:  # whatever a broken file makes of the library
            lost.append(shortened(trouble))
    notes += [f"nothing of it can be read: {each}" for each in lost]
    try:
        if not usable:
            raise ValueError("; ".join(lost) or shortened(error))
        return _opened(usable, notes, stack)
    except Exception as trouble:  # as above
        stack.close()
        raise ValueError(
            f"{str(path)!r} cannot be read as a recording, {NEEDED}: {shortened(trouble)}"
        ) from error


def _about_metadata(folder: Path) -> list[str]:
    """Say what is wrong with the description of a recording."""
    path = folder / METADATA
    if not path.exists():
        return [
            f"there is no {METADATA}: `ros2 bag reindex` makes one; the files are read without"
        ]
    try:
        entries = YAML(typ="safe").load(path.read_text())["rosbag2_bagfile_information"]
        named = [Path(name).name for name in entries["relative_file_paths"]]
        storage = entries["storage_identifier"]
    except Exception:  # any document may be there
        return [f"{METADATA} is broken: `ros2 bag reindex` makes a new one; the files are read"]
    notes = [
        f"{name}, a part of the recording, is missing: what it held is not read"
        for name in named
        if not (folder / name).exists()
    ]
    if storage not in ("mcap", "sqlite3"):
        notes.append(f"{METADATA} has the storage_identifier {storage!r}: the files are read")
    return notes


def _as_ros2(message: Any) -> Any:
    """Return a ROS 1 message under the names of ROS 2."""
    if not hasattr(message, "K"):
        return message
    fields = {name: getattr(message, name) for name in message.__dataclass_fields__}
    return SimpleNamespace(
        **{name.lower() if name in _CAMERA_FIELDS else name: each for name, each in fields.items()}
    )
