"""Measure the node's start: from its process to the first answer that is right (goal P17).

    python benchmarks/startup.py [--engines torch openvino warming] [--model DIR] [--rounds N]

A simulated camera runs already, and a command is given as soon as the node listens. An answer is
right if it is FOUND and its mask overlaps the simulator's by more than half. "first ever" starts
with an empty XDG_CACHE_HOME, "warm" with what that start has left there; the system has the node's
files in its page cache in both. Where others use the machine as well, CPU time is what to compare.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs without being installed

import numpy as np
from numpy.typing import NDArray

from benchmarks.startup_asker import EVENTS, Asker, Moment
from benchmarks.timing.machine import commit, memory_mb, processor, versions
from evf_sam_ros.engines.engine import ENGINES
from evf_sam_ros.ros.child import Child, stop
from evf_sam_ros.ros.demo.demo import SEED
from evf_sam_ros.ros.loopback import isolate
from evf_sam_ros.sim.expressions import find_targets
from evf_sam_ros.sim.scene import render_scene

GOAL_S = {"first ever": 120, "warm": 15}
STRETCH_S = {"first ever": 60, "warm": 8}
STAGES = ("imports", "node", "weights", "vocabulary", "engine", "warm-up", "active")
LATER = "faster engine"
KINDS = ("RssAnon", "RssFile")


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    arguments = _arguments(argv)
    isolate()
    truth = truth_of(arguments.text)
    runs: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        for engine in arguments.engines:
            for number in range(arguments.rounds):
                cache = Path(folder) / f"{engine}-{number}"
                for kind in GOAL_S:
                    figures = started(arguments, engine, cache, truth)
                    runs.append({"engine": engine, "start": kind, **figures})
                    took_s = figures["moments"][EVENTS[-1]].s
                    print(f"{engine}, {kind}: {took_s:.1f} s", file=sys.stderr)
    print(table(runs))
    print(f"\n{stages_table(runs)}\n\n{verdict(runs)}")
    if arguments.json:
        arguments.json.write_text(json.dumps(document(arguments, runs), indent=1) + "\n")
    return 0


def truth_of(text: str) -> NDArray[np.bool_]:
    """Return where the scene's simulator shows what the text means, (H, W)."""
    scene = render_scene(SEED)
    targets = find_targets(text, scene.objects)
    if not targets:
        raise SystemExit(f"{text!r} means nothing in the simulated scene")
    return scene.mask(targets)


def started(
    arguments: argparse.Namespace, engine: str, cache: Path, truth: NDArray[np.bool_]
) -> dict[str, Any]:
    """Start camera and node; return when each stage was reached, and the memory then."""
    camera = [sys.executable, "-m", "evf_sam_ros.ros.cameras.sim_camera_node", "--ros-args"]
    children = [Child("camera", [*camera, "-p", f"seed:={SEED}"], cache.with_suffix(".camera"))]
    asker = Asker(arguments.text, truth, any_answer=arguments.any_answer)
    try:
        asker.wait(lambda: asker.sees_camera, children)
        began_s = time.monotonic()
        children.append(_node(arguments, engine, cache, began_s))
        told = children[1].log
        asker.begin(began_s, children[1].process.pid)
        asker.wait(lambda: EVENTS[-1] in asker.moments, children)
        if engine == "warming":
            asker.wait(lambda: LATER in told.read_text(), children)
        memory = memory_mb(children[1].process.pid, KINDS)
    finally:
        asker.close()
        stop(reversed(children))
    return {"moments": stages(told) | asker.moments, "memory_mb": memory}


def _node(arguments: argparse.Namespace, engine: str, cache: Path, began_s: float) -> Child:
    script = str(Path(__file__).with_name("startup_node.py"))
    parameters = (f"model:={arguments.model}", f"engine:={engine}", "command_ttl_s:=0.0")
    options = [part for each in parameters for part in ("-p", each)]
    os.environ["XDG_CACHE_HOME"] = str(cache)
    command = [sys.executable, script, str(began_s), "--ros-args", *options]
    return Child("node", command, cache.with_suffix(".log"))


def stages(log: Path) -> dict[str, Moment]:
    """Read what the node has told of its start."""
    told = {}
    for line in log.read_text(errors="replace").splitlines():
        if line.startswith('{"stage"'):
            own = json.loads(line)
            told[own["stage"]] = Moment(own["s"], own["cpu_s"])
    return told


def table(runs: Sequence[dict[str, Any]]) -> str:
    """Set out when the node was heard and answered: the median of the rounds, and the worst."""
    lines = [
        "| engine | start | listens, s | first answer, s | right answer, s (worst) | CPU s | "
        "faster engine, s | memory of its own, of files, MB |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for engine, kind, own in _grouped(runs):
        rows = [run["moments"] for run in own]
        right = [row[EVENTS[-1]] for row in rows]
        later = f"{_median(rows, LATER):.1f}" if LATER in rows[0] else ""
        memory = [np.median([run["memory_mb"][name] for run in own]) for name in KINDS]
        lines.append(
            f"| {engine} | {kind} | {_median(rows, 'active'):.1f} | "
            f"{_median(rows, 'first answer'):.1f} | {_median(rows, EVENTS[-1]):.1f} "
            f"({max(moment.s for moment in right):.1f}) | "
            f"{np.median([moment.cpu_s for moment in right]):.1f} | {later} | "
            f"{', '.join(f'{each:.0f}' for each in memory)} |"
        )
    return "\n".join(lines)


def stages_table(runs: Sequence[dict[str, Any]]) -> str:
    """Set out what each stage takes: the median of its CPU time and, behind it, of its time."""
    lines = [
        f"| CPU s (s) | {' | '.join(STAGES)} | to the right answer |",
        "| --- " * (len(STAGES) + 2) + "|",
    ]
    for engine, kind, own in _grouped(runs):
        cells, order = [], (*STAGES, EVENTS[-1])
        for before, stage in zip((None, *order), order, strict=False):
            spans = [_span(run["moments"], before, stage) for run in own]
            cpu_s, s = np.median([(each.cpu_s, each.s) for each in spans], axis=0)
            cells.append(f"{cpu_s:.2f} ({s:.2f})")
        lines.append(f"| {engine}, {kind} | {' | '.join(cells)} |")
    return "\n".join(lines)


def verdict(runs: Sequence[dict[str, Any]]) -> str:
    """Say which starts reach goal P17, by the slowest round."""
    lines = []
    for engine, kind, own in _grouped(runs):
        worst = max(run["moments"][EVENTS[-1]].s for run in own)
        names = {"goal": GOAL_S[kind], "stretch": STRETCH_S[kind]}
        said = [
            f"{name} {s} s {'reached' if worst <= s else 'missed'}" for name, s in names.items()
        ]
        lines.append(f"P17, {engine}, {kind}: {worst:.1f} s, {', '.join(said)}")
    return "\n".join(lines)


def document(arguments: argparse.Namespace, runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return all figures, with what they were taken on."""
    return {
        "date": datetime.now(timezone.utc).isoformat(timespec="minutes"),
        "machine": {
            "processor": processor(),
            "cores": os.cpu_count(),
            "commit": commit(),
            **versions(("torch", "openvino", "rclpy")),
        },
        "model": Path(arguments.model).name,
        "runs": [
            run | {"moments": {name: asdict(own) for name, own in run["moments"].items()}}
            for run in runs
        ],
    }


def _grouped(
    runs: Sequence[dict[str, Any]],
) -> list[tuple[str, str, list[dict[str, Any]]]]:
    pairs = dict.fromkeys((run["engine"], run["start"]) for run in runs)
    return [
        (*pair, [run for run in runs if (run["engine"], run["start"]) == pair]) for pair in pairs
    ]


def _median(rows: Sequence[dict[str, Moment]], name: str) -> float:
    return float(np.median([row[name].s for row in rows]))


def _span(row: dict[str, Moment], before: str | None, stage: str) -> Moment:
    start = Moment(0.0, 0.0) if before is None else row[before]
    return Moment(row[stage].s - start.s, row[stage].cpu_s - start.cpu_s)


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--engines", nargs="+", choices=ENGINES, default=["torch", "openvino", "warming"]
    )
    parser.add_argument("--model", default="default", help="the node's parameter of that name")
    parser.add_argument("--text", default="the red mug", help="what is asked for")
    parser.add_argument("--rounds", type=int, default=3, help="starts of each kind")
    parser.add_argument(
        "--any-answer", action="store_true", help="for random weights, which are never right"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
