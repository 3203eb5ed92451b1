"""The depth image and the camera that belong to an image."""

from collections import deque
from dataclasses import dataclass
from threading import Condition

from sensor_msgs.msg import CameraInfo, Image

from evf_sam_ros.msg import SegmentationResult
from evf_sam_ros.perception.geometry import Intrinsics
from evf_sam_ros.ros.conversions import Depth, depth_from_image, intrinsics_from_info
from evf_sam_ros.ros.stamps import nanoseconds

KEPT = 10  # depth images: a third of a second of them, at 30 Hz
PATIENCE_S = 0.1  # cameras publish depth after colour, so it may be on its way


@dataclass(frozen=True)
class RegisteredDepth:
    """Depth for every pixel of an image."""

    depth_m: Depth
    camera: Intrinsics


@dataclass(frozen=True)
class NoDepth:
    """Why there are no positions: a depth_status and a sentence, empty if nobody sends depth."""

    status: int
    reason: str


class DepthSource:
    """Keep the newest depth images and find the one taken together with an image."""

    def __init__(self) -> None:
        self._images: deque[Image] = deque(maxlen=KEPT)
        self._info: CameraInfo | None = None
        self._changed = Condition()

    def put_depth(self, message: Image) -> None:
        with self._changed:
            self._images.append(message)
            self._changed.notify_all()

    def put_info(self, message: CameraInfo) -> None:
        self._info = message

    def clear(self) -> None:
        with self._changed:
            self._images.clear()

    def exact(self, image: Image) -> Image | None:
        """Return the depth image with the image's own stamp, if it is here."""
        stamp = nanoseconds(image.header.stamp)
        with self._changed:
            return self._exact(stamp)

    def find(
        self, image: Image, slop_s: float, rectified: bool, matched: Image | None
    ) -> RegisteredDepth | NoDepth:
        """Return depth and intrinsics for an image, whose partner may already be known."""
        depth = matched or self._nearest(nanoseconds(image.header.stamp), slop_s)
        if isinstance(depth, NoDepth):
            return depth
        if (depth.width, depth.height) != (image.width, image.height):
            reason = (
                f"depth is {depth.width}x{depth.height}, the image {image.width}x{image.height}: "
                "need depth registered to the image"
            )
            return NoDepth(SegmentationResult.NOT_REGISTERED, reason)
        frames = depth.header.frame_id, image.header.frame_id
        if all(frames) and frames[0] != frames[1]:
            reason = f"depth is in frame {frames[0]!r}, the image in {frames[1]!r}: not registered"
            return NoDepth(SegmentationResult.NOT_REGISTERED, reason)
        return self._read(depth, rectified)

    def _read(self, depth: Image, rectified: bool) -> RegisteredDepth | NoDepth:
        if self._info is None:
            return NoDepth(SegmentationResult.NONE, "no camera_info has arrived: no position")
        try:
            camera = intrinsics_from_info(self._info, depth.width, depth.height, rectified)
            return RegisteredDepth(depth_from_image(depth), camera)
        except ValueError as error:
            return NoDepth(SegmentationResult.NONE, f"no position: {error}")

    def _nearest(self, stamp: int, slop_s: float) -> Image | NoDepth:
        with self._changed:
            if not self._images:
                return NoDepth(SegmentationResult.NONE, "")
            self._changed.wait_for(lambda: self._is_settled(stamp), PATIENCE_S)
            if (depth := self._exact(stamp)) is not None:
                return depth
            gaps = {abs(nanoseconds(each.header.stamp) - stamp): each for each in self._images}
        if not gaps:
            return NoDepth(SegmentationResult.NONE, "")
        smallest = min(gaps)
        if smallest <= slop_s * 1e9:
            return gaps[smallest]
        reason = (
            f"the nearest depth image is {smallest / 1e9:.3f} s from the image, "
            f"depth_sync_slop_s is {slop_s:g}"
        )
        return NoDepth(SegmentationResult.OUT_OF_SYNC, reason)

    def _is_settled(self, stamp: int) -> bool:
        """Tell whether waiting is in vain: the partner is here, or a later one has come."""
        return any(nanoseconds(each.header.stamp) >= stamp for each in self._images)

    def _exact(self, stamp: int) -> Image | None:
        matches = (each for each in self._images if nanoseconds(each.header.stamp) == stamp)
        return next(matches, None)
