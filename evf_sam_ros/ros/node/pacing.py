"""Space replies out so that a client can receive them.

A client hears the replies to all clients of a service, and by default its queue holds ten. Those
of a burst that it has not taken yet push each other out, and whoever called waits for ever.
"""

from collections import deque
from time import monotonic
from typing import Any, Literal

from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.clock import Clock, ClockType  # type: ignore[attr-defined]
from rclpy.node import Node
from rclpy.task import Future

PACE_S = 0.02  # a client that calls 50 times before it listens takes some 0.1 s for that


class Turns:
    """Let coroutines of a node go on one by one."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._waiting: deque[Future[None]] = deque()
        self._next_s = 0.0
        self._timer = node.create_timer(
            PACE_S, self._pass, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )
        self._timer.cancel()

    async def wait(self) -> None:
        """Return when it is this coroutine's turn: at once unless others went or wait before."""
        if not self._waiting and monotonic() >= self._next_s:
            self._next_s = monotonic() + PACE_S
            return
        turn: Future[None] = Future(executor=self._node.executor)
        self._waiting.append(turn)
        if len(self._waiting) == 1:
            self._timer.reset()
        await turn

    def _pass(self) -> None:
        if self._waiting:
            self._waiting.popleft().set_result(None)
            self._next_s = monotonic() + PACE_S
        if not self._waiting:
            self._timer.cancel()


class PacedGroup(ReentrantCallbackGroup):
    """A callback group that admits the messages of each entity at a limited rate."""

    def __init__(self, node: Node) -> None:
        super().__init__()
        self._next_s: dict[int, float] = {}  # by the entity's id
        self._timer = node.create_timer(
            PACE_S, self._rest, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )
        self._timer.cancel()

    def can_execute(self, entity: Any) -> bool:  # type: ignore[override]
        return monotonic() >= self._next_s.get(id(entity), 0.0)

    def beginning_execution(self, entity: Any) -> Literal[True]:
        self._next_s[id(entity)] = monotonic() + PACE_S
        self._timer.reset()  # the executor looks again when it is done with that
        return True

    def _rest(self) -> None:
        self._timer.cancel()
