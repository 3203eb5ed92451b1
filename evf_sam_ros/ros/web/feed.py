"""Feed of the browsers: the newest item of each kind, so that slow browsers skip some.

Everything here belongs to one asyncio loop; other threads come in by `call_soon_threadsafe`.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

Payload = bytes | str  # a picture, or a JSON document


class Listener:
    """One browser's view of the feed: at most one payload of each kind waits for it."""

    def __init__(self, seen_so_far: dict[str, Payload]) -> None:
        self._waiting = dict(seen_so_far)
        self._news = asyncio.Event()
        self._news.set()

    def put(self, kind: str, payload: Payload) -> None:
        self._waiting.pop(kind, None)  # to the end, so that no kind starves another
        self._waiting[kind] = payload
        self._news.set()

    async def payloads(self) -> AsyncIterator[Payload]:
        """Yield what is new, for ever."""
        while True:
            await self._news.wait()
            while self._waiting:
                yield self._waiting.pop(next(iter(self._waiting)))
            self._news.clear()


class Feed:
    """Sends each payload to all listeners, and the last of each kind to new ones."""

    def __init__(self) -> None:
        self._latest: dict[str, Payload] = {}
        self._listeners: set[Listener] = set()

    @property
    def audience(self) -> int:
        return len(self._listeners)

    def put(self, kind: str, payload: Payload) -> None:
        self._latest[kind] = payload
        for listener in self._listeners:
            listener.put(kind, payload)

    @contextmanager
    def listener(self) -> Iterator[Listener]:
        listener = Listener(self._latest)
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)
            if not self._listeners:
                self._latest.clear()  # without browsers it would be outdated by the next visit
