"""The files of a ROS 2 recording one by one, whole or as far as they can be read."""

import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from rosbags.rosbag2 import Reader

from evf_sam_ros.recordings.mcap_file import Mended

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

ENDINGS = (".mcap", ".db3", ".mcap.zstd", ".db3.zstd")
ZSTD = b"\x28\xb5\x2f\xfd"  # how its frames begin
LOGS = ("-wal", "-journal")  # beside an SQLite file that was not closed
SQLITE = b"SQLite format 3\0"
MOST_TIMES = 1000  # as long as what is left of it, may a file have been
SHOWN = 120  # characters of another library's message


def part_files(path: Path) -> list[Path]:
    """Return the files that make up a recording, a folder or one of its files."""
    if path.is_file():
        return [path]
    return sorted(each for each in path.iterdir() if each.name.endswith(ENDINGS))


def readable(path: Path, scratch: Path, notes: list[str]) -> Any:
    """Return what rosbags reads a part from; `notes` gets what is missing of it.

    Args:
        path: the part.
        scratch: a folder for copies.
        notes: sentences about the recording.

    Raises:
        ValueError: nothing of it can be read.
    """
    if path.stat().st_size == 0:
        raise ValueError(f"{path.name} is empty")
    if path.suffix == ".zstd":
        path = _unpacked(path, scratch, notes)
    if path.suffix == ".db3" and _log_of(path):
        path = _with_log(path, scratch, notes)
    if (trouble := _trouble(path)) is None:
        return path
    mended = _mended_mcap(path, notes) if path.suffix == ".mcap" else _copied(path, scratch, notes)
    if (trouble_left := _trouble(mended)) is not None:
        raise ValueError(f"{path.name}: {trouble_left or trouble}")
    return mended


def has_log(path: Path) -> bool:
    """Tell whether an SQLite file of a recording was not closed."""
    return any(_log_of(each) for each in part_files(path))


def unpacked(data: bytes) -> bytes:
    """Return a message's bytes; those of a compressed recording's part come packed."""
    return zstd.decompress(data) if bytes(data[: len(ZSTD)]) == ZSTD else data


def _log_of(path: Path) -> Path | None:
    logs = (path.with_name(path.name + ending) for ending in LOGS)
    return next((log for log in logs if log.is_file() and log.stat().st_size), None)


def _trouble(path: Any) -> str | None:
    """Return what keeps rosbags from opening a part, None where nothing does."""
    try:
        reader = Reader(path)
        reader.open()
        reader.close()
    except Exception as error:  # whatever a broken file makes of the library
        return shortened(error)
    return None


def shortened(error: Exception) -> str:
    """Return another library's message as a part of a sentence."""
    return " ".join(str(error or type(error).__name__).split())[:SHOWN].rstrip(".")


def _mended_mcap(path: Path, notes: list[str]) -> Mended:
    mended = Mended(path)
    notes.append(
        f"{path.name} was not closed or is cut off: read up to its last whole record, without "
        f"the {mended.lost:,} bytes behind it"
    )
    return mended


def _unpacked(path: Path, scratch: Path, notes: list[str]) -> Path:
    target = scratch / path.stem
    with target.open("wb") as written:
        try:
            with zstd.open(path, "rb") as packed:
                shutil.copyfileobj(packed, written)
        except (EOFError, zstd.ZstdError) as error:
            notes.append(
                f"{path.name} is cut off or broken ({shortened(error)}): read up to there"
            )
    return target


def _with_log(path: Path, scratch: Path, notes: list[str]) -> Path:
    """Return a copy into which SQLite has put what its log holds."""
    for each in (path, *(path.with_name(path.name + ending) for ending in LOGS)):
        if each.is_file():
            shutil.copyfile(each, scratch / each.name)
    with suppress(sqlite3.Error), closing(sqlite3.connect(scratch / path.name)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        database.execute("PRAGMA journal_mode=DELETE").fetchall()
    notes.append(f"{path.name} was not closed: what its log {_log_of(path)} holds is read as well")
    return scratch / path.name


def _copied(path: Path, scratch: Path, notes: list[str]) -> Path:
    """Return a new SQLite file with the messages that can be read of a broken one."""
    target = scratch / f"mended_{path.name}"
    source = _of_full_length(path, scratch)
    with (
        closing(sqlite3.connect(f"file:{source}?mode=ro&immutable=1", uri=True)) as broken,
        closing(sqlite3.connect(target)) as whole,
    ):
        count = sum(_copy_table(broken, whole, sql, name) for name, sql in _tables(broken))
        whole.commit()
    notes.append(
        f"{path.name} is cut off or broken: the {count:,} messages before that are read; "
        "`sqlite3 FILE .recover` may find more"
    )
    return target


def _of_full_length(path: Path, scratch: Path) -> Path:
    """Return a file as long as its head says: SQLite reads nothing at all of a shorter one."""
    with path.open("rb") as file:
        head = file.read(32)
    page = int.from_bytes(head[16:18], "big")
    length = (65536 if page == 1 else page) * int.from_bytes(head[28:32], "big")
    size = path.stat().st_size
    if not head.startswith(SQLITE) or not size < length <= MOST_TIMES * size:
        return path
    padded = scratch / f"padded_{path.name}"
    shutil.copyfile(path, padded)
    with padded.open("r+b") as file:
        file.truncate(length)  # zeros, which take no space
    return padded


def _tables(database: sqlite3.Connection) -> list[tuple[str, str]]:
    """Return names and definitions, that of the messages last."""
    try:
        found = database.execute("SELECT name, sql FROM sqlite_master WHERE type='table'")
        return sorted(found.fetchall(), key=lambda table: bool(table[0] == "messages"))
    except sqlite3.Error as error:
        raise ValueError(f"it is not an SQLite file: {error}") from error


def _copy_table(
    source: sqlite3.Connection, target: sqlite3.Connection, sql: str, name: str
) -> int:
    """Copy rows until one cannot be read; return how many messages."""
    target.execute(sql)
    copied = 0
    for row in _rows(source, name):
        target.execute(f"INSERT INTO {name} VALUES ({','.join('?' * len(row))})", row)
        copied += 1
    return copied if name == "messages" else 0


def _rows(database: sqlite3.Connection, table: str) -> Iterator[tuple[Any, ...]]:
    with suppress(sqlite3.Error):
        yield from database.execute(f"SELECT * FROM {table} ORDER BY rowid")
