"""Requests of ~/segment that wait for the model: a bounded number, and bounded memory."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from evf_sam_ros.ros.node.command import Command
from evf_sam_ros.ros.node.replies import Answer, Frame

MOST_REQUESTS = 100
MOST_BYTES = 64 * 2**20  # of the images in them: ten of 1920x1080

A_FLOOD = MOST_BYTES // 2  # bytes


@dataclass(frozen=True)
class Request:
    """A call of ~/segment, which gets one answer independent of the active command."""

    command: Command
    image: Frame | None  # None: the newest image of the topic
    max_age_s: float
    done: Callable[[Answer], None]

    @property
    def bytes(self) -> int:
        return len(self.image.data) if self.image is not None else 0


class RequestQueue:
    """Keeps requests in order; not thread-safe."""

    def __init__(self) -> None:
        self._waiting: deque[Request] = deque()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, request: Request) -> str:
        """Add a request; return why it cannot wait, empty if it can."""
        if self._waiting and (objection := self._objection(request)):
            return objection
        self._waiting.append(request)
        self._bytes += request.bytes
        return ""

    def take(self) -> Request | None:
        """Return what has waited longest, None if nothing waits."""
        if not self._waiting:
            return None
        request = self._waiting.popleft()
        self._bytes -= request.bytes
        return request

    def _objection(self, request: Request) -> str:
        if len(self._waiting) >= MOST_REQUESTS:
            return f"{len(self._waiting)} requests wait for an answer, at most {MOST_REQUESTS} may"
        if self._bytes + request.bytes > MOST_BYTES:
            return (
                f"the images of {len(self._waiting)} waiting requests and of this one take "
                f"{(self._bytes + request.bytes) / 2**20:.0f} MiB, at most "
                f"{MOST_BYTES // 2**20} MiB may wait"
            )
        return ""


class OpenRequests:
    """Counts the memory of unanswered requests, and returns it to the system after a flood."""

    def __init__(self, return_freed: Callable[[], object]) -> None:
        """Start without requests.

        Args:
            return_freed: returns freed memory to the system.
        """
        self._bytes = self._most_bytes = 0
        self._return_freed = return_freed

    @contextmanager
    def one(self, bytes: int) -> Iterator[None]:
        """Count one request while the context lasts."""
        self._bytes += bytes
        self._most_bytes = max(self._most_bytes, self._bytes)
        try:
            yield
        finally:
            self._bytes -= bytes
            if not self._bytes and self._most_bytes >= A_FLOOD:
                self._most_bytes = 0
                self._return_freed()
