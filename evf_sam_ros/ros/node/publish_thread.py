"""The publishing thread, which works one job behind the inference thread."""

from collections.abc import Callable
from concurrent.futures import Executor, Future, wait


class PublishThread:
    """Runs jobs in order; `hand_over` first waits for the job before."""

    def __init__(self, thread: Executor) -> None:
        """Start without jobs.

        Args:
            thread: an executor with one thread, used for nothing else.
        """
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
