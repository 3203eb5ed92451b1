"""Listen to image, depth, camera_info and mask of the same instant, by message_filters.

    python synchronised.py [--once] [--ros-args -r image:=/cam/image_raw]

The mask has the image's stamp and comes later, by the model's time: the queue must hold rate times
latency, here 30 Hz and 3 s.
"""

import sys

import numpy as np
import rclpy
from message_filters import Subscriber, TimeSynchronizer
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, Image

QUEUE = 90
CAMERA = QoSProfile(depth=QUEUE, reliability=ReliabilityPolicy.BEST_EFFORT)
RELIABLE = QoSProfile(depth=QUEUE)


class Synchronised(Node):
    """Print the object's median depth whenever all four have arrived."""

    def __init__(self) -> None:
        super().__init__("synchronised")
        self.count = 0
        subscribers = [
            Subscriber(self, Image, "image", qos_profile=CAMERA),
            Subscriber(self, Image, "depth", qos_profile=CAMERA),
            Subscriber(self, CameraInfo, "camera_info", qos_profile=CAMERA),
            Subscriber(self, Image, "evf_sam/mask", qos_profile=RELIABLE),
        ]
        self._together = TimeSynchronizer(subscribers, QUEUE)
        self._together.registerCallback(self._take)

    def _take(self, image: Image, depth: Image, info: CameraInfo, mask: Image) -> None:
        self.count += 1
        inside = np.frombuffer(mask.data, np.uint8).reshape(mask.height, mask.step) > 0
        metres = np.frombuffer(depth.data, np.float32).reshape(depth.height, -1)
        values = metres[inside[:, : depth.width] & np.isfinite(metres)]
        nearest = f"{np.median(values):.3f} m" if values.size else "no depth"
        print(f"{image.header.stamp.sec}: {inside.sum()} pixels at {nearest}, fx {info.k[0]:.0f}")


def main() -> None:
    """Listen until Ctrl-C, or to one set of messages with `--once`."""
    rclpy.init()
    node = Synchronised()
    while rclpy.ok() and not (node.count and "--once" in sys.argv):
        rclpy.spin_once(node, timeout_sec=0.1)


if __name__ == "__main__":
    main()
