"""The workers of several cameras, asked as one: each looks, and the best answer is the answer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from threading import Lock

from evf_sam_ros.msg import SegmentationResult
from evf_sam_ros.ros.node.command import Command
from evf_sam_ros.ros.node.replies import Answer
from evf_sam_ros.ros.node.request_queue import Request
from evf_sam_ros.ros.node.search import Search
from evf_sam_ros.ros.node.worker import Worker

# What says most about where the object is comes first.
RANKS = (
    SegmentationResult.FOUND,
    SegmentationResult.AMBIGUOUS,
    SegmentationResult.LOW_CONFIDENCE,
    SegmentationResult.NOT_FOUND,
    SegmentationResult.UNSUITABLE_IMAGE,
    SegmentationResult.STALE_FRAME,
)


def best_of(answers: Sequence[Answer]) -> Answer:
    """Return the answer to act on: by status, then by score; of equal ones the first."""

    def rank(answer: Answer) -> tuple[int, float]:
        status = answer.result.status
        place = RANKS.index(status) if status in RANKS else len(RANKS)
        return -place, answer.result.score

    return max(answers, key=rank)


class AllCameras:
    """The part of a `Worker` that services, action and diagnostics use, for several."""

    def __init__(self, workers: Mapping[str, Worker]) -> None:
        """Start.

        Args:
            workers: by the name of the camera, at least one.
        """
        self._workers = workers
        self._split: dict[int, list[tuple[Worker, Search]]] = {}  # by the identity of a search

    def _asked(self, command: Command) -> dict[str, Worker]:
        return {
            name: worker for name, worker in self._workers.items() if command.camera in ("", name)
        }

    def put_request(self, request: Request) -> str:
        """Ask the cameras of a request; return why none answers, empty if one does."""
        asked = self._asked(request.command)
        if request.image is not None:  # it is of no camera: one look is enough
            return next(iter(asked.values())).put_request(request)
        gathered = _Gathered(len(asked), request.done)
        objections = []
        for name, worker in asked.items():
            command = replace(request.command, camera=name)
            own = replace(request, command=command, done=gathered.add)
            if objection := worker.put_request(own):
                objections.append(f"{name}: {objection}")
                gathered.leave()
        return "; ".join(objections) if len(objections) == len(asked) else ""

    def put_search(self, search: Search) -> None:
        """Let the cameras of a goal look for it; the first that finds it ends the others."""
        asked = self._asked(search.goal.command)
        gathered = _Gathered(len(asked), search.finish)

        def end_one(answer: Answer) -> None:
            # Whoever waits for it ends the other searches: here a worker's lock is held.
            if answer.result.status == SegmentationResult.FOUND:
                gathered.decide(answer)
            gathered.add(answer)

        own = [(worker, search.of_camera(name, end_one)) for name, worker in asked.items()]
        self._split[id(search)] = own
        for worker, each in own:
            worker.put_search(each)

    def end_search(self, search: Search, reason: str) -> bool:
        own = self._split.pop(id(search), [])
        return any([worker.end_search(each, reason) for worker, each in own])

    def end_searches(self, reason: str) -> int:
        count = len(self._split)
        self._split.clear()
        for worker in self._workers.values():
            worker.end_searches(reason)
        return count

    def end_command(self, status: int, message: str) -> Command | None:
        ended = [worker.end_command(status, message) for worker in self._workers.values()]
        return next((each for each in ended if each is not None), None)

    def stop(self, timeout_s: float | None = None) -> None:
        """Do nothing: each worker ends with its own node."""

    def set_enabled(self, enabled: bool) -> None:
        for worker in self._workers.values():
            worker.set_enabled(enabled)

    @property
    def enabled(self) -> bool:
        return any(worker.enabled for worker in self._workers.values())

    @property
    def search_count(self) -> int:
        return len(self._split)

    @property
    def expressions(self) -> list[str]:
        """Return the expressions that any of the cameras looks for, each once."""
        every = (each for worker in self._workers.values() for each in worker.expressions)
        return list(dict.fromkeys(every))


class _Gathered:
    """Waits for a number of answers and passes the best one on; safe in any thread."""

    def __init__(self, count: int, done: Callable[[Answer], None]) -> None:
        self._missing = count
        self._done = done
        self._answers: list[Answer] = []
        self._is_decided = False
        self._lock = Lock()

    def decide(self, answer: Answer) -> None:
        """Pass an answer on at once, if none was."""
        with self._lock:
            is_first, self._is_decided = not self._is_decided, True
        if is_first:
            self._done(answer)

    def add(self, answer: Answer) -> None:
        with self._lock:
            self._answers.append(answer)
        self.leave()

    def leave(self) -> None:
        """Wait for one less."""
        with self._lock:
            self._missing -= 1
            if self._missing or self._is_decided or not self._answers:
                return
            self._is_decided = True
        self._done(best_of(self._answers))
