"""Run a camera that costs little, or the least node that answers images with masks.

    python benchmarks/bare_node.py camera WxH HZ [HZ ...]    sends colour, depth and camera_info
    python benchmarks/bare_node.py node SECONDS              copies colour, waits, publishes a mask

With several rates there is a camera for each: `camera0/image`, `camera1/image` and so on. The node
is what a first version of such a node looks like: it copies the image as cv_bridge does, turns its
colours around, waits in the place of a model, and publishes a mask that was made with NumPy.
"""

import sys
import time
from array import array
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs without being installed

import numpy as np
import rclpy
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from rclpy.utilities import remove_ros_args
from sensor_msgs.msg import CameraInfo, Image

DEPTH_MM = 900
DEFAULT_QUEUE = 2


def main(arguments: list[str]) -> None:
    """Run the camera or the node until the process is ended."""
    rclpy.init()
    role, *rest = remove_ros_args(arguments)
    node = rclpy.create_node(f"bare_{role}")
    if role == "camera":
        add_cameras(node, *map(int, rest[0].split("x")), [float(rate) for rate in rest[1:]])
    else:
        add_segmentation(node, float(rest[0]))
    rclpy.spin(node)


def add_cameras(node: Node, width: int, height: int, rates_hz: list[float]) -> None:
    """Publish colour, depth and camera_info with equal stamps, one camera for each rate."""
    for index, rate_hz in enumerate(rates_hz):
        prefix = f"camera{index}/" if len(rates_hz) > 1 else ""
        messages = _messages(width, height, f"{prefix.strip('/')}_optical")
        publishers = [
            node.create_publisher(type(message), prefix + name, DEFAULT_QUEUE)
            for name, message in messages.items()
        ]
        send = partial(_send, node, list(zip(publishers, messages.values(), strict=True)))
        node.create_timer(1 / rate_hz, send)


def _messages(width: int, height: int, frame_id: str) -> dict[str, Any]:
    rgb = np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)
    info = CameraInfo(width=width, height=height, distortion_model="plumb_bob", d=[0.0] * 5)
    focal, middle = float(width), (width / 2, height / 2)
    info.k = [focal, 0.0, middle[0], 0.0, focal, middle[1], 0.0, 0.0, 1.0]
    messages = {
        "camera_info": info,
        "depth": _image(np.full((height, width), DEPTH_MM, "<u2"), "16UC1"),
        "image": _image(rgb, "rgb8"),
    }
    for message in messages.values():
        message.header.frame_id = frame_id
    return messages


def _image(pixels: Any, encoding: str) -> Image:
    height, width = pixels.shape[:2]
    message = Image(width=width, height=height, encoding=encoding, step=pixels.nbytes // height)
    message.data = array("B", pixels.tobytes())
    return message


def _send(node: Node, pairs: list[tuple[Any, Any]]) -> None:
    stamp = node.get_clock().now().to_msg()
    for publisher, message in pairs:
        message.header.stamp = stamp
        publisher.publish(message)


def add_segmentation(node: Node, seconds: float) -> None:
    """Answer each image with a mask, after waiting."""
    out = node.create_publisher(Image, "mask", 5)

    def answer(message: Image) -> None:
        rgb = np.frombuffer(message.data, np.uint8).reshape(message.height, message.width, 3)
        bgr = rgb.copy()[..., ::-1].copy()
        time.sleep(seconds)
        mask = np.zeros(bgr.shape[:2], np.uint8)
        third = [side // 3 for side in mask.shape]
        mask[third[0] : 2 * third[0], third[1] : 2 * third[1]] = 255
        answered = _image(mask, "mono8")
        answered.header = message.header
        out.publish(answered)

    node.create_subscription(Image, "image", answer, qos_profile_sensor_data)


if __name__ == "__main__":
    main(sys.argv[1:])
