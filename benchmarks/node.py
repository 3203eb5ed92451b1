"""Measure the node as a robot meets it: latency from camera stamp to result, rate, memory.

    python benchmarks/node.py [--model DIR] [--rate HZ] [--size WxH] [--count N]

The simulated camera and the node run in processes of their own; the result is timed where it
arrives, in a third one.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs without being installed

import numpy as np

from evf_sam_ros.ros.child import Child, stop
from evf_sam_ros.ros.loopback import isolate

WARM_UP = 10  # results
TIMEOUT_S = 120.0
PARTS = ("frame_age", "preprocess", "inference", "postprocess", "total")


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="default")
    parser.add_argument("--text", default="the red mug")
    parser.add_argument("--rate", type=float, default=15.0, help="of the camera, Hz")
    parser.add_argument("--size", default="640x480", help="of the camera's image")
    parser.add_argument("--count", type=int, default=200, help="results to measure")
    arguments = parser.parse_args(argv)
    isolate()
    with tempfile.TemporaryDirectory() as folder:
        children = start(arguments, Path(folder))
        try:
            results, arrivals = collect(arguments, children)
            memory = memory_mb(children[1].process.pid)
        finally:
            stop(children)
    report(results, arrivals, memory)
    return 0


def start(arguments: argparse.Namespace, logs: Path) -> list[Child]:
    """Start camera and node."""
    width, height = arguments.size.split("x")
    parameters = {
        "sim_camera_node": (f"width:={width}", f"height:={height}", f"rate_hz:={arguments.rate}"),
        "segmentation_node": (f"model:={arguments.model}", "command_ttl_s:=0.0"),
    }
    return [
        Child(
            module,
            [sys.executable, "-m", f"evf_sam_ros.ros.{module}", "--ros-args"]
            + [part for each in values for part in ("-p", each)],
            logs / module,
        )
        for module, values in parameters.items()
    ]


def collect(arguments: argparse.Namespace, children: list[Child]) -> tuple[list, list[float]]:
    """Say one command and gather the results; returns them and their latencies, seconds."""
    import rclpy
    from std_msgs.msg import String

    from evf_sam_ros.msg import SegmentationResult

    rclpy.init()
    listener = rclpy.create_node("listener")
    results, arrivals = [], []

    def keep(result: SegmentationResult) -> None:
        stamp = result.header.stamp.sec * 1e9 + result.header.stamp.nanosec
        arrivals.append((listener.get_clock().now().nanoseconds - stamp) / 1e9)
        results.append(result)

    listener.create_subscription(SegmentationResult, "evf_sam/result", keep, 10)
    commands = listener.create_publisher(String, "text_command", 10)
    deadline = time.monotonic() + TIMEOUT_S
    said = False
    while len(results) < WARM_UP + arguments.count:
        for child in children:
            child.check()
        if time.monotonic() > deadline + arguments.count:
            raise SystemExit(f"only {len(results)} results came")
        if not said and commands.get_subscription_count():
            commands.publish(String(data=arguments.text))
            said = True
        rclpy.spin_once(listener, timeout_sec=0.1)
    listener.destroy_node()
    rclpy.shutdown()
    return results[WARM_UP:], arrivals[WARM_UP:]


def memory_mb(pid: int) -> dict[str, float]:
    """Return the memory that a process has now, and the most it had."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    values = dict(line.split(":", 1) for line in lines)
    return {name: int(values[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM")}


def report(results: list, arrivals: list[float], memory: dict[str, float]) -> None:
    """Print a table of milliseconds and the rest below it."""
    rows = {"stamp to arrival": 1e3 * np.array(arrivals)}
    for part in PARTS:
        durations = [getattr(result, part) for result in results]
        rows[part] = np.array([each.sec * 1e3 + each.nanosec / 1e6 for each in durations])
    print(f"{len(results)} results\n\n| ms | median | p95 | max |\n| --- | --- | --- | --- |")
    for name, values in rows.items():
        median, p95 = np.percentile(values, [50, 95])
        print(f"| {name} | {median:.0f} | {p95:.0f} | {values.max():.0f} |")
    stamps = [result.header.stamp.sec + result.header.stamp.nanosec / 1e9 for result in results]
    rate = (len(stamps) - 1) / (stamps[-1] - stamps[0])
    print(f"\n{rate:.1f} results/s, memory {memory['VmRSS']:.0f} MB (most {memory['VmHWM']:.0f})")


if __name__ == "__main__":
    sys.exit(main())
