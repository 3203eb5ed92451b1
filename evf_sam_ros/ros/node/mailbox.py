"""Mailbox between threads: a new item replaces the waiting one, or queues behind it."""

from collections import deque
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class Mailbox(Generic[T]):
    """Hands items from one thread to another, each at most once, in order."""

    def __init__(self, room: int = 1) -> None:
        """Start empty.

        Args:
            room: number of items that may wait; another one replaces the oldest.
        """
        self._waiting: deque[T] = deque()
        self._room = room
        self._newest: T | None = None
        self._lock = Lock()

    def put(self, item: T, queue: bool = True) -> list[T]:
        """Add an item; return those that gave way to it without having been taken.

        Args:
            queue: whether the item waits to be taken; if not, nothing waits any longer.
        """
        with self._lock:
            self._newest = item
            keep = self._room - 1 if queue else 0
            lost = [self._waiting.popleft() for _ in range(len(self._waiting) - keep)]
            if queue:
                self._waiting.append(item)
            return lost

    def take(self) -> T | None:
        """Return what has waited longest, None if nothing waits."""
        with self._lock:
            return self._waiting.popleft() if self._waiting else None

    def put_back(self, item: T) -> None:
        """Let an item that was taken wait again, before all others."""
        with self._lock:
            self._waiting.appendleft(item)

    def newest(self) -> T | None:
        """Return the newest item, whether taken or not."""
        with self._lock:
            return self._newest

    def renew(self, is_new: bool) -> None:
        """Let the newest item alone wait, taken or not; or nothing.

        With room for several, those that wait already go on waiting.
        """
        with self._lock:
            if self._waiting and self._room > 1:
                return
            self._waiting.clear()
            if is_new and self._newest is not None:
                self._waiting.append(self._newest)

    def clear(self) -> list[T]:
        """Forget every item; return those that waited."""
        with self._lock:
            lost = list(self._waiting)
            self._waiting.clear()
            self._newest = None
            return lost
