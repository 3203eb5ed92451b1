"""A one-place mailbox: a new item replaces one not yet taken."""

from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class Latest(Generic[T]):
    """Hand the newest item from one thread to another, each at most once."""

    def __init__(self) -> None:
        self._item: T | None = None
        self._is_new = False
        self._lock = Lock()

    def put(self, item: T) -> None:
        """Store the item instead of what waits."""
        with self._lock:
            self._item, self._is_new = item, True

    def take(self) -> T | None:
        """Return the newest item, None if it has been taken."""
        with self._lock:
            is_new, self._is_new = self._is_new, False
            return self._item if is_new else None

    def newest(self) -> T | None:
        """Return the newest item, whether taken or not."""
        with self._lock:
            return self._item

    def renew(self, is_new: bool) -> None:
        """Let the newest item be taken once more, or not any more."""
        with self._lock:
            self._is_new = is_new and self._item is not None

    def clear(self) -> None:
        """Forget the item."""
        with self._lock:
            self._item, self._is_new = None, False
