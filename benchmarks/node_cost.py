"""Measure the CPU time of the node beside its model, as ratios to a bare rclpy node.

    python benchmarks/node_cost.py [--size 1280x720] [--rate 10] [--count 40] [--rounds 2]
    python benchmarks/node_cost.py --before FOLDER      also of the checkout of another version

In each case a process sends colour, depth and camera_info, another one waits 20 ms in the place of
a model, and a third one listens. Rounds alternate, so that what else the machine does falls on
all; each figure is the least of its rounds. The bare node takes colour only, and copies it.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs without being installed

from benchmarks.timing.machine import memory_mb
from evf_sam_ros.ros.loopback import isolate

HERE = Path(__file__).resolve().parents[1]
MODEL_S = 0.02
WARM_UP = 8  # images
TIMEOUT_S = 60.0
# The search for other objects that fit is the model's part: it asks it again.
PARAMETERS = ("command_ttl_s:=0.0", "look_for_rivals:=false")
NOUNS = ("mug", "bowl", "block", "can", "box", "ball", "plate", "cup")


@dataclass(frozen=True)
class Case:
    """Work that a node is asked to do."""

    name: str
    commands: int = 1
    topics: tuple[str, ...] = ()  # images that somebody listens to
    is_bare: bool = False


@dataclass(frozen=True)
class Cost:
    """Processor time that the work took."""

    cpu_ms_per_image: float
    core_share: float
    peak_mb: float


BARE = Case("bare node: copy colour, publish a mask", 0, ("mask",), is_bare=True)
CASES = (
    BARE,
    Case("one command, placed"),
    Case("one command, mask heard", topics=("evf_sam/mask",)),
    Case("one command, overlay heard", topics=("evf_sam/overlay",)),
    Case("eight commands", commands=8),
    Case("idle", commands=0),
)


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    arguments = _parser().parse_args(argv)
    isolate()
    versions = {"now": HERE} | ({"before": arguments.before} if arguments.before else {})
    costs: dict[tuple[str, str], list[Cost]] = {}
    for _ in range(arguments.rounds):
        for case in (each for each in CASES if each is BARE or arguments.only in each.name):
            for version, folder in versions.items():
                if case.is_bare and version == "before":
                    continue
                cost = measured(case, folder.resolve(), arguments)
                costs.setdefault((case.name, version), []).append(cost)
    best = {key: min(each, key=lambda cost: cost.cpu_ms_per_image) for key, each in costs.items()}
    report(best, list(versions), arguments)
    if arguments.json:
        rows = [
            {"case": name, "version": version, **asdict(cost)}
            for (name, version), cost in best.items()
        ]
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", default="1280x720", help="of the images (%(default)s)")
    parser.add_argument("--rate", default=10.0, type=float, help="of the camera (%(default)s)")
    parser.add_argument("--count", default=40, type=int, help="images each (%(default)s)")
    parser.add_argument("--rounds", default=2, type=int, help="(%(default)s)")
    parser.add_argument("--only", default="", metavar="TEXT", help="cases that contain this")
    parser.add_argument("--before", type=Path, metavar="FOLDER", help="another checkout")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    return parser


def measured(case: Case, checkout: Path, arguments: argparse.Namespace) -> Cost:
    """Return what one case takes."""
    bare = str(HERE / "benchmarks" / "bare_node.py")
    camera = [bare, "camera", arguments.size, str(arguments.rate)]
    node = [bare, "node", str(MODEL_S)]
    if not case.is_bare:
        stub = str(checkout / "benchmarks" / "stub_node.py")
        node = [stub, str(MODEL_S), "--ros-args"]
        node += [part for each in PARAMETERS for part in ("-p", each)]
    with _running(node, checkout) as process, _running(camera, HERE):
        return _watched(case, process.pid, arguments)


@contextmanager
def _running(command: list[str], checkout: Path) -> Iterator[subprocess.Popen[bytes]]:
    environment = os.environ | {"PYTHONPATH": str(checkout), "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen([sys.executable, *command], env=environment, stderr=log)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(10.0)


def _watched(case: Case, pid: int, arguments: argparse.Namespace) -> Cost:
    import rclpy
    from sensor_msgs.msg import Image
    from std_msgs.msg import String

    from evf_sam_ros.msg import SegmentationResult

    rclpy.init()
    listener, came = rclpy.create_node("listener"), [0]

    def count(_: Any) -> None:
        came[0] += 1

    listener.create_subscription(SegmentationResult, "evf_sam/result", count, 100)
    counted = count if case.is_bare else lambda _: None
    for topic in case.topics:
        listener.create_subscription(Image, topic, counted, 5)
    commands = listener.create_publisher(String, "text_command", 10)
    spin = lambda: rclpy.spin_once(listener, timeout_sec=0.1)  # noqa: E731
    try:
        _wait(lambda: case.is_bare or commands.get_subscription_count() > 0, spin)
        per_image = max(case.commands, 1)
        if case.commands:
            text = "; ".join(f"the red {noun}" for noun in NOUNS[: case.commands])
            commands.publish(String(data=text))
        is_idle = not (case.commands or case.is_bare)
        if is_idle:
            return _idle(pid, arguments, spin)
        _wait(lambda: came[0] >= WARM_UP * per_image, spin)
        before, images, began = cpu_seconds(pid), came[0] / per_image, time.monotonic()
        _wait(lambda: came[0] / per_image >= images + arguments.count, spin)
        seconds = cpu_seconds(pid) - before
        taken = came[0] / per_image - images
        return Cost(1e3 * seconds / taken, seconds / (time.monotonic() - began), _peak_mb(pid))
    finally:
        listener.destroy_node()
        rclpy.shutdown()


def _idle(pid: int, arguments: argparse.Namespace, spin: Any) -> Cost:
    settled = time.monotonic() + 2.0
    _wait(lambda: time.monotonic() > settled, spin)
    before, began = cpu_seconds(pid), time.monotonic()
    until = began + max(4.0, arguments.count / arguments.rate)
    _wait(lambda: time.monotonic() > until, spin)
    seconds, lasted = cpu_seconds(pid) - before, time.monotonic() - began
    return Cost(1e3 * seconds / (lasted * arguments.rate), seconds / lasted, _peak_mb(pid))


def _wait(is_done: Any, spin: Any) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while not is_done():
        if time.monotonic() > deadline:
            raise SystemExit(f"nothing came for {TIMEOUT_S:g} s")
        spin()


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of all threads of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _peak_mb(pid: int) -> float:
    return float(memory_mb(pid, ("VmHWM",))["VmHWM"])


def report(
    best: dict[tuple[str, str], Cost], versions: list[str], arguments: argparse.Namespace
) -> None:
    """Print a table: CPU time per image, its ratio to the bare node's, and the share of a core."""
    bare = best[BARE.name, "now"].cpu_ms_per_image
    print(f"{arguments.size} at {arguments.rate:g} Hz, CPU time of the node\n")
    print("| case | version | ms per image | to the bare node | share of a core | peak MB |")
    print("| --- | --- | --- | --- | --- | --- |")
    for case in CASES:
        for version in reversed(versions):
            if (cost := best.get((case.name, version))) is None:
                continue
            ms = cost.cpu_ms_per_image
            print(
                f"| {case.name} | {version} | {ms:.1f} | {ms / bare:.2f} | "
                f"{cost.core_share:.1%} | {cost.peak_mb:.0f} |"
            )


if __name__ == "__main__":
    sys.exit(main())
