"""Diagnose this machine, its ROS 2 installation and its topics, and name the remedies.

The exit code is 0 if the node can work here, 1 if something prevents it.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from evf_sam_ros.ros.doctor.finding import Finding
from evf_sam_ros.ros.doctor.machine import machine_findings

SUMMARY = "say what is wrong with this machine, its ROS 2 and its topics, and how to mend it"
EXAMPLES = """\
examples:
  evf-sam doctor
  evf-sam doctor --image /camera/color/image_raw --depth /camera/depth/image_raw
  evf-sam doctor --namespace /left --seconds 10
  ros2 run evf_sam_ros doctor --json

exit code: 0 the node can work here, 1 something prevents it, 2 wrong input
"""
TOPICS = ("image", "depth", "camera_info", "text_command")
MARKS = {"ok": "  ok ", "note": "  -- ", "warning": " WARN", "problem": " FAIL"}
COLOURS = {"ok": "32", "note": "2", "warning": "33;1", "problem": "31;1"}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options, for `evf-sam doctor` as well."""
    parser.add_argument("--model", default="default", help="model to test (%(default)s)")
    parser.add_argument("--no-model", action="store_true", help="no test of the model")
    parser.add_argument("--no-graph", action="store_true", help="no check of topics")
    parser.add_argument(
        "--seconds", type=float, default=3.0, help="longest time to listen, seconds (%(default)s)"
    )
    parser.add_argument("--namespace", default="/", help="namespace of the node (%(default)s)")
    for name in TOPICS:
        parser.add_argument(
            f"--{name.replace('_', '-')}",
            default=name,
            metavar="TOPIC",
            help=f"topic in place of {name}",
        )
    parser.add_argument("--json", action="store_true", help="JSON instead of text")


def run(options: argparse.Namespace) -> int:
    """Print every finding; return the exit code."""
    found = list(_told(_findings(options), as_lines=not options.json))
    if options.json:
        print(json.dumps([asdict(each) for each in found], indent=1))
    problems = sum(each.level == "problem" for each in found)
    warnings = sum(each.level == "warning" for each in found)
    if not options.json:
        verdict = "The node can work here." if not problems else "The node cannot work like this."
        print(f"\n{verdict} {problems} problems, {warnings} warnings.")
    return 1 if problems else 0


def _findings(options: argparse.Namespace) -> Iterator[Finding]:
    yield from machine_findings(None if options.no_model else options.model)
    if options.no_graph:
        return
    if objection := _middleware_objection():
        yield Finding(
            "problem", "ROS 2", f"cannot start: {objection}",
            "unset RMW_IMPLEMENTATION, or install what it names",
        )  # fmt: skip
        return
    try:
        from evf_sam_ros.ros.doctor.graph import graph_findings
    except ImportError as error:
        yield Finding(
            "problem", "ROS 2", f"cannot be used: {error}",
            "source your ROS 2 installation and this workspace, or run `make setup`",
        )  # fmt: skip
        return
    topics = {name: getattr(options, name) for name in TOPICS}
    yield from graph_findings(options.namespace, topics, options.seconds)


def _middleware_objection() -> str:
    """Try the middleware that the user chose in another process: a wrong one ends its process."""
    if not os.environ.get("RMW_IMPLEMENTATION"):
        return ""
    command = [sys.executable, "-c", "import rclpy; rclpy.init()"]
    tried = subprocess.run(command, capture_output=True, text=True)
    said = " ".join(tried.stderr.split()) or f"exit code {tried.returncode}"
    return said[:400] if tried.returncode else ""


def _told(findings: Iterable[Finding], *, as_lines: bool) -> Iterator[Finding]:
    """Print each finding as soon as it is there."""
    colour = sys.stdout.isatty()
    for each in findings:
        if as_lines:
            mark = MARKS[each.level]
            mark = f"\033[{COLOURS[each.level]}m{mark}\033[0m" if colour else mark
            print(f"{mark}  {each.subject:13} {each.text}")
            if each.cure:
                print(f"{'':21}-> {each.cure}", flush=True)
        yield each


def main(argv: Sequence[str] | None = None) -> int:
    arguments: list[Any] = list(sys.argv[1:] if argv is None else argv)
    if "--ros-args" in arguments:  # `ros2 run` and launch files may add them
        arguments = arguments[: arguments.index("--ros-args")]
    parser = argparse.ArgumentParser(
        prog="doctor",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_options(parser)
    return run(parser.parse_args(arguments))


if __name__ == "__main__":
    sys.exit(main())
