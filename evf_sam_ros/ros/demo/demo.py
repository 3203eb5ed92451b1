"""`make demo`: runs the simulated camera and the node as child processes, and sends commands.

Every word and every picture travels over real ROS 2 topics; the truth to compare with is taken
from the simulator. A page on this machine shows it live. In a terminal, if no text is given,
camera, node and page stay for more questions until Ctrl-C.
"""

import argparse
import re
import signal
import socket
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evf_sam_ros.perception.overlay import Annotation, draw
from evf_sam_ros.ros.child import Child, ChildEndedError, Interrupts, stop
from evf_sam_ros.ros.demo.client import DemoClient, Reply
from evf_sam_ros.ros.demo.demo_report import Point, Report, Row, table
from evf_sam_ros.ros.loopback import isolate
from evf_sam_ros.ros.statuses import STATUS_NAMES
from evf_sam_ros.sim.expressions import find_targets, sample_expressions
from evf_sam_ros.sim.scene import Scene, render_scene

SEED = 901082  # not trained on; on its table are a red mug and a blue bowl, as in the README
DRAWN = 200
PLAIN_STARTS = ("the ", "all the ")  # the grammar also makes requests, and leaves out articles
SHOWN_KINDS = ("place", "relation", "several", "nothing")
START_TIMEOUT_S, ANSWER_TIMEOUT_S = 120.0, 60.0
PAGE_PORT = 8420  # if it is free, so that the address is the same each time
PAGE_TIMEOUT_S = 20.0
INTERRUPTED = 130  # exit code of a program that Ctrl-C ended

NODE, PAGE = 1, "web.page_node"  # the node's place among the programs; the page's module
Targets = tuple[int, ...]  # numbers of the scene's objects; none: the words fit nothing


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo; return the exit code."""
    options = _parser().parse_args(argv)
    # SIGINT too: in the background of a script it would be ignored.
    for number in Interrupts.NUMBERS:
        signal.signal(number, signal.default_int_handler)
    stay = options.stay
    if stay is None:
        stay = not options.text and sys.stdin.isatty() and sys.stdout.isatty()
    try:
        run(
            options.text, options.output, seed=options.seed, model=options.model, stay=stay,
            record=options.record, port=options.port,
        )  # fmt: skip
    except KeyboardInterrupt:
        print("\ndemo: stopped", file=sys.stderr)
        return INTERRUPTED
    except (ChildEndedError, TimeoutError, ValueError, OSError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    return 0


def run(
    texts: Sequence[str],
    folder: Path,
    *,
    seed: int | None,
    model: str,
    stay: bool = False,
    record: Path | None = None,
    port: int | None = None,
) -> None:
    """Send these texts, or examples for the scene, and write the answers to a folder.

    To stay means to keep everything running afterwards, until Ctrl-C; `record` is a folder for a
    recording of it all, and `port` is the page's: by default its own, or a free one.
    """
    report = Report(folder)
    if seed is None:
        seed = report.rows[-1].seed if texts and report.rows else SEED
    if not texts:
        report.clear()
    scene = render_scene(seed)
    asked = dict.fromkeys(texts) if texts else choose_commands(scene)
    with _running(_programs(seed, model, record, port), folder, seed) as client:
        client.wait_until_active(START_TIMEOUT_S)
        for text, targets in asked.items():
            reply = client.ask(text, ANSWER_TIMEOUT_S)
            row = make_row(scene, text, targets, reply, report.picture_name(text))
            report.add(row, _picture(scene, reply))
            why = f": {row.message}" if row.message else ""
            print(f'demo: "{text}" -> {row.status}{why}', flush=True)
        print(f"\n{table(report.rows)}\n\ndemo: pictures and numbers are in {folder.resolve()}")
        if stay:
            _stay(client)


def _stay(client: DemoClient) -> None:
    """Keep everything running until Ctrl-C, which is then the right way to end."""
    print("demo: camera, node and page stay for more questions; Ctrl-C ends them", flush=True)
    with suppress(KeyboardInterrupt):
        while True:
            client.check()
            time.sleep(0.2)


def choose_commands(scene: Scene) -> dict[str, Targets | None]:
    """Pick one expression of each kind, after asking for the nearest thing as people would."""
    drawn = sample_expressions(scene.objects, np.random.default_rng(scene.seed), DRAWN)
    plain = [each for each in drawn if each.text.startswith(PLAIN_STARTS)]

    chosen: dict[str, Targets | None] = {}
    for number in sorted(range(len(scene.objects)), key=lambda i: scene.objects[i].distance):
        name = f"the {scene.objects[number].color} {scene.objects[number].shape}"
        if not chosen and find_targets(name, scene.objects) == (number,):
            chosen[f"pick up {name}, please"] = (number,)
    for kind in SHOWN_KINDS:
        first = [each for each in plain if each.kind == kind][:1]
        chosen |= {each.text: each.targets for each in first}
    return chosen


def make_row(scene: Scene, text: str, targets: Targets | None, reply: Reply, picture: str) -> Row:
    """Compare an answer with the truth, which is looked up if it is not given."""
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
def _running(programs: dict[str, str], folder: Path, seed: int) -> Iterator[DemoClient]:
    """Start camera and node, and end them whatever happens."""
    domain = isolate()
    print(f"demo: scene {seed}, ROS domain {domain}; starting the camera and the node", flush=True)
    children: list[Child] = []
    interrupts = Interrupts()
    try:
        for module, parameter in programs.items():
            name = module.rpartition(".")[2]
            command = [sys.executable, "-m", f"evf_sam_ros.ros.{module}"]
            command += ["--ros-args", "-p", parameter]
            children.append(Child(name, command, folder / f"{name}.log"))
        _tell_of_page(children, interrupts)
        client = DemoClient([interrupts, *children])
        try:
            yield client
        except TimeoutError as error:
            raise TimeoutError(f"{error}; {children[NODE].last_words()}") from error
        finally:
            client.close()
    finally:
        interrupts.ignore()
        stop(children)


def _programs(seed: int, model: str, record: Path | None, port: int | None) -> dict[str, str]:
    """Return the modules to run, each with the parameter that it is given."""
    programs = {
        "cameras.sim_camera_node": f"seed:={seed}",
        "node.segmentation_node": f"model:={model}",
    }
    if record is not None:
        programs["demo.record_node"] = f"path:={record}"
    if find_spec("aiohttp"):
        return {**programs, PAGE: f"port:={_free_port() if port is None else port}"}
    print("demo: no page: it needs the Python package aiohttp", flush=True)
    return programs


def _free_port() -> int:
    with socket.socket() as probe:
        # As the server will do; else the port of a page that has just ended counts as taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", PAGE_PORT))
        except OSError:
            return 0
        return PAGE_PORT


def _tell_of_page(children: Sequence[Child], interrupts: Interrupts) -> None:
    """Print where the page is, as soon as it says so."""
    end = time.monotonic() + PAGE_TIMEOUT_S
    for page in (child for child in children if PAGE.endswith(child.name)):
        while not (said := re.search(r"http://\S+", page.log.read_text(errors="replace"))):
            interrupts.check()
            page.check()
            if time.monotonic() > end:
                raise TimeoutError(f"the page did not start; {page.last_words()}")
            time.sleep(0.05)
        print(f"demo: watch, and speak to it, at {said[0]}", flush=True)


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
    parser.add_argument("text", nargs="*", help="texts to send, instead of a few examples")
    parser.add_argument(
        "--output", type=Path, default=Path("demo_output"), help="folder for the results"
    )
    parser.add_argument(
        "--seed",
        type=int,
        help=f"seed of the scene (default: for further texts the last scene, else {SEED})",
    )
    parser.add_argument("--model", default="default", help="the node's parameter of that name")
    parser.add_argument(
        "--record", type=Path, metavar="DIR", help="folder for a recording, for `evf-sam bag`"
    )
    parser.add_argument(
        "--port",
        type=int,
        help=f"port of the operator's page (default: {PAGE_PORT}, or a free one)",
    )
    parser.add_argument(
        "--stay",
        action=argparse.BooleanOptionalAction,
        help="camera, node and page stay running afterwards, until Ctrl-C "
        "(default: in a terminal, if no text is given)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
