"""Find the depth image and the camera_info of an image among the arriving messages.

How they are paired and registered is in `perception.pairing` and `perception.registration`.
"""

from collections.abc import Callable
from threading import Condition
from time import monotonic_ns
from typing import Any

from sensor_msgs.msg import CameraInfo
from std_msgs.msg import Header

from evf_sam_ros.perception.depth_lookup import DepthOptions, is_settled, look_up
from evf_sam_ros.perception.image_messages import Size
from evf_sam_ros.perception.no_depth import NoDepth
from evf_sam_ros.perception.pairing import Pairing
from evf_sam_ros.perception.registration import RegisteredDepth
from evf_sam_ros.perception.stamped import Stamped
from evf_sam_ros.perception.transform_buffer import TransformBuffer

KEPT = 10  # depth images: a third of a second of them, at 30 Hz
PATIENCE_S = 0.1  # cameras publish depth after colour, so it may be on its way

__all__ = ["KEPT", "DepthOptions", "DepthSource", "NoDepth", "RegisteredDepth"]


class DepthSource:
    """Stores arriving depth and camera_info, and finds those that belong to an image."""

    def __init__(self, frames: TransformBuffer | None = None) -> None:
        """Start empty.

        Args:
            frames: where cameras stand, to register depth by; None: not known.
        """
        self._pairing = Pairing(KEPT, frames)
        self._changed = Condition()
        self._waiting: list[Stamped] = []  # images whose depth or camera_info may still come
        self.wake: Callable[[], object] = lambda: None  # called when `is_waiting` becomes true

    @property
    def is_waiting(self) -> bool:
        """Tell whether depth or camera_info of an image may still come, as far as is known."""
        return bool(self._waiting)

    def make_room(self, count: int) -> None:
        """Keep so many depth images; the newest of those that are here stay."""
        with self._changed:
            self._pairing.depths.kept = count

    def put_image(self, message: Any, arrived_ns: int | None = None) -> None:
        """Note that an image has arrived, now or at that steady time; likewise for the others."""
        with self._changed:
            self._wait_for(self._pairing.put_image(message, arrived_ns or monotonic_ns()))
            self._changed.notify_all()

    def put_depth(self, message: Any, arrived_ns: int | None = None) -> None:
        with self._changed:
            self._pairing.put_depth(message, arrived_ns or monotonic_ns())
            self._wait_on()
            self._changed.notify_all()

    def put_info(self, message: CameraInfo, arrived_ns: int | None = None) -> None:
        with self._changed:
            self._pairing.infos.put(message, arrived_ns or monotonic_ns())
            self._wait_on()
            self._changed.notify_all()

    def put_depth_info(self, message: CameraInfo, arrived_ns: int | None = None) -> None:
        with self._changed:
            self._pairing.depth_infos.put(message, arrived_ns or monotonic_ns())

    def tell_mixed(self, are_mixed: bool) -> None:
        """Set if several publishers send images, depth or camera_info on one topic."""
        self._pairing.are_mixed = are_mixed

    def clear(self) -> None:
        with self._changed:
            self._pairing.clear()
            self._waiting = []

    def expect(self, header: Header) -> None:
        """Keep the depth nearest to this image, however much arrives while the model runs."""
        with self._changed:
            image = self._pairing.image(header)
            self._pairing.expect(image)
            self._wait_for(image)
        if self.is_waiting:
            self.wake()

    def find(self, header: Header, size: Size, options: DepthOptions) -> RegisteredDepth | NoDepth:
        """Return depth and intrinsics for the image that was expected."""
        with self._changed:
            image = self._pairing.image(header)
            self._changed.wait_for(lambda: is_settled(self._pairing, image), PATIENCE_S)
            return look_up(self._pairing, image, size, options)

    def _wait_for(self, image: Stamped) -> None:
        """Wait for what belongs to the newest image and to the one that the model looks at."""
        expected = self._pairing.expected
        self._waiting = [image] if expected in (None, image) else [image, expected]
        self._wait_on()

    def _wait_on(self) -> None:
        self._waiting = [each for each in self._waiting if self._may_come(each)]

    def _may_come(self, image: Stamped) -> bool:
        """Tell whether depth or camera_info of an image may be on its way.

        Also where waiting for it is in vain by what has come so far: the depth of the first image,
        or of the first one after a silence, comes behind it, while the model runs.
        """
        streams = self._pairing.depths, self._pairing.infos
        passed = all(each.items and each.items[-1].stamp >= image.stamp for each in streams)
        return not passed or not is_settled(self._pairing, image)
