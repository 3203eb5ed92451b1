"""Unclosed MCAP files, presented as if closed after their last whole record.

Nothing is written: the file is read up to there, and the end that is missing follows from memory.
"""

import io
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

MAGIC = b"\x89MCAP0\r\n"
_FOOTER, _CHUNK, _INDEX, _CHUNK_INDEX, _STATISTICS, _DATA_END = 0x02, 0x06, 0x07, 0x08, 0x0B, 0x0F
_LAST_OP = 0x0F
_HEAD = struct.Struct("<BQ")  # of a record: its kind, its length


class _Record(NamedTuple):
    kind: int
    start: int
    length: int  # without the head

    @property
    def end(self) -> int:
        return self.start + _HEAD.size + self.length


class Mended:
    """Looks like a path to rosbags, which reads the file through `open`."""

    def __init__(self, path: Path) -> None:
        """Find the last whole record; `lost` is the number of bytes after it.

        Raises:
            ValueError: the file is not an MCAP file.
        """
        self._path = path
        with path.open("rb") as file:
            if file.read(len(MAGIC)) != MAGIC:
                raise ValueError(f"{str(path)!r} is not an MCAP file")
            records = list(_whole_records(file))
            self._kept = records[-1].end if records else len(MAGIC)
            self._tail = _tail(file, records, self._kept)
        self.lost = path.stat().st_size - self._kept

    def open(self, *_: Any, **__: Any) -> BinaryIO:
        return io.BufferedReader(_Spliced(self._path, self._kept, self._tail), 1 << 16)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._path, name)

    def __str__(self) -> str:
        return str(self._path)


class _Spliced(io.RawIOBase):
    """The first bytes of a file, then others."""

    def __init__(self, path: Path, kept: int, tail: bytes) -> None:
        self._file = path.open("rb")
        self._kept = kept
        self._tail = tail
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = 0) -> int:
        base = (0, self._place, self._kept + len(self._tail))[whence]
        self._place = max(base + offset, 0)
        return self._place

    def readinto(self, buffer: Any) -> int:
        size = len(buffer)
        if self._place < self._kept:
            self._file.seek(self._place)
            data = self._file.read(min(size, self._kept - self._place))
        else:
            begin = self._place - self._kept
            data = self._tail[begin : begin + size]
        buffer[: len(data)] = data
        self._place += len(data)
        return len(data)

    def close(self) -> None:
        self._file.close()
        super().close()


def _whole_records(file: BinaryIO) -> Iterator[_Record]:
    size = file.seek(0, io.SEEK_END)
    place = len(MAGIC)
    while place + _HEAD.size <= size:
        file.seek(place)
        kind, length = _HEAD.unpack(file.read(_HEAD.size))
        record = _Record(kind, place, length)
        is_data = 0 < kind <= _LAST_OP and kind not in (_FOOTER, _DATA_END)
        if not is_data or record.end > size:
            return
        yield record
        place = record.end


def _tail(file: BinaryIO, records: list[_Record], kept: int) -> bytes:
    """Return what a writer would have appended, as far as rosbags needs it."""
    data_end = _record(_DATA_END, bytes(4))
    channels = sorted({_first(file, each, "<H") for each in records if each.kind == _INDEX})
    chunks = [each for each in records if each.kind == _CHUNK]
    if not channels or not chunks:  # it is read record by record then
        return data_end + _record(_FOOTER, bytes(20)) + MAGIC
    indexes = [_chunk_index(file, chunk, channels) for chunk in chunks]
    # Without numbers: rosbags counts for itself where the definitions are not repeated here.
    statistics = _record(_STATISTICS, bytes(46))
    start = kept + len(data_end)
    footer = _record(_FOOTER, struct.pack("<QQI", start, 0, 0))
    return data_end + b"".join(indexes) + statistics + footer + MAGIC


def _chunk_index(file: BinaryIO, chunk: _Record, channels: list[int]) -> bytes:
    """Return an index record that lets a chunk be searched for every channel."""
    file.seek(chunk.start + _HEAD.size)
    begin, end, uncompressed, _, name_length = struct.unpack("<QQQII", file.read(32))
    name = file.read(name_length)
    (compressed,) = struct.unpack("<Q", file.read(8))
    entry = 31  # bytes of a message index with one message
    places = b"".join(
        struct.pack("<HQ", channel, chunk.end + entry * number)
        for number, channel in enumerate(channels)
    )
    return _record(
        _CHUNK_INDEX,
        struct.pack("<QQQQI", begin, end, chunk.start, chunk.end - chunk.start, len(places))
        + places
        + struct.pack("<QI", entry * len(channels), name_length)
        + name
        + struct.pack("<QQ", compressed, uncompressed),
    )


def _record(kind: int, content: bytes) -> bytes:
    return _HEAD.pack(kind, len(content)) + content


def _first(file: BinaryIO, record: _Record, form: str) -> int:
    file.seek(record.start + _HEAD.size)
    return int(struct.unpack(form, file.read(struct.calcsize(form)))[0])
