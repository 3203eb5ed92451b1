"""The reason why an image has no positions."""

from dataclasses import dataclass

from evf_sam_ros.perception.geometry import DepthStatus


@dataclass(frozen=True)
class NoDepth:
    """A status and a sentence, which is empty if no depth is published."""

    status: DepthStatus
    reason: str


def not_distinct(reason: str) -> NoDepth:
    return NoDepth(
        DepthStatus.STAMPS_NOT_DISTINCT,
        f"no position: {reason}, so stamps do not tell which depth is the image's own; the camera "
        "driver must stamp each image and its depth with the time at which they were taken",
    )


def out_of_sync(reason: str) -> NoDepth:
    return NoDepth(DepthStatus.OUT_OF_SYNC, f"no position: {reason}")


def of_another_camera(info_frame: str, image_frame: str) -> NoDepth:
    return NoDepth(
        DepthStatus.CAMERA_MISMATCH,
        f"no position: camera_info is in frame {info_frame!r}, the image in {image_frame!r}: "
        "they are of different cameras",
    )


def may_be_one_camera(frame: str, other: str) -> bool:
    """Tell whether two frame_ids may name one camera; an empty one says nothing."""
    return not frame or not other or frame == other
