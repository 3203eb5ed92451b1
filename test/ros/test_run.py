"""What every executable does around its node."""

import signal
import subprocess
import sys
import time

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
