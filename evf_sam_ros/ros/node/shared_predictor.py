"""One model that several cameras use, each in its turn."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from functools import wraps
from threading import Condition, get_ident
from types import TracebackType
from typing import Any

from evf_sam_ros.perception.predictor import Predictor

# What runs the model; everything else of a predictor may be read at any time.
IN_TURN = ("batch", "calibrate", "decide", "measured", "prompt")


class FairLock:
    """A reentrant lock that threads get in the order in which they asked for it."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._waiting: deque[object] = deque()
        self._owner: int | None = None
        self._depth = 0

    def __enter__(self) -> None:
        with self._changed:
            if self._owner != get_ident():
                ticket = object()
                self._waiting.append(ticket)
                self._changed.wait_for(lambda: self._owner is None and self._waiting[0] is ticket)
                self._waiting.popleft()
                self._owner = get_ident()
            self._depth += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._changed:
            self._depth -= 1
            if not self._depth:
                self._owner = None
                self._changed.notify_all()


class SharedPredictor:
    """Stands for a predictor; whatever runs the model waits for its turn."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        self._turn = FairLock()

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        with self._turn:
            return self._predictor(*arguments, **options)

    @contextmanager
    def running(self) -> Iterator[None]:
        with self._turn, self._predictor.running():
            yield

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._predictor, name)
        if name not in IN_TURN:
            return value

        @wraps(value)
        def in_turn(*arguments: Any, **options: Any) -> Any:
            with self._turn:
                return value(*arguments, **options)

        return in_turn
