"""Measure the node as a robot meets it: latency from camera stamp to result, rate, memory.

    python benchmarks/node.py [--model DIR] [--rate HZ] [--size WxH] [--count N]
    python benchmarks/node.py --stub 0.025 --rate 30 --size 1280x720     what the node itself costs

The simulated camera and the node run in processes of their own; the result is timed where it
arrives, in a third one. With --stub, a model that waits so many seconds takes the model's place.
CPU time per image is what to compare on a machine that others use as well.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs without being installed

import numpy as np

from benchmarks.timing.machine import memory_mb
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
    parser.add_argument("--stub", type=float, metavar="SECONDS", help="only wait, no model")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    parser.add_argument("--count", type=int, default=200, help="results to measure")
    arguments = parser.parse_args(argv)
    isolate()
    with tempfile.TemporaryDirectory() as folder:
        children = start(arguments, Path(folder))
        try:
            results, arrivals, cpu_s = collect(arguments, children)
            memory = memory_mb(children[1].process.pid, ("VmRSS", "VmHWM"))
        finally:
            stop(children)
    figures = measured(arguments, results, arrivals, cpu_s) | {"memory_mb": memory}
    report(figures)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return 0


def start(arguments: argparse.Namespace, logs: Path) -> list[Child]:
    """Start camera and node."""
    width, height = arguments.size.split("x")
    parameters = {
        # Without noise, which takes a core that a camera does not.
        "cameras.sim_camera_node": (
            f"width:={width}",
            f"height:={height}",
            f"rate_hz:={arguments.rate}",
            "noise:=false",
        ),
        "node.segmentation_node": (f"model:={arguments.model}", "command_ttl_s:=0.0"),
    }
    programs = {module: ["-m", f"evf_sam_ros.ros.{module}"] for module in parameters}
    if arguments.stub is not None:
        stub = Path(__file__).with_name("stub_node.py")
        programs["node.segmentation_node"] = [str(stub), str(arguments.stub)]
        # The search for other objects that fit asks the model again, so it is part of its time.
        parameters["node.segmentation_node"] += ("look_for_rivals:=false",)
    return [
        Child(
            module,
            [sys.executable, *programs[module], "--ros-args"]
            + [part for each in values for part in ("-p", each)],
            logs / module,
        )
        for module, values in parameters.items()
    ]


def collect(
    arguments: argparse.Namespace, children: list[Child]
) -> tuple[list, list[float], float]:
    """Say one command and gather the results; returns them, their latencies and the node's CPU.

    All in seconds; without the first, during which things warm up.
    """
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
    said, cpu_before = False, 0.0
    while len(results) < WARM_UP + arguments.count:
        for child in children:
            child.check()
        if time.monotonic() > deadline + arguments.count:
            raise SystemExit(f"only {len(results)} results came")
        if not said and commands.get_subscription_count():
            commands.publish(String(data=arguments.text))
            said = True
        rclpy.spin_once(listener, timeout_sec=0.1)
        if len(results) <= WARM_UP:
            cpu_before = cpu_seconds(children[1].process.pid)
    cpu_s = cpu_seconds(children[1].process.pid) - cpu_before
    listener.destroy_node()
    rclpy.shutdown()
    return results[WARM_UP:], arrivals[WARM_UP:], cpu_s


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of all threads of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measured(
    arguments: argparse.Namespace, results: list, arrivals: list[float], cpu_s: float
) -> dict[str, Any]:
    """Return all figures: milliseconds by part, rate, images that got no answer, CPU time."""
    rows = {"stamp to arrival": 1e3 * np.array(arrivals)}
    for part in PARTS:
        durations = [getattr(result, part) for result in results]
        rows[part] = np.array([each.sec * 1e3 + each.nanosec / 1e6 for each in durations])
    if arguments.stub is not None:
        rows["total without the model"] = rows["total"] - 1e3 * arguments.stub
    stamps = [result.header.stamp.sec + result.header.stamp.nanosec / 1e9 for result in results]
    span_s = stamps[-1] - stamps[0]
    shown = round(span_s * arguments.rate) + 1
    return {
        "size": arguments.size,
        "camera_hz": arguments.rate,
        "stub_s": arguments.stub,
        "results": len(results),
        "ms": {
            name: dict(
                zip(("median", "p95", "max"), np.percentile(row, [50, 95, 100]), strict=True)
            )
            for name, row in rows.items()
        },
        "results_per_s": (len(results) - 1) / span_s,
        "images_without_answer": max(0, shown - len(results)),
        "node_cpu_ms_per_result": 1e3 * cpu_s / len(results),
    }


def report(figures: dict[str, Any]) -> None:
    """Print a table of milliseconds and the rest below it."""
    print(f"{figures['results']} results, {figures['size']} at {figures['camera_hz']:g} Hz\n")
    print("| ms | median | p95 | max |\n| --- | --- | --- | --- |")
    for name, row in figures["ms"].items():
        print(f"| {name} | {row['median']:.1f} | {row['p95']:.1f} | {row['max']:.1f} |")
    memory = figures["memory_mb"]
    print(
        f"\n{figures['results_per_s']:.1f} results/s, {figures['images_without_answer']} images "
        f"without an answer, {figures['node_cpu_ms_per_result']:.1f} ms of the node's CPU time "
        f"per result, memory {memory['VmRSS']:.0f} MB (most {memory['VmHWM']:.0f})"
    )


if __name__ == "__main__":
    sys.exit(main())
