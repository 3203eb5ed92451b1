"""The second half of the work, in a thread of its own, one job behind the first half."""

from collections.abc import Callable
from concurrent.futures import Executor, Future, wait


class PublishThread:
    """Do jobs in order; only one waits to be done, and who brings the next waits for it."""

    def __init__(self, thread: Executor) -> None:
        """Take what has one thread, in which nothing else is done."""
        self._thread = thread
        self._last: list[Future[object]] = []

    def hand_over(self, job: Callable[[], object]) -> None:
        """Return as soon as the job before this one is done.

        Raises:
            RuntimeError: the thread is about to end and takes nothing more.
        """
        self.wait()
        self._last = [self._thread.submit(job)]

    def wait(self) -> None:
        """Return when everything is done."""
        wait(self._last)
