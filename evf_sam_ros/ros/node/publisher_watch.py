"""Warn if several publishers send on one input, such as a camera and a recording."""

from collections.abc import Callable, Sequence
from typing import Any

from rclpy.clock import Clock, ClockType  # type: ignore[attr-defined]
from rclpy.node import Node
from rclpy.subscription import Subscription

PERIOD_S = 0.5


class PublisherWatch:
    """Counts the publishers of subscriptions and reports inputs with several."""

    def __init__(
        self,
        node: Node,
        subscriptions: "Sequence[Subscription[Any]]",
        on_change: Callable[[str], None],
    ) -> None:
        """Start watching.

        Args:
            node: the node that subscribes.
            subscriptions: the inputs to watch.
            on_change: gets the new sentence; it is empty if no input has several publishers.
        """
        self._node = node
        self._topics = [subscription.topic_name for subscription in subscriptions]
        self._on_change = on_change
        self._said = ""
        on_change("")
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._timer = node.create_timer(PERIOD_S, self._check, clock=steady)

    def destroy(self) -> None:
        self._node.destroy_timer(self._timer)

    def _check(self) -> None:
        crowded = {topic: self._publishers(topic) for topic in self._topics}
        said = "; ".join(
            f"{len(names)} publishers on {topic}: {', '.join(names)}"
            for topic, names in crowded.items()
            if len(names) > 1
        )
        if said == self._said:
            return
        self._said = said
        self._on_change(said)
        if said:
            self._node.get_logger().warning(
                f"{said}. Depth and camera_info are taken only where stamp and frame_id are the "
                "image's own: let one camera send on each input."
            )

    def _publishers(self, topic: str) -> list[str]:
        found = self._node.get_publishers_info_by_topic(topic)
        return sorted(map(_name, found))


def _name(publisher: Any) -> str:
    """Return a publisher's node, which is heard of later than its topics."""
    if "UNKNOWN" in publisher.node_name:
        return "a node whose name is not known yet"
    return f"{publisher.node_namespace.rstrip('/')}/{publisher.node_name}"
