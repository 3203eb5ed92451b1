"""The poses of one frame of tf over time, interpolated between samples as tf2 does it.

Stamps are nanoseconds. Nothing is extrapolated, and samples are kept for ten seconds.
"""

from bisect import bisect_left
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import numpy as np

from evf_sam_ros.perception.geometry import Floats
from evf_sam_ros.perception.registration import rigid_transform
from evf_sam_ros.perception.stamped import SECOND, stamp_ns

KEPT_NS = 10 * SECOND
STAMP = attrgetter("stamp")
LEAST_ANGLE = 1e-6  # below it the sines divide rounding errors


@dataclass(frozen=True)
class Sample:
    """The pose of a frame in its parent at one time."""

    stamp: int
    parent: str
    pose: Floats  # (7,) x, y, z in metres and a unit quaternion x, y, z, w

    def matrix(self) -> Floats:
        """Return (4, 4) parent_from_child."""
        placed = rigid_transform(self.pose.tolist())
        assert placed is not None  # of seven zeros alone, which are no unit quaternion
        return placed


class FrameHistory:
    """The samples of one frame, in order of their stamps."""

    def __init__(self) -> None:
        self.static: Sample | None = None
        self.samples: list[Sample] = []

    def put(self, sample: Sample, *, is_static: bool) -> None:
        """Add a sample; a frame is static or moving, whichever was said last."""
        if is_static:
            self.static = sample
            self.samples.clear()
            return
        self.static = None
        if self.samples and sample.stamp < self.samples[-1].stamp - KEPT_NS:
            self.samples.clear()  # time has jumped back, as when a recording starts again
        place = bisect_left(self.samples, sample.stamp, key=STAMP)
        if place < len(self.samples) and self.samples[place].stamp == sample.stamp:
            return
        self.samples.insert(place, sample)
        oldest = self.samples[-1].stamp - KEPT_NS
        if self.samples[0].stamp < oldest - SECOND:  # not one by one: that moves all the others
            del self.samples[: bisect_left(self.samples, oldest, key=STAMP)]

    @property
    def newest(self) -> Sample | None:
        return self.static or (self.samples[-1] if self.samples else None)

    def at(self, stamp: int) -> Sample | None:
        """Return the pose at a stamp, None where the samples do not reach around it."""
        if self.static is not None:
            return self.static
        place = bisect_left(self.samples, stamp, key=STAMP)
        if place == len(self.samples):
            return None
        after = self.samples[place]
        if after.stamp == stamp:
            return after
        return _between(self.samples[place - 1], after, stamp) if place else None


def sample_from(transform: Any) -> Sample | None:
    """Read a geometry_msgs/TransformStamped; None if it is not rigid."""
    moved, turned = transform.transform.translation, transform.transform.rotation
    pose = np.array([moved.x, moved.y, moved.z, turned.x, turned.y, turned.z, turned.w])
    parent = plain_name(transform.header.frame_id)
    try:
        if rigid_transform(pose.tolist()) is None or not parent:
            return None
    except ValueError:
        return None
    pose[3:] /= np.linalg.norm(pose[3:])
    return Sample(stamp_ns(transform.header), parent, pose)


def _between(before: Sample, after: Sample, stamp: int) -> Sample:
    """Interpolate: the translation along a line, the rotation at a constant rate."""
    if before.parent != after.parent:
        return before
    share = (stamp - before.stamp) / (after.stamp - before.stamp)
    pose = before.pose + share * (after.pose - before.pose)
    start, end = before.pose[3:], after.pose[3:]
    cosine = float(start @ end)
    if cosine < 0:  # the same rotation, the short way round
        end, cosine = -end, -cosine
    angle = float(np.arccos(min(cosine, 1.0)))
    weights = (1 - share, share)
    if angle > LEAST_ANGLE:
        weights = (
            np.sin((1 - share) * angle) / np.sin(angle),
            np.sin(share * angle) / np.sin(angle),
        )
    turned = weights[0] * start + weights[1] * end
    pose[3:] = turned / np.linalg.norm(turned)
    return Sample(stamp, before.parent, pose)


def plain_name(name: str) -> str:
    """Drop the slash that frames began with in the days of tf1."""
    return str(name).lstrip("/")
