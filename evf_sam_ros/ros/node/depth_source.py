"""The depth image and the camera that belong to an image."""

from collections import deque
from dataclasses import dataclass
from threading import Condition

from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from evf_sam_ros.msg import SegmentationResult
from evf_sam_ros.perception.geometry import Intrinsics
from evf_sam_ros.perception.partners import is_settled, not_registered
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
        self._expected = 0  # stamp of the image at work, nanoseconds
        self._nearest: Image | None = None  # to that
        self._info: CameraInfo | None = None
        self._changed = Condition()

    def make_room(self, count: int) -> None:
        """Keep so many depth images; the newest of those that are here stay."""
        with self._changed:
            self._images = deque(self._images, maxlen=count)

    def put_depth(self, message: Image) -> None:
        with self._changed:
            self._images.append(message)
            self._keep_if_nearest(message)
            self._changed.notify_all()

    def put_info(self, message: CameraInfo) -> None:
        self._info = message

    def clear(self) -> None:
        with self._changed:
            self._images.clear()
            self._nearest = None

    def expect(self, header: Header) -> None:
        """Keep what is nearest to this image, however much comes while the model runs."""
        with self._changed:
            self._expected, self._nearest = nanoseconds(header.stamp), None
            for each in self._images:
                self._keep_if_nearest(each)

    def find(self, image: Image, slop_s: float, rectified: bool) -> RegisteredDepth | NoDepth:
        """Return depth and intrinsics for the image that was expected."""
        depth = self._partner(slop_s)
        if isinstance(depth, NoDepth):
            return depth
        sizes = (depth.width, depth.height), (image.width, image.height)
        frames = depth.header.frame_id, image.header.frame_id
        if reason := not_registered(*sizes, *frames):
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

    def _partner(self, slop_s: float) -> Image | NoDepth:
        with self._changed:
            if self._nearest is None:
                return NoDepth(SegmentationResult.NONE, "")
            self._changed.wait_for(self._is_settled, PATIENCE_S)
            nearest = self._nearest
            if nearest is None:
                return NoDepth(SegmentationResult.NONE, "")
            gap = self._gap(nearest)
        if gap <= slop_s * 1e9:
            return nearest
        reason = (
            f"the nearest depth image is {gap / 1e9:.3f} s from the image, "
            f"depth_sync_slop_s is {slop_s:g}"
        )
        return NoDepth(SegmentationResult.OUT_OF_SYNC, reason)

    def _keep_if_nearest(self, depth: Image) -> None:
        if self._nearest is None or self._gap(depth) < self._gap(self._nearest):
            self._nearest = depth

    def _is_settled(self) -> bool:
        stamps = (nanoseconds(each.header.stamp) for each in self._images)
        return self._nearest is None or is_settled(stamps, self._expected)

    def _gap(self, depth: Image) -> int:
        return abs(nanoseconds(depth.header.stamp) - self._expected)
