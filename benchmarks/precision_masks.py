"""Compare the masks of engines and precisions with those of the model as written, in float32.

    python benchmarks/precision_masks.py [--scenes 12] [--engines torch] [--precision bf16 fp16]

Scenes are drawn, with some sentences each; the model's weights are trained ones, which half
precision treats better than random ones. Every predictor decides for itself. fp16, which a CPU is
refused for its slowness, runs here: its answers are the point. The exit
status is 1 where a mean overlap is below the goal.
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs without being installed

import numpy as np
from tqdm import tqdm

from evf_sam_ros.engines.engine import ENGINES
from evf_sam_ros.evaluation.tabletop import EXPRESSION_STREAM, EXPRESSIONS_PER_SCENE
from evf_sam_ros.perception import predictor
from evf_sam_ros.perception.device import PRECISIONS
from evf_sam_ros.perception.predictor import Predictor, Segmentation, load_predictor
from evf_sam_ros.sim.expressions import sample_expressions
from evf_sam_ros.sim.scene import Scene, render_scene

GOAL = 0.995  # mean overlap


@dataclass
class Agreement:
    """Comparison of a predictor's answers with those of the model in float32."""

    # IoU of every mask that either found, as both drew it before they decided.
    overlaps: list[float] = field(default_factory=list)
    logit_error: float = 0.0  # relative L2, of the worst scene
    asked: int = 0
    decided_otherwise: int = 0  # found by one alone

    def add(self, expected: Segmentation, computed: Segmentation) -> None:
        """Compare the answers about one scene."""
        error = np.linalg.norm(computed.logits - expected.logits)
        self.logit_error = max(self.logit_error, float(error / np.linalg.norm(expected.logits)))
        self.asked += len(expected.found)
        self.decided_otherwise += int((expected.found != computed.found).sum())
        assert expected.proposed is not None
        assert computed.proposed is not None
        for number in np.flatnonzero(expected.found | computed.found):
            one, other = expected.proposed[number], computed.proposed[number]
            self.overlaps.append(float((one & other).sum() / (one | other).sum()))

    def reached(self) -> bool:
        """Tell whether the masks are near enough."""
        return bool(self.overlaps) and float(np.mean(self.overlaps)) >= GOAL

    def line(self, name: str) -> str:
        """Return a row of the table."""
        mean, least = np.mean(self.overlaps), np.min(self.overlaps, initial=1.0)
        return (
            f"| {name} | {self.logit_error:.1e} | {len(self.overlaps)} | {mean:.4f} "
            f"| {least:.4f} | {self.decided_otherwise} of {self.asked} |"
        )


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    arguments = _arguments(argv)
    given = (arguments.model, arguments.device)
    reference = load_predictor(*given, "fp32", engine="plain")
    others = {
        f"{engine} {precision}": _loaded(*given, precision, engine)
        for engine in arguments.engines
        for precision in arguments.precision
    }
    found = {name: Agreement() for name in others}
    for scene, sentences in tqdm(_asked(arguments), total=arguments.scenes, unit="scene"):
        expected = reference(scene.rgb, sentences)
        for name, other in others.items():
            found[name].add(expected, other(scene.rgb, sentences))
    print(
        "| engine | error of the logits | masks | mean IoU | least IoU | found or not: differs |"
    )
    print("| --- | --- | --- | --- | --- | --- |")
    for name, agreement in found.items():
        print(agreement.line(name))
    return 0 if all(each.reached() for each in found.values()) else 1


def _loaded(model: str | None, device: str, precision: str, engine: str) -> Predictor:
    with mock.patch.object(predictor, "precision_of", lambda name, _: name):
        loaded = load_predictor(model, device, precision, engine=engine)
    if (loaded.precision, loaded.engine.name) != (precision, engine):
        refused = f"{loaded.engine.name} in {loaded.precision} runs in its place"
        raise SystemExit(f"{engine} in {precision} was refused: {refused}")
    return loaded


def _asked(arguments: argparse.Namespace) -> Iterator[tuple[Scene, list[str]]]:
    for seed in range(arguments.seed, arguments.seed + arguments.scenes):
        scene = render_scene(seed)
        random = np.random.default_rng([seed, EXPRESSION_STREAM])
        drawn = sample_expressions(scene.objects, random, EXPRESSIONS_PER_SCENE)
        yield scene, [expression.text for expression in drawn]


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", help="as for evf-sam segment")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N")
    parser.add_argument("--engines", nargs="+", default=["torch"], choices=ENGINES)
    parser.add_argument("--precision", nargs="+", default=["bf16", "fp16"], choices=PRECISIONS)
    parser.add_argument("--scenes", type=int, default=12)
    parser.add_argument("--seed", type=int, default=930_000, help="of the first scene")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
