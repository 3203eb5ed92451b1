"""Measure the node as a robot meets it: latency from camera stamp to result, rate, memory.

    python benchmarks/node.py [--model DIR] [--rate HZ] [--size WxH] [--count N]
    python benchmarks/node.py --stub 0.025 --rate 30 --size 1280x720     what the node itself costs
    python benchmarks/node.py --cameras 2     of two cameras, the second at half the rate
    python benchmarks/node.py --ros2-benchmark FILE     as ros2_benchmark writes them

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
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs without being installed

import numpy as np

from benchmarks.ros2_benchmark_form import as_ros2_benchmark
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
    parser.add_argument("--cameras", type=int, default=1, help="each at half the rate before")
    parser.add_argument("--ros2-benchmark", type=Path, metavar="FILE", help="its form of JSON")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    parser.add_argument("--count", type=int, default=200, help="results to measure")
    arguments = parser.parse_args(argv)
    isolate()
    with tempfile.TemporaryDirectory() as folder:
        children = start(arguments, Path(folder))
        try:
            heard, cpu_s = collect(arguments, children)
            memory = memory_mb(children[1].process.pid, ("VmRSS", "VmHWM"))
        finally:
            stop(children)
    rows = []
    cpu_each_s = cpu_s / sum(len(results) for results, _ in heard)
    for (name, rate_hz), (results, arrivals) in zip(rates(arguments), heard, strict=True):
        figures = measured(arguments, rate_hz, results, arrivals, cpu_each_s) | {
            "memory_mb": memory
        }
        rows.append(figures | {"camera": name})
        report(rows[-1])
    write(arguments, rows, heard)
    return 0


def rates(arguments: argparse.Namespace) -> list[tuple[str, float]]:
    """Return name and rate of each camera; a single one has no name."""
    if arguments.cameras == 1:
        return [("", arguments.rate)]
    return [(f"camera{i}", arguments.rate / 2**i) for i in range(arguments.cameras)]


def write(arguments: argparse.Namespace, rows: list[dict[str, Any]], heard: list[Any]) -> None:
    """Write the figures to the files that are asked for; of several cameras a list."""
    if arguments.json:
        content: Any = rows if len(rows) > 1 else rows[0]
        arguments.json.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    if arguments.ros2_benchmark:
        reports = {
            row["camera"] or "evf_sam": as_ros2_benchmark(row, stamps_s(results), arrivals)
            for row, (results, arrivals) in zip(rows, heard, strict=True)
        }
        content = reports if len(rows) > 1 else reports["evf_sam"]
        arguments.ros2_benchmark.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


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
    if arguments.cameras > 1:
        bare = str(Path(__file__).with_name("bare_node.py"))
        each_hz = [str(rate_hz) for _, rate_hz in rates(arguments)]
        programs["cameras.sim_camera_node"] = [bare, "camera", arguments.size, *each_hz]
        parameters["cameras.sim_camera_node"] = ()
        names = ", ".join(name for name, _ in rates(arguments))
        parameters["node.segmentation_node"] += (f"cameras:=[{names}]",)
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
) -> tuple[list[tuple[list, list[float]]], float]:
    """Say one command and gather, per camera, the results and their latencies.

    Returns them and the node's CPU time, all in seconds; without the first, during which things
    warm up. It ends when the first camera has all of its results.
    """
    import rclpy
    from std_msgs.msg import String

    from evf_sam_ros.msg import SegmentationResult

    rclpy.init()
    listener = rclpy.create_node("listener")
    heard: list[tuple[list, list[float]]] = [([], []) for _ in rates(arguments)]
    results = heard[0][0]

    def keep(result: SegmentationResult, number: int) -> None:
        stamp = result.header.stamp.sec * 1e9 + result.header.stamp.nanosec
        heard[number][1].append((listener.get_clock().now().nanoseconds - stamp) / 1e9)
        heard[number][0].append(result)

    for number, (name, _) in enumerate(rates(arguments)):
        topic = "/".join(filter(None, ("evf_sam", name, "result")))
        keep_own = partial(keep, number=number)
        listener.create_subscription(SegmentationResult, topic, keep_own, 10)
    commands = listener.create_publisher(String, "text_command", 10)
    deadline = time.monotonic() + TIMEOUT_S
    said, cpu_before = False, 0.0
    while len(results) < WARM_UP + arguments.count:
        for child in children:
            child.check()
        if time.monotonic() > deadline + arguments.count:
            raise SystemExit(f"only {len(results)} results came")
        if not said and commands.get_subscription_count() >= arguments.cameras:
            commands.publish(String(data=arguments.text))
            said = True
        rclpy.spin_once(listener, timeout_sec=0.1)
        if len(results) <= WARM_UP:
            cpu_before = cpu_seconds(children[1].process.pid)
    cpu_s = cpu_seconds(children[1].process.pid) - cpu_before
    listener.destroy_node()
    rclpy.shutdown()
    warm = [WARM_UP // 2**number for number in range(len(heard))]  # their rates, too, are halved
    cut = [(own[n:], ages[n:]) for (own, ages), n in zip(heard, warm, strict=True)]
    return cut, cpu_s


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of all threads of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measured(
    arguments: argparse.Namespace,
    rate_hz: float,
    results: list,
    arrivals: list[float],
    cpu_each_s: float,
) -> dict[str, Any]:
    """Return all figures: milliseconds by part, rate, images that got no answer, CPU time."""
    rows = {"stamp to arrival": 1e3 * np.array(arrivals)}
    for part in PARTS:
        durations = [getattr(result, part) for result in results]
        rows[part] = np.array([each.sec * 1e3 + each.nanosec / 1e6 for each in durations])
    if arguments.stub is not None:
        rows["total without the model"] = rows["total"] - 1e3 * arguments.stub
    stamps = stamps_s(results)
    span_s = stamps[-1] - stamps[0]
    shown = round(span_s * rate_hz) + 1
    return {
        "size": arguments.size,
        "camera_hz": rate_hz,
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
        "node_cpu_ms_per_result": 1e3 * cpu_each_s,
    }


def stamps_s(results: list) -> list[float]:
    """Return the time of each image in seconds."""
    return [result.header.stamp.sec + result.header.stamp.nanosec / 1e9 for result in results]


def report(figures: dict[str, Any]) -> None:
    """Print a table of milliseconds and the rest below it."""
    camera = f"{figures['camera']}: " if figures["camera"] else ""
    shown = f"{figures['size']} at {figures['camera_hz']:g} Hz"
    print(f"{camera}{figures['results']} results, {shown}\n")
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
