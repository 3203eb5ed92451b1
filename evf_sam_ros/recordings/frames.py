"""The images of a recording in order, each with its depth and its camera_info."""

from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from evf_sam_ros.perception.camera_model import Intrinsics
from evf_sam_ros.perception.depth_lookup import DepthOptions, is_settled, look_up
from evf_sam_ros.perception.depth_readings import DepthImage
from evf_sam_ros.perception.geometry import DepthStatus
from evf_sam_ros.perception.image_messages import (
    Depth,
    Rgb,
    rgb_from_compressed,
    rgb_from_image,
)
from evf_sam_ros.perception.no_depth import NoDepth
from evf_sam_ros.perception.pairing import Pairing
from evf_sam_ros.perception.registration import RegisteredDepth
from evf_sam_ros.perception.stamped import Stamped
from evf_sam_ros.pictures.damaged import DamagedImageError
from evf_sam_ros.recordings.opening import Recording
from evf_sam_ros.recordings.topics import COMPRESSED, Chosen

PATIENCE_NS = 500_000_000  # of recording; depth that comes later than this does not come
# How long the next image is waited for, which tells whether time has jumped back.
UNDECIDED_NS = 2_000_000_000
KEPT = 60  # depth images


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
    image_damaged: bool = False  # the reason is a picture that is cut off or spoilt
    depth_m: Depth | DepthImage | None = None
    camera: Intrinsics | None = None
    no_depth: NoDepth | None = None  # set where there is no depth


@dataclass
class _Pending:
    """An image that waits for its depth."""

    message: Any
    received_ns: int
    item: Stamped


class FrameReader:
    """Read a recording's frames one by one; depth is found as the node finds it."""

    def __init__(self, reader: Recording, chosen: Chosen, options: DepthOptions) -> None:
        self._reader = reader
        self._chosen = chosen
        self._options = options
        self._pairing = Pairing(KEPT)
        self._waiting: deque[_Pending] = deque()
        self._number = 0

    def __iter__(self) -> Iterator[Frame]:
        """Yield every frame once, in the order of the recording."""
        chosen = self._chosen
        self._take_first_info()
        self._take_frames()
        used = chosen.image, chosen.depth, chosen.info, chosen.depth_info
        names = {each.name for each in used if each}
        connections = [each for each in self._reader.connections if each.topic in names]
        for connection, received_ns, data in self._reader.messages(connections=connections):
            try:
                message: Any = self._reader.deserialize(data, connection.msgtype)
            except Exception as error:  # whatever broken bytes make of the library
                if connection.topic == chosen.image.name:
                    yield from self._settled(None)
                    yield self._broken(received_ns, self._pairing.images.round, error)
                continue
            self._take(connection.topic, message, received_ns)
            yield from self._settled(received_ns)
        yield from self._settled(None)

    def _take(self, topic: str, message: Any, received_ns: int) -> None:
        chosen, pairing = self._chosen, self._pairing
        if topic == chosen.image.name:
            item = pairing.put_image(message, received_ns)
            self._waiting.append(_Pending(message, received_ns, item))
        elif chosen.depth and topic == chosen.depth.name:
            pairing.put_depth(message, received_ns)
        elif chosen.info and topic == chosen.info.name:
            pairing.infos.put(message, received_ns)
        else:
            pairing.depth_infos.put(message, received_ns)

    def _take_first_info(self) -> None:
        """Cameras are often announced after their first image."""
        if self._chosen.info is None:
            return
        name = self._chosen.info.name
        connections = [each for each in self._reader.connections if each.topic == name]
        for connection, received_ns, data in self._reader.messages(connections=connections):
            with suppress(Exception):  # whatever broken bytes make of the library
                message: Any = self._reader.deserialize(data, connection.msgtype)
                self._pairing.infos.put(message, received_ns)
                return

    def _take_frames(self) -> None:
        if self._chosen.frames is None:
            return
        name = self._chosen.frames.name
        connections = [each for each in self._reader.connections if each.topic == name]
        for connection, _, data in self._reader.messages(connections=connections):
            message = self._reader.deserialize(data, connection.msgtype)
            self._pairing.frames.put(message, is_static=True)

    def _settled(self, now_ns: int | None) -> Iterator[Frame]:
        """Yield the frames for whose depth waiting is over; None: all of them."""
        while self._waiting and (now_ns is None or self._is_settled(self._waiting[0], now_ns)):
            yield self._frame(self._waiting.popleft())

    def _is_settled(self, image: _Pending, now_ns: int) -> bool:
        waited_ns = now_ns - image.received_ns
        if self._pairing.images.is_undecided(image.item):
            return waited_ns > UNDECIDED_NS
        if self._chosen.depth is None or waited_ns > PATIENCE_NS:
            return True
        return bool(self._pairing.depths.items) and is_settled(self._pairing, image.item)

    def _broken(self, received_ns: int, loop: int, error: Exception) -> Frame:
        reason = f"the message is broken: {error or type(error).__name__}"
        return Frame(self._next(), 0, received_ns, loop, "", None, error=reason)

    def _frame(self, image: _Pending) -> Frame:
        message, item = image.message, image.item
        common = (self._next(), item.stamp, image.received_ns, item.round)
        compressed = self._chosen.image.type == COMPRESSED
        try:
            picture = rgb_from_compressed(message) if compressed else rgb_from_image(message)
        except ValueError as error:
            damaged = isinstance(error, DamagedImageError)
            return Frame(*common, item.frame_id, None, error=str(error), image_damaged=damaged)
        found = self._depth(item, picture)
        if isinstance(found, NoDepth):
            return Frame(*common, item.frame_id, picture, no_depth=found)
        return Frame(*common, item.frame_id, picture, depth_m=found.depth_m, camera=found.camera)

    def _depth(self, image: Stamped, picture: Rgb) -> RegisteredDepth | NoDepth:
        if self._chosen.depth is None:
            return NoDepth(DepthStatus.NONE, "")
        if not self._pairing.depths.items:
            return NoDepth(DepthStatus.OUT_OF_SYNC, "no depth image was recorded by then")
        if self._chosen.info is None:
            return NoDepth(DepthStatus.NONE, "the recording has no camera_info of the image")
        height, width = picture.shape[:2]
        return look_up(self._pairing, image, (width, height), self._options)

    def _next(self) -> int:
        self._number += 1
        return self._number - 1
