"""Recordings with unreadable message definitions, of which the other topics are read.

`rosbags.highlevel.AnyReader` refuses the whole recording for one definition.
"""

from collections.abc import Collection, Iterator
from contextlib import ExitStack, suppress
from heapq import merge
from types import SimpleNamespace
from typing import Any

from rosbags.interfaces import MessageDefinitionFormat
from rosbags.rosbag1 import Reader as Reader1
from rosbags.rosbag2 import Reader as Reader2
from rosbags.typesys import Stores, get_types_from_idl, get_types_from_msg, get_typestore


class Readers:
    """The part of AnyReader's interface that recordings need."""

    def __init__(self, paths: Collection[Any], notes: list[str], *, is2: bool) -> None:
        """Open the files of one recording; unreadable definitions are added to `notes`."""
        self.is2 = is2
        self._stack = ExitStack()
        kind: Any = Reader2 if is2 else Reader1
        with self._stack:  # closed again where a file cannot be opened
            self._readers = [self._stack.enter_context(kind(path)) for path in paths]
            self._stack = self._stack.pop_all()
        self.connections: list[Any] = [
            each for reader in self._readers for each in reader.connections
        ]
        self._complete: dict[str, bool] = {}
        self._own = get_typestore(Stores.EMPTY)
        self._usual = get_typestore(Stores.ROS2_JAZZY if is2 else Stores.ROS1_NOETIC)
        for connection in self.connections:
            with suppress(Exception):  # whatever a broken definition makes of the library
                self._own.register(_definitions(connection))
        for connection in self.connections:
            is_defined = connection.msgdef.format != MessageDefinitionFormat.NONE
            if is_defined and not self._is_complete(connection.msgtype):
                notes.append(
                    f"the definition of {connection.msgtype} cannot be read, and "
                    f"{connection.topic} only where the usual one fits"
                )

    @property
    def topics(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for each in self.connections:
            topic = found.setdefault(each.topic, SimpleNamespace(msgtype=each.msgtype, msgcount=0))
            topic.msgcount += each.msgcount
        return found

    def messages(self, connections: Collection[Any]) -> Iterator[tuple[Any, int, bytes]]:
        wanted = {id(each) for each in connections}
        own = [
            (reader, [each for each in reader.connections if id(each) in wanted])
            for reader in self._readers
        ]
        streams = [reader.messages(connections=some) for reader, some in own if some]
        yield from merge(*streams, key=lambda message: message[1])

    def deserialize(self, data: bytes, kind: str) -> Any:
        store = self._own if self._is_complete(kind) else self._usual
        return (
            store.deserialize_cdr(data, kind) if self.is2 else store.deserialize_ros1(data, kind)
        )

    def close(self) -> None:
        self._stack.close()

    def _is_complete(self, kind: str) -> bool:
        """Tell whether a type of the recording is there with all that it is made of."""
        if kind not in self._complete:
            try:
                self._own.hash_rihs01(kind)
                self._complete[kind] = True
            except Exception:  # as above
                self._complete[kind] = False
        return self._complete[kind]


def _definitions(connection: Any) -> Any:
    form, text = connection.msgdef.format, connection.msgdef.data
    if form == MessageDefinitionFormat.MSG:
        return get_types_from_msg(text, connection.msgtype)
    return get_types_from_idl(text)
