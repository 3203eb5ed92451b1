"""Conversion between ROS messages and arrays; `perception.image_messages` does the decoding."""

import array
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from evf_sam_ros.perception.image_messages import (
    DEPTH_ENCODINGS,
    IMAGE_ENCODINGS,
    Depth,
    Rgb,
    depth_from_image,
    intrinsics_from_info,
    rgb_from_compressed,
    rgb_from_image,
)

Mask = NDArray[np.bool_]  # (H, W)

__all__ = [
    "DEPTH_ENCODINGS",
    "IMAGE_ENCODINGS",
    "Depth",
    "Mask",
    "Rgb",
    "depth_from_image",
    "image_from_mask",
    "image_from_rgb",
    "image_message",
    "intrinsics_from_info",
    "rgb_from_compressed",
    "rgb_from_image",
]


def image_from_rgb(image_rgb: Rgb, header: Header) -> Image:
    """Make an rgb8 message of a picture."""
    return image_message(np.ascontiguousarray(image_rgb), "rgb8", header)


def image_from_mask(mask: Mask, header: Header) -> Image:
    """Make a mono8 message, 255 where the mask is and 0 elsewhere."""
    return image_message(mask.view(np.uint8) * np.uint8(255), "mono8", header)


def image_message(pixels: NDArray[Any], encoding: str, header: Header) -> Image:
    """Pack (H, W) or (H, W, C) little-endian pixels without row padding."""
    message = Image(header=header, encoding=encoding)
    message.height, message.width = pixels.shape[:2]
    message.step = pixels.nbytes // max(pixels.shape[0], 1)
    # Anything but array.array is checked byte by byte by the generated setter.
    message.data = array.array("B")
    message.data.frombytes(np.ascontiguousarray(pixels).ravel().view(np.uint8))
    return message
