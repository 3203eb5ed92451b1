"""Time the whole predictor, a picture in and masks out, by every engine in turn.

    python benchmarks/whole_predictor.py [--prompts 1 4] [--engines plain torch openvino]

Pictures are drawn scenes and prompts are sentences about them, both in rotation. With
`--precision fp32 bf16` every engine runs in both. CPU time is of all threads, the best of the
runs: other programs can only add to it. "first / this" compares with the first line.
"""

import argparse
import sys
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs without being installed

import numpy as np
import torch

from evf_sam_ros.engines.engine import ENGINES
from evf_sam_ros.engines.exported.runtimes import is_installed
from evf_sam_ros.engines.measure import Times, in_turn
from evf_sam_ros.evaluation.tabletop import EXPRESSION_STREAM
from evf_sam_ros.perception.device import PRECISIONS, device_of, precision_of
from evf_sam_ros.perception.predictor import Predictor, load_predictor
from evf_sam_ros.sim.expressions import sample_expressions
from evf_sam_ros.sim.scene import Scene, render_scene

_SEED = 940_000  # of the first scene
_WARM_UP = 3  # runs


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    arguments = _arguments(argv)
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    device = device_of(arguments.device)
    asked = [
        (scene, _sentences(scene, max(arguments.prompts)))
        for scene in map(render_scene, range(_SEED, _SEED + arguments.scenes))
    ]
    predictors = _loaded(arguments, device)
    print("| prompts | engine | CPU ms, best | ms, median | first / this |")
    print("| --- | --- | --- | --- | --- |")
    for prompts in arguments.prompts:
        runs = {name: partial(_answer, each, asked, prompts) for name, each in predictors.items()}
        times = in_turn(runs, device, arguments.rounds, warm_up=_WARM_UP)
        for name, own in times.items():
            print(_line(prompts, name, own, next(iter(times.values())), device))
    return 0


def _loaded(arguments: argparse.Namespace, device: torch.device) -> dict[str, Predictor]:
    found = {}
    for precision in arguments.precision:
        for engine in arguments.engines:
            name = f"{engine} {precision_of(precision, device)}"
            found[name] = load_predictor(
                arguments.model, arguments.device, precision, engine=engine
            )
    return found


def _sentences(scene: Scene, count: int) -> list[str]:
    random = np.random.default_rng([scene.seed, EXPRESSION_STREAM])
    return [each.text for each in sample_expressions(scene.objects, random, count)]


def _answer(
    predictor: Predictor, asked: list[tuple[Scene, list[str]]], prompts: int, frame: int
) -> object:
    scene, sentences = asked[frame % len(asked)]
    return predictor(scene.rgb, sentences[:prompts])


def _line(prompts: int, name: str, own: Times, first: Times, device: torch.device) -> str:
    return (
        f"| {prompts} | {name} | {1e3 * min(own.cpu):.0f} | {1e3 * own.quantile(0.5):.0f} "
        f"| {first.best(device) / own.best(device):.2f} |"
    )


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    engines = ["plain", "torch", *filter(is_installed, ("openvino", "onnxruntime"))]
    parser.add_argument("--model", help="as for evf-sam segment")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N")
    parser.add_argument("--engines", nargs="+", default=engines, choices=ENGINES)
    parser.add_argument("--precision", nargs="+", default=["auto"], choices=("auto", *PRECISIONS))
    parser.add_argument("--prompts", nargs="+", type=int, default=[1, 4], help="per picture")
    parser.add_argument("--scenes", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--threads", type=int, help="of torch and OpenVINO (default: theirs)")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
