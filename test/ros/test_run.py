"""The life of an executable around its node."""

import os
import signal
import subprocess
import sys
import time

import pytest

# A node whose subscription fails as rclpy's does when it cannot read a message.
SCRIPT = """
import sys
import rclpy
from rclpy.node import Node
from std_msgs.msg import String
from evf_sam_ros.ros.run import run

class Fragile(Node):
    def __init__(self):
        super().__init__("fragile")
        self.heard = self.create_subscription(String, "heard", self.hear, 10)
        self.speaker = self.create_publisher(String, "heard", 10)
        self.create_timer(0.2, lambda: self.speaker.publish(String(data="hello")))

    def hear(self, message):
        Fragile.count = getattr(Fragile, "count", 0) + 1
        if Fragile.count == 1:
            raise RuntimeError("first message")
        print("heard", Fragile.count, flush=True)

def take_that_fails(self, subscription, failed=[]):
    if subscription.topic_name == "/heard" and not failed:
        failed.append(True)
        raise RuntimeError("cannot read")
    return taken(self, subscription)

from rclpy.executors import Executor
taken, Executor._take_subscription = Executor._take_subscription, take_that_fails
sys.exit(run(Fragile))
"""


def test_a_callback_that_fails_is_logged_and_the_node_goes_on(tmp_path):
    said, complained = tmp_path / "said", tmp_path / "complained"
    with said.open("w") as output, complained.open("w") as errors:
        process = subprocess.Popen([sys.executable, "-c", SCRIPT], stdout=output, stderr=errors)
    try:
        end = time.monotonic() + 60
        while "heard 3" not in said.read_text():
            assert process.poll() is None, complained.read_text()
            assert time.monotonic() < end, complained.read_text()
            time.sleep(0.1)
        assert "A callback failed: RuntimeError: cannot read" in complained.read_text()
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        process.kill()


# Each is stuck where its name says; it says so, and what shared memory it has, on the way there.
STUCK = """
import hashlib, sys
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from evf_sam_ros.engines.engine import PlainEngine
from evf_sam_ros.ros.left_behind import own_segments
from evf_sam_ros.ros.run import run
from evf_sam_ros.ros.node.segmentation_node import SegmentationNode

place = sys.argv.pop()

def stick(*_, **__):
    print(*own_segments(), flush=True)
    # Takes long, lets other threads run, and is not interrupted by a signal: as a model's code.
    hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)

class Slow:
    score_threshold = None
    name = device = "slow"
    engine = PlainEngine
    seen = 0

    def __call__(self, *_):
        self.seen += 1
        if self.seen > 1:  # the first one is the warm-up
            stick()

class Stuck(SegmentationNode):
    def __init__(self):
        super().__init__(load=stick if place == "load" else lambda *_, **__: Slow())
        if place == "callback":
            self.create_timer(0.01, stick)
        if place == "end":
            self.create_timer(0.01, lambda: print(*own_segments(), flush=True))
        if place == "model":
            self.create_timer(0.01, self.look)

    def look(self):
        self._on_text("the mug")
        stamp = self.get_clock().now().to_msg()
        image = Image(header=Header(stamp=stamp), height=1, width=1, step=1, encoding="mono8")
        image.data = [0]
        self._on_image(image, self.get_clock().now().nanoseconds, False)

    def destroy_node(self):
        if place == "end":
            stick()
        super().destroy_node()

sys.exit(run(Stuck, None, SegmentationNode.start))
"""


@pytest.mark.parametrize(
    ("place", "number"),
    [
        ("load", signal.SIGINT),
        ("model", signal.SIGTERM),
        ("callback", signal.SIGINT),
        ("end", signal.SIGTERM),
    ],
)
def test_whatever_a_node_is_stuck_in_it_ends_and_leaves_nothing(place, number):
    command = [sys.executable, "-c", STUCK, place]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        own = process.stdout.readline().split()
        assert own
        process.send_signal(number)
        process.wait()
    assert process.returncode == 0
    assert not set(own) & set(os.listdir("/dev/shm"))
