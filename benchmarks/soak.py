"""Run the node for many frames: every one must be answered, and its memory must not grow.

    python benchmarks/soak.py [--frames N] [--model DIR | --stub] [--size WxH]

Camera and node are processes of their own. The next image is sent when the last one is answered,
with a new command, depth that comes and goes, and now and then something broken in between.
With --stub the model only points at the middle of the image: many frames of the node in minutes.
Ends with status 1 if an answer was lost or memory grew by more than --growth MiB after the first
tenth of the frames, at least 100.
"""

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs without being installed

import numpy as np
from tqdm import tqdm

from evf_sam_ros.ros.child import Child, stop
from evf_sam_ros.ros.loopback import isolate

REQUESTS = ("{0}", "pick up {0}, please", "{0}; {1}", "the red zebra")
STUB_NODE = Path(__file__).with_name("stub_node.py")
COMMAND_EVERY, BROKEN_EVERY, SAMPLE_EVERY = 25, 40, 20  # frames
NO_DEPTH_EVERY = 3
LEAST_SAMPLES = 5  # until the node has its memory: 100 frames
PATIENCE_S = 20.0  # for one answer; so long, and it is lost
START_S = 120.0


@dataclass
class Soak:
    """Counts of the events so far."""

    answered: int = 0
    lost: int = 0
    statuses: dict[int, int] = field(default_factory=dict)
    memory_mib: list[float] = field(default_factory=list)
    latency_s: list[float] = field(default_factory=list)

    def growth_mib(self) -> float:
        """Return by how much memory exceeds what it was once the node had settled."""
        settled = max(LEAST_SAMPLES, len(self.memory_mib) // 10)
        return float(np.median(self.memory_mib[-settled:]) - max(self.memory_mib[:settled]))


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--frames", type=int, default=20_000)
    parser.add_argument("--model", default="default")
    parser.add_argument("--stub", action="store_true", help="the node without running its model")
    parser.add_argument("--size", default="640x480", help="of the images")
    parser.add_argument("--growth", type=float, default=15.0, help="of memory allowed, MiB")
    arguments = parser.parse_args(argv)
    isolate()
    with tempfile.TemporaryDirectory() as folder:
        stub, real = [str(STUB_NODE), "0"], ["-m", "evf_sam_ros.ros.node.segmentation_node"]
        command = [sys.executable, *(stub if arguments.stub else real), "--ros-args"]
        values = (f"model:={arguments.model}", "command_ttl_s:=0.0", "max_frame_age_s:=0.0")
        command += [part for each in values for part in ("-p", each)]
        child = Child("node", command, Path(folder) / "node")
        try:
            soak = run(arguments, child)
        finally:
            stop([child])
    return report(soak, arguments)


def run(arguments: argparse.Namespace, child: Child) -> Soak:
    """Send the frames and gather what comes back."""
    import rclpy

    rclpy.init()
    camera = Camera(*map(int, arguments.size.split("x")))
    soak = Soak()
    try:
        camera.wait_for(camera.is_connected, START_S, child)
        for number in tqdm(range(arguments.frames), unit="frame"):
            child.check()
            if number % COMMAND_EVERY == 0:
                camera.say(camera.request(number // COMMAND_EVERY), child)
            if number % BROKEN_EVERY == BROKEN_EVERY - 1:
                camera.show_broken()
            started = time.monotonic()
            result = camera.show(number, child)
            if result is None:
                soak.lost += 1
                continue
            soak.answered += 1
            soak.latency_s.append(time.monotonic() - started)
            soak.statuses[result.status] = soak.statuses.get(result.status, 0) + 1
            if number % SAMPLE_EVERY == 0:
                soak.memory_mib.append(own_mib(child.process.pid))
    finally:
        camera.node.destroy_node()
        rclpy.shutdown()
    return soak


class Camera:
    """Shows rendered scenes one by one and waits for the answer to each."""

    def __init__(self, width: int, height: int) -> None:
        import rclpy
        from rclpy.executors import SingleThreadedExecutor
        from sensor_msgs.msg import CameraInfo, Image
        from std_msgs.msg import String

        from evf_sam_ros.msg import SegmentationResult
        from evf_sam_ros.ros.interface import OUTPUTS, RESULT
        from evf_sam_ros.sim.scene import render_scene

        self.node = rclpy.create_node("soak")
        self.executor = SingleThreadedExecutor()
        self.executor.add_node(self.node)
        self.scenes = [render_scene(seed, width=width, height=height) for seed in range(8)]
        self.image = self.node.create_publisher(Image, "image", 5)
        self.depth = self.node.create_publisher(Image, "depth", 5)
        self.info = self.node.create_publisher(CameraInfo, "camera_info", 5)
        self.text = self.node.create_publisher(String, "text_command", 10)
        self.results: dict[int, object] = {}
        self.node.create_subscription(SegmentationResult, "evf_sam/result", self._keep, 50)
        for each in OUTPUTS:  # what nobody listens to is not made
            if each is not RESULT:
                name = each.name.replace("~", "evf_sam")
                self.node.create_subscription(each.type, name, lambda _: None, 1)

    def is_connected(self) -> bool:
        heard = self.image.get_subscription_count() and self.text.get_subscription_count()
        return bool(heard and self.node.count_publishers("evf_sam/result"))

    def request(self, number: int) -> str:
        """Return one of the ways to ask for what is in one of the scenes."""
        objects = self.scenes[number % len(self.scenes)].objects
        names = [f"the {each.color} {each.shape}" for each in objects]
        return REQUESTS[number % len(REQUESTS)].format(names[0], names[-1])

    def say(self, text: str, child: Child) -> None:
        from std_msgs.msg import String

        self.text.publish(String(data=text))
        self.wait_for(lambda: False, 0.05, child)

    def show(self, number: int, child: Child) -> object | None:
        """Publish a scene; return its result, None if none comes."""
        from evf_sam_ros.ros.cameras.sim_camera_node import depth_message, info_message
        from evf_sam_ros.ros.conversions import image_from_rgb

        scene = self.scenes[number % len(self.scenes)]
        header = self._header()
        if number % NO_DEPTH_EVERY:
            self.info.publish(info_message(scene, header))
            self.depth.publish(depth_message(scene.depth_m, "16UC1", header))
        self.image.publish(image_from_rgb(scene.rgb, header))
        stamp = self._key(header)
        self.wait_for(lambda: stamp in self.results, PATIENCE_S, child)
        result = self.results.get(stamp)
        self.results.clear()
        return result

    def show_broken(self) -> None:
        from sensor_msgs.msg import Image

        self.image.publish(Image(header=self._header(), height=480, width=640, encoding="rgb8"))

    def wait_for(self, done, timeout_s: float, child: Child) -> bool:
        end = time.monotonic() + timeout_s
        while not done():
            child.check()
            if time.monotonic() > end:
                return False
            self.executor.spin_once(timeout_sec=0.02)
        return True

    def _header(self):
        from std_msgs.msg import Header

        return Header(stamp=self.node.get_clock().now().to_msg(), frame_id="camera")

    def _keep(self, result) -> None:
        self.results[self._key(result.header)] = result

    @staticmethod
    def _key(header) -> int:
        return header.stamp.sec * 10**9 + header.stamp.nanosec


def own_mib(pid: int) -> float:
    """Return the memory that is the process's own: not what the DDS's ring of images maps."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("RssAnon:")[1].split()[0]) / 1024


def report(soak: Soak, arguments: argparse.Namespace) -> int:
    """Print the figures; return the exit status."""
    from evf_sam_ros.ros.statuses import STATUS_NAMES

    names = {STATUS_NAMES[status]: count for status, count in sorted(soak.statuses.items())}
    p50, p95 = np.percentile(1e3 * np.array(soak.latency_s), [50, 95])
    growth = soak.growth_mib()
    first, last = soak.memory_mib[0], soak.memory_mib[-1]
    print(f"{soak.answered} of {arguments.frames} frames answered, {soak.lost} lost: {names}")
    print(f"sent to arrived {p50:.0f} ms median, {p95:.0f} ms p95")
    print(f"memory {first:.0f} MiB at first, {last:.0f} at last; growth {growth:+.1f} MiB")
    failed = soak.lost or growth > arguments.growth
    print("FAILED" if failed else "passed")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
