"""Choose the camera_info that was valid when an image was taken.

Zoom and region of interest change while a camera runs, so what was said last is not enough.
"""

from collections.abc import Sequence
from typing import Any

from evf_sam_ros.perception.geometry import DepthStatus
from evf_sam_ros.perception.no_depth import (
    NoDepth,
    may_be_one_camera,
    not_distinct,
    of_another_camera,
    out_of_sync,
)
from evf_sam_ros.perception.stamped import SECOND, Stamped, Stream

LATER_NS = SECOND  # a stamp farther ahead is an outlier, no sign that a message was lost
LIVELY_NS = SECOND  # a camera_info that comes with each image comes at least so often


class CameraInfos(Stream):
    """The camera_infos of one topic."""

    def put(self, message: Any, arrived: int) -> Stamped:
        item = super().put(message, arrived)
        item.content = camera_content(message)
        return item

    def is_settled(self, image: Stamped, images: Stream) -> bool:
        """Tell whether waiting for the camera_info of an image is in vain."""
        if any(item.stamp == image.stamp for item in self.items):
            return True
        own = self._own(image)
        if any(0 < item.stamp - image.stamp < LATER_NS for item in own):
            return True
        return not self._come_with(image, images)

    def find(self, image: Stamped) -> Stamped | NoDepth:
        """Return the camera_info of an image: with its stamp, or what all say that may be it."""
        if not self.items:
            return NoDepth(DepthStatus.NONE, "no position: no camera_info has arrived")
        own = self._own(image)
        exact = [item for item in self.items if item.stamp == image.stamp and item.stamp]
        if exact:
            exact_own = [item for item in exact if item in own]
            if not exact_own:
                return of_another_camera(exact[-1].frame_id, image.frame_id)
            if _say_the_same(exact_own):
                return exact_own[-1]
            return not_distinct("camera_infos that differ bear the image's stamp")
        if not own:
            return of_another_camera(self.items[-1].frame_id, image.frame_id)
        if _say_the_same(own) or _say_the_same(own := _around(own, image.stamp)):
            return own[-1]
        return out_of_sync("camera_info changes, and none has the image's stamp")

    def _own(self, image: Stamped) -> list[Stamped]:
        return [item for item in self.items if may_be_one_camera(item.frame_id, image.frame_id)]

    def _come_with(self, image: Stamped, images: Stream) -> bool:
        """Tell whether each image has a camera_info with its stamp, as far as is known."""
        if not self.items or not image.came:
            return False
        taken = {item.stamp for item in images.items if item.stamp}
        shares = any(item.stamp in taken for item in self.items)
        return shares and image.arrived - self.items[-1].arrived < LIVELY_NS


def camera_content(info: Any) -> str:
    """Return the fields of a camera_info that describe the camera, to compare."""
    # ROS 1 writes the matrices' names in capitals.
    matrices = [getattr(info, name, None) for name in "dkrpDKRP"]
    numbers = [[float(number) for number in each] for each in matrices if each is not None]
    roi = info.roi
    place = roi.x_offset, roi.y_offset, roi.width, roi.height
    binning = info.binning_x, info.binning_y
    # As text NaN is equal to itself.
    return repr((info.width, info.height, info.distortion_model, numbers, place, binning))


def _say_the_same(infos: Sequence[Stamped]) -> bool:
    return len({item.content for item in infos}) == 1


def _around(infos: Sequence[Stamped], stamp: int) -> list[Stamped]:
    """Return the last before a stamp and the first after it; none unless there are both."""
    earlier = [item for item in infos if 0 < item.stamp < stamp]
    later = [item for item in infos if item.stamp > stamp]
    if not earlier or not later:
        return []
    return [
        max(earlier, key=lambda item: item.stamp),
        min(later, key=lambda item: item.stamp),
    ]
