"""What it costs to receive an image: rclpy's plain subscription, and its raw one read by a view.

    python benchmarks/receive.py [--size 1280x720] [--count 60]

One process, one message at a time; CPU time of publishing, transport and receiving, less what the
same takes without a subscriber's reading. Both ways end with the pixels as a NumPy array.
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs without being installed

import numpy as np

from evf_sam_ros.ros.loopback import isolate

WARM_UP = 5
Reading = Callable[[Any], np.ndarray]  # of what a subscription gives, to (H, W, 3)


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    arguments = _parser().parse_args(argv)
    isolate()
    import rclpy

    width, height = (int(side) for side in arguments.size.split("x"))
    pixels = np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)
    rclpy.init()
    node = rclpy.create_node("receive")
    taken_s = {}
    for name, read in readings(pixels.shape).items():
        taken_s[name] = receiving_s(node, name, read, pixels, arguments.count)
        print(f"{name:6} {1e3 * taken_s[name]:.2f} ms of CPU time per message, median")
    print(f"plain / raw: {taken_s['plain'] / taken_s['raw']:.2f}")
    node.destroy_node()
    rclpy.shutdown()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("--count", type=int, default=60, help="messages each (%(default)s)")
    return parser


def readings(shape: tuple[int, ...]) -> dict[str, Reading]:
    """Return both ways to come from a subscription to pixels of this (H, W, 3)."""
    from evf_sam_ros.ros.conversions import rgb_from_image

    def raw(received: bytes) -> np.ndarray:
        # The pixels are the last of the message; their number is known from the first one.
        size = int(np.prod(shape))
        return np.frombuffer(received, np.uint8, size, len(received) - size).reshape(shape)

    return {"plain": rgb_from_image, "raw": raw}


def receiving_s(node: Any, name: str, read: Reading, pixels: np.ndarray, count: int) -> float:
    """Return the median CPU time of taking and reading a message, seconds."""
    import rclpy
    from sensor_msgs.msg import Image
    from std_msgs.msg import Header

    from evf_sam_ros.ros.conversions import image_message

    seen: list[np.ndarray] = []
    publisher = node.create_publisher(Image, name, 1)
    node.create_subscription(
        Image, name, lambda message: seen.append(read(message)), 1, raw=name == "raw"
    )
    message = image_message(pixels, "rgb8", Header())
    taken_s = []
    for number in range(WARM_UP + count):
        publisher.publish(message)
        time.sleep(0.01)  # it has arrived: what is timed is taking and reading it
        started = time.thread_time()
        while len(seen) <= number:
            rclpy.spin_once(node, timeout_sec=1.0)
        taken_s.append(time.thread_time() - started)
        assert np.array_equal(seen[number], pixels)
        seen[number] = seen[number][:0]  # keep count, not pixels
    return float(np.median(taken_s[WARM_UP:]))


if __name__ == "__main__":
    sys.exit(main())
