"""What it costs to receive an image: rclpy's plain subscription, and its raw one read by a view.

    python benchmarks/receive.py [--size 1280x720] [--count 60]

One process, one message at a time; CPU time of publishing, transport and receiving, less what the
same takes without a subscriber's reading. Both ways end with the pixels as a NumPy array.
"""

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs without being installed

import numpy as np

from evf_sam_ros.ros.loopback import isolate

WARM_UP = 5


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("--count", type=int, default=60, help="messages each (%(default)s)")
    arguments = parser.parse_args(argv)
    isolate()
    import rclpy
    from sensor_msgs.msg import Image
    from std_msgs.msg import Header

    from evf_sam_ros.ros.conversions import image_message, rgb_from_image

    width, height = (int(side) for side in arguments.size.split("x"))
    pixels = np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)
    rclpy.init()
    node = rclpy.create_node("receive")
    message = image_message(pixels, "rgb8", Header())

    def plain(received: Image) -> np.ndarray:
        return rgb_from_image(received)

    def raw(received: bytes) -> np.ndarray:
        # The pixels are the last of the message; its length is known of the first one.
        view = np.frombuffer(received, np.uint8, pixels.size, len(received) - pixels.size)
        return view.reshape(height, width, 3)

    best = {}
    for name, read in (("plain", plain), ("raw", raw)):
        seen: list[np.ndarray] = []
        publisher = node.create_publisher(Image, name, 1)
        node.create_subscription(
            Image, name, lambda data, read=read, seen=seen: seen.append(read(data)), 1,
            raw=name == "raw",
        )  # fmt: skip
        taken = []
        for number in range(WARM_UP + arguments.count):
            publisher.publish(message)
            time.sleep(0.01)  # it has arrived: what is timed is taking and reading it
            started = time.thread_time()
            while len(seen) <= number:
                rclpy.spin_once(node, timeout_sec=1.0)
            taken.append(time.thread_time() - started)
            seen[number] = seen[number][:1].copy()  # keep count, not pixels
        best[name] = np.median(taken[WARM_UP:])
        assert np.array_equal(seen[-1][0], pixels[0])
        print(f"{name:6} {1e3 * best[name]:.2f} ms of CPU time per message, median")
    print(f"plain / raw: {best['plain'] / best['raw']:.2f}")
    node.destroy_node()
    rclpy.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
