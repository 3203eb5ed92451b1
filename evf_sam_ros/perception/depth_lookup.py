"""Find, read and register the depth and camera_info of an image, for node and recordings."""

from dataclasses import dataclass, replace

from evf_sam_ros.perception.camera_model import Intrinsics
from evf_sam_ros.perception.defaults import DEPTH_SYNC_SLOP_S
from evf_sam_ros.perception.geometry import DepthStatus
from evf_sam_ros.perception.image_messages import (
    Size,
    depth_from_message,
    intrinsics_from_info,
)
from evf_sam_ros.perception.no_depth import NoDepth
from evf_sam_ros.perception.pairing import Pairing
from evf_sam_ros.perception.registration import (
    AS_TOLD,
    RegisteredDepth,
    Registration,
    View,
    not_registered,
    register,
)
from evf_sam_ros.perception.stamped import Stamped
from evf_sam_ros.perception.transform_buffer import NoTransform


@dataclass(frozen=True)
class DepthOptions:
    """Options for the use of depth."""

    slop_s: float = DEPTH_SYNC_SLOP_S  # how far apart two stamps of one instant may be
    rectified: bool = False  # whether the images are, so that P and not K is their camera
    registration: Registration = AS_TOLD
    by_tf: bool = True  # whether frames of tf, where there are any, tell where the cameras stand


def is_settled(pairing: Pairing, image: Stamped) -> bool:
    """Tell whether waiting for what belongs to an image is in vain: it is here, or was lost."""
    if not pairing.depths.items:
        return True
    found = pairing.infos.is_settled(image, pairing.images)
    return found and pairing.depth_is_settled(image)


def look_up(
    pairing: Pairing, image: Stamped, size: Size, options: DepthOptions
) -> RegisteredDepth | NoDepth:
    """Return the depth of every pixel of an image, or the reason why it is missing.

    Args:
        pairing: what has arrived.
        image: one of it.
        size: its width and height, pixels.
        options: what the user says.
    """
    depth = pairing.depth_of(image, options.slop_s)
    if isinstance(depth, NoDepth):
        return depth
    try:
        return _read(pairing, image, size, depth, options)
    except ValueError as error:
        return NoDepth(DepthStatus.NONE, f"no position: {error}")


def _read(
    pairing: Pairing, image: Stamped, size: Size, depth: Stamped, options: DepthOptions
) -> RegisteredDepth | NoDepth:
    depth_m = depth_from_message(depth.message)
    height, width = depth_m.shape
    lens = _depth_camera(pairing, depth, (width, height))
    if isinstance(lens, NoDepth):
        return lens
    seen = View((width, height), depth.frame_id, lens)
    wish = options.registration
    if wish.image_from_depth is None and options.by_tf:
        placed = pairing.frames.find(image.frame_id, depth.frame_id, image.stamp)
        if not isinstance(placed, NoTransform):
            wish = replace(wish, image_from_depth=placed)
    if reason := not_registered(seen, View(size, image.frame_id), wish):
        return NoDepth(DepthStatus.NOT_REGISTERED, f"no position: {reason}")
    info = pairing.infos.find(image)
    if isinstance(info, NoDepth):
        return info
    camera = intrinsics_from_info(info.message, *size, options.rectified)
    return register(depth_m, seen, View(size, image.frame_id, camera), wish)


def _depth_camera(pairing: Pairing, depth: Stamped, size: Size) -> Intrinsics | NoDepth | None:
    """Return the camera that measured the depth, None if it is unknown."""
    if not pairing.depth_infos.items:
        return None
    own = pairing.depth_infos.find(depth)
    if isinstance(own, NoDepth):
        # A driver that aligns depth to the image still tells of the camera that measured it.
        return None if own.status is DepthStatus.CAMERA_MISMATCH else own
    try:
        return intrinsics_from_info(own.message, *size, False)
    except ValueError:  # it is of another picture, or not calibrated
        return None
