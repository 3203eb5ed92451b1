"""Images that lie in a buffer of `rosidl::Buffer`, where rclpy offers them.

From ROS 2 Lyrical on, the bytes of a message may stay where the camera's driver put them, also on
a GPU, if the subscription accepts that. Elsewhere messages come serialized, as bytes.
"""

from array import array
from inspect import signature
from typing import Any

import numpy as np
import torch
from rclpy.node import Node
from sensor_msgs.msg import Image
from torch.utils.dlpack import from_dlpack

from evf_sam_ros.ros.node.received import ReceivedImage

OPTION = "acceptable_buffer_backends"


def are_offered(create: Any = Node.create_subscription) -> bool:
    """Tell whether subscriptions can accept buffers."""
    return OPTION in signature(create).parameters


def subscription_options(kind: type) -> dict[str, Any]:
    """Return how messages of a type are subscribed to: images in any buffer, others as bytes."""
    if kind is Image and are_offered():
        return {OPTION: "any"}
    return {"raw": True}


def in_memory(message: Any) -> Any:
    """Return an image whose data the CPU can read; what it can read already stays as it is."""
    if isinstance(message.data, array | bytes | memoryview | np.ndarray):
        return message
    return ReceivedImage(
        message.header,
        message.height,
        message.width,
        message.encoding,
        message.is_bigendian,
        message.step,
        _bytes(message.data),
    )


def _bytes(data: Any) -> memoryview:
    if hasattr(data, "__dlpack__"):
        pixels = from_dlpack(data).cpu().contiguous().view(torch.uint8)
        return memoryview(pixels.numpy().tobytes())
    try:
        return memoryview(data).cast("B")
    except TypeError:
        return memoryview(bytes(data))
