"""Transforms between frames from /tf_static.

A matrix named a_from_b maps points in frame b to frame a: p_a = a_from_b @ p_b.
"""

from collections import deque
from typing import Any

import numpy as np

from evf_sam_ros.perception.geometry import Floats
from evf_sam_ros.perception.registration import rigid_transform


class StaticFrames:
    """The transforms of one robot."""

    def __init__(self) -> None:
        self._steps: dict[str, dict[str, Floats]] = {}  # a, b: a_from_b

    def put(self, message: Any) -> None:
        """Add the transforms of a tf2_msgs/TFMessage, except invalid ones."""
        for each in message.transforms:
            moved, turned = each.transform.translation, each.transform.rotation
            numbers = moved.x, moved.y, moved.z, turned.x, turned.y, turned.z, turned.w
            try:
                parent_from_child = rigid_transform(numbers)
            except ValueError:
                continue
            if parent_from_child is None:
                continue
            parent, child = (_plain(name) for name in (each.header.frame_id, each.child_frame_id))
            self._steps.setdefault(parent, {})[child] = parent_from_child
            self._steps.setdefault(child, {})[parent] = np.asarray(
                np.linalg.inv(parent_from_child), np.float64
            )

    def find(self, target: str, source: str) -> Floats | None:
        """Return (4, 4) target_from_source, None where no chain of transforms leads there."""
        start, end = _plain(target), _plain(source)
        found: dict[str, Floats] = {start: np.eye(4)}
        waiting = deque([start])
        while waiting and end not in found:
            here = waiting.popleft()
            for name, here_from_name in self._steps.get(here, {}).items():
                if name not in found:
                    found[name] = found[here] @ here_from_name
                    waiting.append(name)
        return found.get(end)


def _plain(name: str) -> str:
    """Drop the slash that frames began with in the days of tf1."""
    return name.lstrip("/")
