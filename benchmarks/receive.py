"""Measure the cost of receiving an image: plain rclpy, a raw subscription, and our nodes.

    python benchmarks/receive.py [--size 1280x720] [--count 60]

One message at a time, each way in a process of its own: CPU time of waiting for it, taking it and
reading its pixels. `plain` and `raw` are a subscription in a process that does nothing else about
it; the raw one's bytes are read by a view. `kept` is the plain one in a process that keeps its
memory, as all nodes of this package do (`evf_sam_ros/ros/memory.py`). `ours` is a raw one there,
read as the node reads it (`evf_sam_ros/ros/node/received.py`).
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs without being installed

import numpy as np

from evf_sam_ros.ros.loopback import isolate
from evf_sam_ros.ros.memory import keep_freed

WAYS = ("plain", "raw", "kept", "ours")
WARM_UP = 5
Reading = Callable[[Any], np.ndarray]  # of what a subscription gives, to (H, W, 3)


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    arguments = _parser().parse_args(argv)
    if arguments.way:
        print(receiving_s(arguments.way, arguments.size, arguments.count))
        return 0
    taken_s = {way: statistics_of(way, arguments) for way in WAYS}
    print("| CPU ms per message | median | lowest to highest run |\n| --- | --- | --- |")
    for way, runs in taken_s.items():
        low, middle, high = (1e3 * np.percentile(runs, each) for each in (0, 50, 100))
        print(f"| {way} | {middle:.2f} | {low:.2f} to {high:.2f} |")
    for way in WAYS[1:]:
        print(f"plain / {way}: {np.median(taken_s['plain']) / np.median(taken_s[way]):.2f}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("--count", type=int, default=60, help="messages each (%(default)s)")
    parser.add_argument("--runs", type=int, default=5, help="processes each (%(default)s)")
    parser.add_argument("--way", choices=WAYS, help="only this one, in this process: seconds")
    return parser


def statistics_of(way: str, arguments: argparse.Namespace) -> list[float]:
    """Return the seconds that each of some processes took for a message."""
    command = [sys.executable, __file__, "--way", way]
    command += ["--size", arguments.size, "--count", str(arguments.count)]
    return [
        float(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        for _ in range(arguments.runs)
    ]


def reading_of(way: str, shape: tuple[int, ...]) -> Reading:
    """Return how a subscription's message becomes pixels of this (H, W, 3)."""
    from sensor_msgs.msg import Image

    from evf_sam_ros.ros.conversions import rgb_from_image
    from evf_sam_ros.ros.node.received import received

    def raw(received: bytes) -> np.ndarray:
        # The pixels are the last of the message; their number is known from the first one.
        size = int(np.prod(shape))
        return np.frombuffer(received, np.uint8, size, len(received) - size).reshape(shape)

    if way == "ours":
        return lambda serialized: rgb_from_image(received(Image, serialized))
    return raw if way == "raw" else rgb_from_image


def receiving_s(way: str, size: str, count: int) -> float:
    """Return the median CPU time of receiving a message in this process, seconds."""
    isolate()
    if way in ("kept", "ours"):
        keep_freed()
    import rclpy
    from rclpy.executors import SingleThreadedExecutor
    from sensor_msgs.msg import Image
    from std_msgs.msg import Header

    from evf_sam_ros.ros.conversions import image_message

    width, height = (int(side) for side in size.split("x"))
    pixels = np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)
    read, seen = reading_of(way, pixels.shape), []
    rclpy.init()
    node, executor = rclpy.create_node("receive"), SingleThreadedExecutor()
    executor.add_node(node)
    publisher = node.create_publisher(Image, "image", 1)
    node.create_subscription(
        Image, "image", lambda message: seen.append(read(message)), 1, raw=way in ("raw", "ours")
    )
    message = image_message(pixels, "rgb8", Header())
    taken_s = []
    for _ in range(WARM_UP + count):
        publisher.publish(message)
        time.sleep(0.01)  # it has arrived: what is timed is taking and reading it
        started = time.thread_time()
        while not seen:
            executor.spin_once(timeout_sec=1.0)
        taken_s.append(time.thread_time() - started)
        assert np.array_equal(seen.pop(), pixels)
    executor.shutdown()
    rclpy.shutdown()
    return float(np.median(taken_s[WARM_UP:]))


if __name__ == "__main__":
    sys.exit(main())
