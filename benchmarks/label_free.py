"""Measure what calibration without labels restores: the decision of a model, from pictures alone.

    python benchmarks/label_free.py [--model DIR] [--pictures N] [--scenes N] [--seed S]

The model loses its own decision, is shown pictures of scenes, and is then asked the sentences of
`evf-sam evaluate --data tabletop` about other scenes. T-acc: share of the sentences that fit an
object and are found. N-acc: share of those that fit nothing and are not found.
"""

import argparse
import sys
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs without being installed

import numpy as np
from tqdm import tqdm

from evf_sam_ros.evaluation.tabletop import EXPRESSION_STREAM
from evf_sam_ros.perception.decision import Calibration, probability_found
from evf_sam_ros.perception.label_free import calibrate
from evf_sam_ros.perception.predictor import Predictor, load_predictor
from evf_sam_ros.perception.signals import free_signals
from evf_sam_ros.sim.expressions import sample_expressions
from evf_sam_ros.sim.scene import render_scene

PER_SCENE = 6


class Accuracy(NamedTuple):
    """Shares of right decisions."""

    present: float  # T-acc
    absent: float  # N-acc
    sentences: int


def main(argv: list[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="default", help="name or folder")
    parser.add_argument("--pictures", type=int, default=40, help="unlabelled, to calibrate with")
    parser.add_argument("--scenes", type=int, default=100, help="other scenes, to measure with")
    parser.add_argument("--seed", type=int, default=960000, help="of the first scene")
    arguments = parser.parse_args(argv)
    predictor = load_predictor(arguments.model)
    first = arguments.seed + arguments.pictures
    pictures = [render_scene(seed).rgb for seed in range(arguments.seed, first)]
    calibration = calibrate(predictor, tqdm(pictures, "pictures"))
    scenes = range(first, first + arguments.scenes)
    print(f"{calibration}")
    figures = accuracy(predictor, calibration, scenes)
    print(
        f"T-acc {figures.present:.3f}, N-acc {figures.absent:.3f}, {figures.sentences} sentences"
    )


def accuracy(predictor: Predictor, calibration: Calibration, seeds: range) -> Accuracy:
    """Decide by a calibration about the sentences of scenes that it has not seen."""
    decided: dict[bool, list[bool]] = {True: [], False: []}
    for seed in tqdm(seeds, "scenes"):
        scene = render_scene(seed)
        rng = np.random.default_rng([EXPRESSION_STREAM, seed])
        expressions = sample_expressions(scene.objects, rng, PER_SCENE)
        answer = predictor.batch([scene.rgb], [[each.text for each in expressions]])[0]
        signals = free_signals(answer.logits, answer.predicted_iou, answer.presence)
        found = probability_found(calibration, signals) >= calibration.threshold
        for expression, is_found in zip(expressions, found, strict=True):
            decided[bool(expression.targets)].append(bool(is_found))
    there, absent = decided[True], decided[False]
    return Accuracy(float(np.mean(there)), 1.0 - float(np.mean(absent)), len(there) + len(absent))


if __name__ == "__main__":
    main()
