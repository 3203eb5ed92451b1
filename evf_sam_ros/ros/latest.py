"""A one-place mailbox: a new item replaces one not yet taken."""

from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class Latest(Generic[T]):
    """Hand the newest item from one thread to another; `replaced` counts those never taken."""

    def __init__(self) -> None:
        self._item: T | None = None
        self._lock = Lock()
        self.replaced = 0

    def put(self, item: T) -> None:
        """Store the item instead of what waits."""
        with self._lock:
            self.replaced += self._item is not None
            self._item = item

    def take(self) -> T | None:
        """Return the item and leave nothing; None if nothing waits."""
        with self._lock:
            item, self._item = self._item, None
            return item

    def peek(self) -> T | None:
        """Return the item and leave it."""
        with self._lock:
            return self._item
