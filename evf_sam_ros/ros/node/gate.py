"""A gate before subscriptions: messages are taken while somebody waits for them, or on request.

What is not taken stays in the middleware, which keeps the newest and lets the older ones go, at no
cost to the interpreter.
"""

from collections.abc import Callable, Mapping
from time import monotonic_ns, time_ns
from typing import Any

from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.subscription import Subscription

LONGEST_NS = 3600 * 10**9  # longer than that nothing waits: the system's clock was set


class Gate(ReentrantCallbackGroup):
    """The callback group of subscriptions that the executor looks at only while it is open."""

    def __init__(self, is_open: Callable[[], bool]) -> None:
        """Start.

        Args:
            is_open: asked each time before the executor waits. What opens it must happen in the
                executor's own thread: nothing wakes it for that.
        """
        super().__init__()
        self._is_open = is_open

    def can_execute(self, entity: Any) -> bool:  # type: ignore[override]
        return self._is_open()


def taken(subscription: "Subscription[Any]") -> list[tuple[Any, int]]:
    """Take every message that waits, the oldest first, with the steady time of its arrival, ns."""
    found: list[tuple[Any, int]] = []
    handle: Any = subscription.handle
    with handle:
        while (each := handle.take_message(subscription.msg_type, subscription.raw)) is not None:
            found.append((each[0], arrived_ns(each[1])))
    return found


def arrived_ns(info: Mapping[str, Any]) -> int:
    """Return when the middleware received a message, on the steady clock; now if it is unknown."""
    waited = time_ns() - (info.get("received_timestamp") or 0)
    return monotonic_ns() - (waited if 0 <= waited < LONGEST_NS else 0)
