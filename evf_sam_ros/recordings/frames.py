"""The images of a recording in their order, each with its depth and its camera."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from evf_sam_ros.perception.geometry import DepthStatus, Intrinsics
from evf_sam_ros.perception.image_messages import (
    Depth,
    Rgb,
    depth_from_compressed,
    depth_from_image,
    intrinsics_from_info,
    rgb_from_compressed,
    rgb_from_image,
)
from evf_sam_ros.perception.partners import is_settled, not_registered
from evf_sam_ros.recordings.opening import Recording
from evf_sam_ros.recordings.topics import COMPRESSED, Chosen

PATIENCE_NS = 500_000_000  # of recording; depth that comes later than this does not come
KEPT = 60  # depth images


@dataclass(frozen=True)
class NoDepth:
    """Why a frame has no places."""

    status: DepthStatus
    reason: str


@dataclass(frozen=True)
class Frame:
    """An image of a recording; a broken one has no picture but a reason."""

    number: int
    stamp_ns: int  # of its header
    received_ns: int  # when it was recorded
    loop: int  # how often the stamps have jumped back before it
    frame_id: str
    image_rgb: Rgb | None
    error: str = ""
    depth_m: Depth | None = None
    camera: Intrinsics | None = None
    no_depth: NoDepth | None = None  # set where there is no depth


@dataclass
class _Pending:
    """An image that waits for its depth."""

    message: Any
    received_ns: int
    loop: int
    info: Any


class _Loops:
    """Count how often a topic's stamps jump back: a looped recording, or time set anew."""

    def __init__(self) -> None:
        self.count = 0
        self._last = -1

    def __call__(self, message: Any) -> int:
        stamp = stamp_ns(message)
        if stamp < self._last:
            self.count += 1
        self._last = stamp
        return self.count


class FrameReader:
    """Read a recording's frames one by one; depth is found as the node finds it."""

    def __init__(self, reader: Recording, chosen: Chosen, slop_s: float) -> None:
        self._reader = reader
        self._chosen = chosen
        self._slop_s = slop_s
        self._depths: deque[tuple[int, Any]] = deque(maxlen=KEPT)  # loop and message
        self._info: Any = None
        self._waiting: deque[_Pending] = deque()
        self._number = 0

    def __iter__(self) -> Iterator[Frame]:
        """Yield every frame once, in the order of the recording."""
        chosen = self._chosen
        self._info = self._first_info()
        image_loops, depth_loops = _Loops(), _Loops()
        names = {each.name for each in (chosen.image, chosen.depth, chosen.info) if each}
        connections = [each for each in self._reader.connections if each.topic in names]
        for connection, received_ns, data in self._reader.messages(connections=connections):
            try:
                message: Any = self._reader.deserialize(data, connection.msgtype)
            except Exception as error:  # whatever broken bytes make of the library
                if connection.topic == chosen.image.name:
                    yield from self._settled(None)
                    yield self._broken(received_ns, image_loops.count, error)
                continue
            if connection.topic == chosen.image.name:
                loop = image_loops(message)
                self._waiting.append(_Pending(message, received_ns, loop, self._info))
            elif chosen.depth and connection.topic == chosen.depth.name:
                self._depths.append((depth_loops(message), message))
            else:
                self._info = message
            yield from self._settled(received_ns)
        yield from self._settled(None)

    def _first_info(self) -> Any:
        """Cameras are often announced after their first image."""
        if self._chosen.info is None:
            return None
        name = self._chosen.info.name
        connections = [each for each in self._reader.connections if each.topic == name]
        for connection, _, data in self._reader.messages(connections=connections):
            return self._reader.deserialize(data, connection.msgtype)
        return None

    def _settled(self, now_ns: int | None) -> Iterator[Frame]:
        """Yield the frames for whose depth waiting is over; None: all of them."""
        while self._waiting and (now_ns is None or self._is_settled(self._waiting[0], now_ns)):
            yield self._frame(self._waiting.popleft())

    def _is_settled(self, image: _Pending, now_ns: int) -> bool:
        if self._chosen.depth is None or now_ns - image.received_ns > PATIENCE_NS:
            return True
        if any(loop > image.loop for loop, _ in self._depths):
            return True
        stamps = (stamp_ns(depth) for loop, depth in self._depths if loop == image.loop)
        return is_settled(stamps, stamp_ns(image.message))

    def _broken(self, received_ns: int, loop: int, error: Exception) -> Frame:
        reason = f"the message is broken: {error or type(error).__name__}"
        return Frame(self._next(), 0, received_ns, loop, "", None, error=reason)

    def _frame(self, image: _Pending) -> Frame:
        message = image.message
        common = (self._next(), stamp_ns(message), image.received_ns, image.loop)
        frame_id = str(message.header.frame_id)
        compressed = self._chosen.image.type == COMPRESSED
        try:
            picture = rgb_from_compressed(message) if compressed else rgb_from_image(message)
        except ValueError as error:
            return Frame(*common, frame_id, None, error=str(error))
        found = self._depth(image, picture)
        if isinstance(found, NoDepth):
            return Frame(*common, frame_id, picture, no_depth=found)
        return Frame(*common, frame_id, picture, depth_m=found[0], camera=found[1])

    def _depth(self, image: _Pending, picture: Rgb) -> tuple[Depth, Intrinsics] | NoDepth:
        message = self._partner(image)
        if isinstance(message, NoDepth):
            return message
        if image.info is None:
            return NoDepth(DepthStatus.NONE, "the recording has no camera_info of the image")
        assert self._chosen.depth is not None
        compressed = self._chosen.depth.type == COMPRESSED
        height, width = picture.shape[:2]
        try:
            depth_m = depth_from_compressed(message) if compressed else depth_from_image(message)
            camera = intrinsics_from_info(image.info, width, height, self._chosen.rectified)
        except ValueError as error:
            return NoDepth(DepthStatus.NONE, str(error))
        sizes = (depth_m.shape[1], depth_m.shape[0]), (width, height)
        frames = str(message.header.frame_id), str(image.message.header.frame_id)
        if reason := not_registered(*sizes, *frames):
            return NoDepth(DepthStatus.NOT_REGISTERED, reason)
        return depth_m, camera

    def _partner(self, image: _Pending) -> Any:
        """Return the depth message taken with an image: the exact stamp, else the nearest."""
        if self._chosen.depth is None:
            return NoDepth(DepthStatus.NONE, "")
        stamp = stamp_ns(image.message)
        own = [depth for loop, depth in self._depths if loop == image.loop]
        if not own:
            return NoDepth(DepthStatus.OUT_OF_SYNC, "no depth image was recorded by then")
        nearest = min(own, key=lambda depth: abs(stamp_ns(depth) - stamp))
        gap_s = abs(stamp_ns(nearest) - stamp) / 1e9
        if gap_s > self._slop_s:
            reason = f"the nearest depth image is {gap_s:.3f} s away, --slop is {self._slop_s:g}"
            return NoDepth(DepthStatus.OUT_OF_SYNC, reason)
        return nearest

    def _next(self) -> int:
        self._number += 1
        return self._number - 1


def stamp_ns(message: Any) -> int:
    """Return the stamp of a message's header."""
    return int(message.header.stamp.sec) * 1_000_000_000 + int(message.header.stamp.nanosec)
