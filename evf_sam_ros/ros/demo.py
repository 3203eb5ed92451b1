"""`make demo`: a simulated camera and the node, in processes of their own, told what to find.

Every word and every picture travels over real ROS 2 topics; the truth to compare with is taken
from the simulator. Ctrl-C ends everything.
"""

import argparse
import signal
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evf_sam_ros.perception.overlay import Annotation, draw
from evf_sam_ros.ros.child import Child, ChildEndedError, stop
from evf_sam_ros.ros.demo_client import DemoClient, Reply
from evf_sam_ros.ros.demo_report import Point, Report, Row, table
from evf_sam_ros.ros.loopback import isolate
from evf_sam_ros.ros.outputs import STATUS_NAMES
from evf_sam_ros.sim.expressions import find_targets, sample_expressions
from evf_sam_ros.sim.scene import Scene, render_scene

SEED = 900004  # of a scene on which the default model was not trained
SHOWN_KINDS = ("attribute", "place", "relation", "several", "nothing")
START_TIMEOUT_S, ANSWER_TIMEOUT_S = 120.0, 30.0
INTERRUPTED = 130  # exit code of a program that Ctrl-C ended


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo; return the exit code."""
    options = _parser().parse_args(argv)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        run(options.text, options.output, seed=options.seed, model=options.model)
    except KeyboardInterrupt:
        print("\ndemo: stopped", file=sys.stderr)
        return INTERRUPTED
    except (ChildEndedError, TimeoutError, ValueError, OSError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    return 0


def run(texts: Sequence[str], folder: Path, *, seed: int | None, model: str) -> None:
    """Ask for these texts, or show what the scene offers, and leave the answers in a folder."""
    report = Report(folder)
    if seed is None:
        seed = report.rows[-1].seed if texts and report.rows else SEED
    if not texts:
        report.clear()
    with ExitStack() as stack:
        client = _start(stack, seed, model, folder)
        scene = render_scene(seed)
        client.wait_until_active(START_TIMEOUT_S)
        for text in texts or choose_commands(scene):
            print(f'demo: "{text}"', flush=True)
            reply = client.ask(text, ANSWER_TIMEOUT_S)
            row = make_row(scene, text, reply, report.picture_name(text))
            report.add(row, _picture(scene, reply))
    print(f"\n{table(report.rows)}\n\ndemo: pictures and numbers are in {folder.resolve()}")


def choose_commands(scene: Scene) -> list[str]:
    """Pick one expression of each kind, the first once more as one would say it to a robot."""
    drawn = sample_expressions(scene.objects, np.random.default_rng(scene.seed), 60)
    chosen = []
    for kind in SHOWN_KINDS:
        chosen += [each for each in drawn if each.kind == kind][:1]
    single = next((each.text for each in chosen if len(each.targets) == 1), None)
    spoken = [f"pick up {_with_article(single)}, please"] if single else []
    return spoken + [each.text for each in chosen if each.text != single]


def make_row(scene: Scene, text: str, reply: Reply, picture: str) -> Row:
    """Put an answer beside the truth."""
    result = reply.result
    positions = [each.position for each in result.objects if each.has_position]
    targets = find_targets(result.expression, scene.objects) if result.expression else None
    return Row(
        seed=scene.seed,
        command=text,
        expression=result.expression,
        status=STATUS_NAMES[result.status],
        message=result.message,
        score=round(float(result.score), 4),
        centroids_m=[_rounded((each.x, each.y, each.z)) for each in positions],
        true_centroids_m=None
        if targets is None
        else [_rounded(scene.surface_centroid([target])) for target in targets],
        latency_ms=round(1000 * reply.latency_s, 1),
        picture=picture,
    )


def _start(stack: ExitStack, seed: int, model: str, folder: Path) -> DemoClient:
    """Start camera and node; the stack ends them."""
    domain = isolate()
    print(f"demo: scene {seed}, ROS domain {domain}; starting the camera and the node", flush=True)
    children: list[Child] = []
    stack.callback(_stop_undisturbed, children)
    for name, arguments in {
        "sim_camera_node": ["-p", f"seed:={seed}"],
        # Several commands, each looked at for a moment: none may expire meanwhile.
        "segmentation_node": ["-p", "command_ttl_s:=0.0", "-p", f"model:={model}"],
    }.items():
        command = [sys.executable, "-m", f"evf_sam_ros.ros.{name}", "--ros-args", *arguments]
        children.append(Child(name, command, folder / f"{name}.log"))

    def check() -> None:
        for child in children:
            child.check()

    client = DemoClient(check)
    stack.callback(client.close)
    return client


def _stop_undisturbed(children: Sequence[Child]) -> None:
    """Let nobody interrupt the ending: a second Ctrl-C would leave the rest running."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    stop(children)


def _picture(scene: Scene, reply: Reply) -> NDArray[np.uint8]:
    """Return the node's overlay, or why there is none, written on the scene."""
    if reply.overlay_rgb is not None:
        return reply.overlay_rgb
    result = reply.result
    nothing = np.zeros(scene.instances.shape, bool)
    why = Annotation(
        mask=nothing,
        expression=result.expression or result.command,
        status=STATUS_NAMES[result.status],
        detail=result.message,
    )
    return draw(scene.rgb, [why])


def _with_article(noun_phrase: str) -> str:
    return noun_phrase if noun_phrase.startswith("the ") else f"the {noun_phrase}"


def _rounded(point: Sequence[float]) -> Point:
    x, y, z = (round(float(value), 4) for value in point)
    return x, y, z


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    parser.add_argument("text", nargs="*", help="what to ask for, instead of a few examples")
    parser.add_argument(
        "--output", type=Path, default=Path("demo_output"), help="folder for the results"
    )
    parser.add_argument(
        "--seed", type=int, help=f"the scene; for further texts the last one shown, else {SEED}"
    )
    parser.add_argument("--model", default="default", help="the node's parameter of that name")
    return parser


if __name__ == "__main__":
    sys.exit(main())
