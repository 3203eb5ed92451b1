"""Pair each image with its depth image and camera_info, live and in recordings alike.

They belong together by stamp, and only where stamps tell frames apart. Where it is not certain
that a depth image or a camera_info is the image's own, the answer is the reason, never a guess.
"""

from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import Any

from evf_sam_ros.perception.camera_infos import CameraInfos
from evf_sam_ros.perception.geometry import DepthStatus
from evf_sam_ros.perception.no_depth import NoDepth, may_be_one_camera, not_distinct, out_of_sync
from evf_sam_ros.perception.stamped import (
    COARSE_NS,
    LATELY,
    NEVER,
    SECOND,
    Stamped,
    Stream,
    stamp_ns,
)
from evf_sam_ros.perception.transform_buffer import TransformBuffer

# Without a second message to compare, one image and one depth image belong together if they
# arrive at once: no camera slower than 10 Hz sends the next frame's half as soon.
AT_ONCE_NS = 50_000_000
COMPARED, LEAST_SHARED = 20, 0.1  # of so much depth few have an image's stamp by accident
MOST_JITTER_NS = 5_000_000
ROUND_NS = SECOND // 2  # what arrives farther apart may be of different rounds of a loop
LATER_NS = SECOND  # a stamp farther ahead is an outlier, no sign that a message was lost
ENDED_NS = 5 * SECOND  # after so long without depth none is waited for


class Pairing:
    """Remember what arrives on the three topics of a camera and say what belongs together."""

    def __init__(self, kept: int, frames: TransformBuffer | None = None) -> None:
        """Start with empty streams.

        Args:
            kept: number of depth images that are kept.
            frames: where cameras stand, filled by others; None: a buffer of its own.
        """
        self.images = Stream(kept=1)
        self.depths = Stream(kept)
        self.infos = CameraInfos()
        self.depth_infos = CameraInfos()  # of the depth camera, where it is not the image's
        self.frames = frames or TransformBuffer()
        # Whether several publishers send on one topic: then only equal stamps belong together.
        self.are_mixed = False
        self.expected: Stamped | None = None  # what the model looks at

    def put_image(self, message: Any, arrived: int) -> Stamped:
        """Note that an image has arrived; its pixels are not kept."""
        item = self.images.put(message, arrived)
        item.message = message.header
        return item

    def put_depth(self, message: Any, arrived: int) -> None:
        """Keep a depth image; one that came before, as over two ways, counts once."""
        stamp = stamp_ns(message.header)
        twins = [item for item in self.depths.items if item.stamp == stamp]
        if twins and _is_copy(message, twins[-1].message):
            return
        self.depths.put(message, arrived)
        image = self.expected
        self.depths.let_go(self._nearest(image)[:3] if image is not None else ())

    def clear(self) -> None:
        """Forget all but the image's camera_info, which may have been sent only once."""
        self.images.clear()
        self.depths.clear()
        self.infos.clear(keep=1)
        self.depth_infos.clear()
        self.expected = None

    def image(self, header: Any) -> Stamped:
        """Return the image with this very header; one that did not come over the topic is new."""
        for item in reversed(self.images.items):
            if item.message is header:
                return item
        return Stamped(stamp_ns(header), str(header.frame_id), NEVER, header)

    def expect(self, image: Stamped) -> None:
        """Keep the depth images around this image, however many come after them."""
        self.expected = image

    # Depth

    def depth_is_settled(self, image: Stamped) -> bool:
        """Tell whether waiting for the image's depth is in vain: it is here, or was lost."""
        if not self.depths.items or self._depth_has_ended(image):
            return True
        if self.images.is_undecided(image):
            return False
        if self.images.doubt(image):
            return True
        if same := self._same_stamp(image):
            return len(same) > 1 or not self._may_be_cured(image, same[0])
        ahead = (item.stamp - image.stamp for item in self._reachable(image))
        return any(0 < gap < LATER_NS for gap in ahead)

    def depth_of(self, image: Stamped, slop_s: float) -> Stamped | NoDepth:
        """Return the depth image taken together with an image: the same stamp, else the nearest.

        Args:
            image: of this pairing.
            slop_s: how far apart two stamps of one instant may be.
        """
        if not self.depths.items:
            return NoDepth(DepthStatus.NONE, "")
        if reason := self.images.doubt(image):
            return not_distinct(f"the image {reason}")
        same = self._same_stamp(image)
        if not same:
            return self._near(image, slop_s)
        if reason := self._doubt_of(image, same):
            return not_distinct(reason)
        return _kept(same[0])

    def _same_stamp(self, image: Stamped) -> list[Stamped]:
        """Return depth with the image's stamp, of its own frame_id where there is any."""
        same = [item for item in self._in_round(image) if item.stamp == image.stamp]
        return [item for item in same if _fit(item, image)] or same

    def _doubt_of(self, image: Stamped, same: Sequence[Stamped]) -> str:
        """Return why it is not certain that depth with the image's stamp is the image's own."""
        if len(same) > 1:
            return f"{len(same)} depth images bear the image's stamp"
        if doubt := self.depths.doubt_of_clock(same[0]):
            return f"the depth image {doubt}"
        if self._has_unmatched_twin(image):
            return "two images bear the same stamp, and no later depth image has come"
        if not self._stamps_advance(image) and not self._are_alone(image, same[0]):
            return "no image or depth image with another stamp has come yet"
        if image.stamp % COARSE_NS == 0 and not self._arrive_as_usual(image, same[0]):
            return "stamps are round numbers, and this depth image did not come when others do"
        return ""

    def _arrive_as_usual(self, image: Stamped, depth: Stamped) -> bool:
        """Tell whether two that share a stamp arrive as far apart as others that share one.

        A rounded stamp may be that of two frames, of which half each was lost.
        """
        if not image.came:
            return True
        latest = list(self.images.items)[-LATELY:]
        lags = [
            min((each.arrived - own.arrived for each in twins), key=abs)
            for own in latest
            if (twins := [each for each in self.depths.items if each.stamp == own.stamp])
        ]
        lag = depth.arrived - image.arrived
        if len(lags) <= 3:
            return abs(lag) < AT_ONCE_NS
        pace = median(later.arrived - each.arrived for each, later in pairwise(latest))
        return abs(lag - median(lags)) < max(0.6 * pace, MOST_JITTER_NS)

    def _may_be_cured(self, image: Stamped, depth: Stamped) -> bool:
        """Tell whether what comes next may make it certain that these two belong together."""
        undecided = self.depths.is_undecided(depth) or self._has_unmatched_twin(image)
        return undecided or not self._stamps_advance(image)

    def _has_unmatched_twin(self, image: Stamped) -> bool:
        """Tell whether images share a stamp and depth, too, may be stuck at it."""
        passed = any(item.stamp > image.stamp for item in self.depths.items)
        return len(self.images.with_stamp(image)) > 1 and not passed and image.came

    def _depth_has_ended(self, image: Stamped) -> bool:
        return image.came and image.arrived - self.depths.items[-1].arrived > ENDED_NS

    def _stamps_advance(self, image: Stamped) -> bool:
        streams = self.images, self.depths
        return any(stream.has_other_stamps(image.stamp) for stream in streams)

    def _are_alone(self, image: Stamped, depth: Stamped) -> bool:
        if not image.came:
            return len(self.depths.items) == 1
        alone = len(self.images.items) == len(self.depths.items) == 1
        return alone and abs(depth.arrived - image.arrived) < AT_ONCE_NS

    def _near(self, image: Stamped, slop_s: float) -> Stamped | NoDepth:
        nearest = self._nearest(image)
        gap = abs(nearest[0].stamp - image.stamp) if nearest else None
        if gap is None or gap > slop_s * SECOND:
            return self._none_near(gap, slop_s)
        if doubt := self._doubt_of_nearest(nearest[0]):
            return not_distinct(f"the depth image {doubt}")
        if self._is_of_a_neighbour(image, nearest[0]):
            return out_of_sync("the depth image with the image's own stamp is missing")
        rivals = [abs(item.stamp - image.stamp) for item in nearest[1:]]
        if (pace := self._pace()) is not None:  # there may be one that was lost, or is to come
            rivals.append(abs(pace - gap))
        if not rivals:
            return out_of_sync(
                f"the only depth image is {gap / SECOND:.3f} s from the image: "
                "a nearer one may be on its way"
            )
        if 2 * min(rivals) < 3 * gap:
            return out_of_sync(
                f"depth images {gap / SECOND:.3f} s and {min(rivals) / SECOND:.3f} s from the "
                "image are about as near: which of them belongs to it is not certain"
            )
        return _kept(nearest[0])

    def _none_near(self, gap: int | None, slop_s: float) -> NoDepth:
        lately = [self.depths.doubt(item) for item in list(self.depths.items)[-2:]]
        if all(lately):
            return not_distinct(f"the depth image {lately[-1]}")
        if gap is None:
            return out_of_sync("no depth image of the image's time has come")
        return out_of_sync(
            f"the nearest depth image is {gap / SECOND:.3f} s away, and up to {slop_s:g} s "
            "count as one instant"
        )

    def _doubt_of_nearest(self, depth: Stamped) -> str:
        twins = len(self.depths.with_stamp(depth))
        return self.depths.doubt(depth) or ("shares its stamp with another" if twins > 1 else "")

    def _nearest(self, image: Stamped) -> list[Stamped]:
        """Return the depth images in order of their distance, without those out of order."""
        ordered = [
            item
            for item in self._reachable(image)
            if item.stamp and (item.in_order or item.stamp == image.stamp)
        ]
        return sorted(ordered, key=lambda item: abs(item.stamp - image.stamp))

    def _pace(self) -> int | None:
        """Return how far apart the stamps of two depth images are at least."""
        return min(_gaps(self.depths), default=None)

    def _is_of_a_neighbour(self, image: Stamped, depth: Stamped) -> bool:
        """Tell whether the nearest depth may be that of another frame.

        It may where depth usually has the stamps of images, so that the image's own was lost, and
        is about as far away as a frame is from the next, or stamps are rounded or out of order.
        """
        if self.are_mixed:
            return True
        taken = {item.stamp for item in self.images.items}
        latest = list(self.depths.items)[-COMPARED:]
        shared = sum(item.stamp in taken for item in latest)
        if shared <= LEAST_SHARED * len(latest):
            return False
        if not image.in_order or 0 in (image.stamp % COARSE_NS, depth.stamp % COARSE_NS):
            return True
        pace = min(_gaps(self.images), default=None)
        return pace is None or 2 * abs(depth.stamp - image.stamp) > pace

    def _reachable(self, image: Stamped) -> list[Stamped]:
        """Return the depth images of the image's camera and round."""
        items = self._in_round(image)
        return [item for item in items if _fit(item, image)] or items

    def _in_round(self, image: Stamped) -> list[Stamped]:
        """Return the depth images that are not of another round of a loop."""
        items = list(self.depths.items)
        if not image.came or not (self.images.has_jumped or self.depths.has_jumped):
            return items
        return [item for item in items if abs(item.arrived - image.arrived) <= ROUND_NS]


def _gaps(stream: Stream) -> list[int]:
    """Return how far apart the latest stamps are, of those that are in order."""
    stamps = [item.stamp for item in stream.items if item.in_order and item.stamp]
    return [later - each for each, later in pairwise(stamps[-COMPARED:]) if later > each]


def _fit(depth: Stamped, image: Stamped) -> bool:
    return may_be_one_camera(depth.frame_id, image.frame_id)


def _is_copy(message: Any, other: Any) -> bool:
    return other is not None and bytes(other.data) == bytes(message.data)


def _kept(depth: Stamped) -> Stamped | NoDepth:
    if depth.message is None:
        return out_of_sync("the image's depth has had to give way to newer depth images")
    return depth
