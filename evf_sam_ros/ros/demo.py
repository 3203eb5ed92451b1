"""`make demo`: a simulated camera and the node, in processes of their own, told what to find.

Every word and every picture travels over real ROS 2 topics; the truth to compare with is taken
from the simulator. Ctrl-C ends everything.
"""

import argparse
import signal
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evf_sam_ros.perception.overlay import Annotation, draw
from evf_sam_ros.ros.child import Child, ChildEndedError, stop
from evf_sam_ros.ros.demo_client import DemoClient, Reply
from evf_sam_ros.ros.demo_report import Point, Report, Row, table
from evf_sam_ros.ros.loopback import isolate
from evf_sam_ros.ros.outputs import STATUS_NAMES
from evf_sam_ros.sim.expressions import Expression, find_targets, sample_expressions
from evf_sam_ros.sim.scene import Scene, render_scene

SEED = 901082  # not trained on; on its table are a red mug and a blue bowl, as in the README
DRAWN = 200
SPOKEN_KIND = "attribute"
PLAIN_STARTS = ("the ", "all the ")  # the grammar also makes requests, and leaves out articles
SHOWN_KINDS = ("place", "relation", "several", "nothing")
START_TIMEOUT_S, ANSWER_TIMEOUT_S = 120.0, 60.0
INTERRUPTED = 130  # exit code of a program that Ctrl-C ended

Targets = tuple[int, ...]  # numbers of the scene's objects; none: the words fit nothing


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
    scene = render_scene(seed)
    asked = dict.fromkeys(texts) if texts else choose_commands(scene)
    with _running(seed, model, folder) as client:
        client.wait_until_active(START_TIMEOUT_S)
        for text, targets in asked.items():
            reply = client.ask(text, ANSWER_TIMEOUT_S)
            row = make_row(scene, text, targets, reply, report.picture_name(text))
            report.add(row, _picture(scene, reply))
            why = f": {row.message}" if row.message else ""
            print(f'demo: "{text}" -> {row.status}{why}', flush=True)
    print(f"\n{table(report.rows)}\n\ndemo: pictures and numbers are in {folder.resolve()}")


def choose_commands(scene: Scene) -> dict[str, Targets | None]:
    """Pick one expression of each kind, after asking for the nearest thing as people would."""
    drawn = sample_expressions(scene.objects, np.random.default_rng(scene.seed), DRAWN)
    plain = [each for each in drawn if each.text.startswith(PLAIN_STARTS)]

    def nearness(expression: Expression) -> tuple[float, int]:
        return scene.objects[expression.targets[0]].distance, -len(expression.text.split())

    chosen: dict[str, Targets | None] = {}
    for nearest in sorted((each for each in plain if each.kind == SPOKEN_KIND), key=nearness)[:1]:
        chosen[f"pick up {nearest.text}, please"] = nearest.targets
    for kind in SHOWN_KINDS:
        first = [each for each in plain if each.kind == kind][:1]
        chosen |= {each.text: each.targets for each in first}
    return chosen


def make_row(scene: Scene, text: str, targets: Targets | None, reply: Reply, picture: str) -> Row:
    """Put an answer beside the truth, which is looked up where it is not given."""
    result = reply.result
    if targets is None and result.expression:
        targets = find_targets(result.expression, scene.objects)
    positions = [each.position for each in result.objects if each.has_position]
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


@contextmanager
def _running(seed: int, model: str, folder: Path) -> Iterator[DemoClient]:
    """Start camera and node, and end them whatever happens."""
    domain = isolate()
    print(f"demo: scene {seed}, ROS domain {domain}; starting the camera and the node", flush=True)
    children: list[Child] = []
    try:
        for name, arguments in {
            "sim_camera_node": ["-p", f"seed:={seed}"],
            "segmentation_node": ["-p", f"model:={model}"],
        }.items():
            command = [sys.executable, "-m", f"evf_sam_ros.ros.{name}", "--ros-args", *arguments]
            children.append(Child(name, command, folder / f"{name}.log"))
        client = DemoClient(children)
        try:
            yield client
        except TimeoutError as error:
            raise TimeoutError(f"{error}; {children[-1].last_words()}") from error
        finally:
            client.close()
    finally:
        _stop_undisturbed(children)


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


def _rounded(point: Iterable[float]) -> Point:
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
