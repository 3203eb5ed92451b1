"""Transforms between frames from tf: static ones, and moving ones at a stamp.

A matrix named a_from_b maps points in frame b to frame a: p_a = a_from_b @ p_b. Stamps are
nanoseconds. A frame has one parent, as in tf2.
"""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import numpy as np

from evf_sam_ros.perception.geometry import Floats
from evf_sam_ros.perception.stamped import SECOND
from evf_sam_ros.perception.transform_samples import FrameHistory, plain_name, sample_from


@dataclass(frozen=True)
class NoTransform:
    """Reason for which a transform is missing at a stamp."""

    reason: str  # without the names of the two frames
    newest: int | None  # stamp of the newest transform that matters, None if there is none
    may_come: bool = True  # whether waiting for it makes sense
    # Equal while no news has come: who has waited for it in vain need not wait again.
    state: Hashable = field(compare=False, default=None)


class TransformBuffer:
    """The frames of one robot; every method may be called from any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._frames: dict[str, FrameHistory] = {}
        self._joints = 0  # counts changes of who is whose parent

    def put(self, message: Any, *, is_static: bool) -> None:
        """Add the transforms of a tf2_msgs/TFMessage, except invalid ones.

        Args:
            message: from /tf_static or /tf.
            is_static: whether its transforms hold for all times.
        """
        for each in message.transforms:
            sample = sample_from(each)
            child = plain_name(each.child_frame_id)
            if sample is None or not child or child == sample.parent:
                continue
            with self._lock:
                history = self._frames.setdefault(child, FrameHistory())
                before = history.newest
                history.put(sample, is_static=is_static)
                self._joints += before is None or before.parent != sample.parent

    def clear_moving(self) -> None:
        """Forget all that depends on time: the clock has jumped."""
        with self._lock:
            self._frames = {name: each for name, each in self._frames.items() if each.static}
            self._joints += 1

    def find(self, target: str, source: str, stamp: int) -> Floats | NoTransform:
        """Return (4, 4) target_from_source at a stamp, or the reason why it is not known."""
        with self._lock:
            return self._find(plain_name(target), plain_name(source), stamp)

    def _find(self, target: str, source: str, stamp: int) -> Floats | NoTransform:
        up, down = list(self._ancestors(source, stamp)), list(self._ancestors(target, stamp))
        common = next((name for name in up if name in down), None)
        if common is None:
            return self._unjoined(target, source)
        halves = []
        for chain in (up[: up.index(common)], down[: down.index(common)]):
            common_from_end = np.eye(4)
            for name in chain:
                sample = self._frames[name].at(stamp)
                if sample is None:
                    return self._out_of_reach(name, stamp)
                common_from_end = sample.matrix() @ common_from_end
            halves.append(common_from_end)
        common_from_source, common_from_target = halves
        return np.asarray(np.linalg.inv(common_from_target) @ common_from_source, np.float64)

    def _ancestors(self, name: str, stamp: int) -> Iterator[str]:
        """Yield a frame, its parent at that time, and so on; a ring of parents ends."""
        seen: set[str] = set()
        while name not in seen:
            seen.add(name)
            yield name
            history = self._frames.get(name)
            sample = history and (history.at(stamp) or history.newest)
            if not sample:
                return
            name = sample.parent

    def _unjoined(self, target: str, source: str) -> NoTransform:
        newest = [each.newest for each in self._frames.values()]
        known = {*self._frames, *(sample.parent for sample in newest if sample)}
        missing = [name for name in (source, target) if name not in known]
        names = " and ".join(repr(name) for name in missing)
        if not known:
            reason = "nothing has come over /tf or /tf_static"
        elif missing:
            reason = f"tf has no frame {names}; it has {_listed(known)}"
        else:
            reason = "tf has both frames, but in trees that are not joined"
        moving = [each.samples[-1].stamp for each in self._frames.values() if each.samples]
        return NoTransform(reason, max(moving, default=None), state=self._joints)

    def _out_of_reach(self, name: str, stamp: int) -> NoTransform:
        history = self._frames[name]
        newest = history.samples[-1]
        link = f"{name!r} in {newest.parent!r}"
        if newest.stamp < stamp:
            late_s = (stamp - newest.stamp) / SECOND
            reason = f"the newest transform of {link} is {late_s:.3f} s older than the image"
        else:
            early_s = (history.samples[0].stamp - stamp) / SECOND
            reason = f"the oldest transform of {link} is {early_s:.3f} s newer than the image"
        is_late = newest.stamp < stamp
        return NoTransform(reason, newest.stamp, is_late, (name, newest.stamp))


def _listed(names: set[str], most: int = 20) -> str:
    shown = sorted(names)[:most]
    return ", ".join(shown) + (f" and {len(names) - most} more" if len(names) > most else "")
