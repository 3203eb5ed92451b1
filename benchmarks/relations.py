"""Measure how well a model tells a relation that holds from one that does not.

    python benchmarks/relations.py [--model DIR] [--scenes N] [--seed S]

About as many sentences of each sort, with what they name always on the table: "the mug left of the
red block" where it is, and where it is not. By chance AUROC is 0.5.
"""

import argparse
import sys
from collections import defaultdict
from itertools import chain
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs without being installed

import numpy as np
from tqdm import tqdm

from evf_sam_ros.evaluation.metrics import auroc
from evf_sam_ros.evaluation.tabletop import EXPRESSION_STREAM, best_object
from evf_sam_ros.perception.predictor import load_predictor
from evf_sam_ros.sim.expressions import sample_expressions
from evf_sam_ros.sim.relations import NEAR
from evf_sam_ros.sim.scene import render_scene

MIX = {"relation": 0.4, "wrong relation": 0.4, "next to": 0.2, "between": 0.1, "ordinal": 0.1}
WORDS = {
    "left of": (" left of", " on the left of", " to the left of"),
    "right of": (" right of", " on the right of", " to the right of"),
    "behind": (" behind ",),
    "in front of": (" in front of ",),
    "next to, closest to": tuple(f" {word} " for word in NEAR),
    "between": (" between ",),
    "second, third ...": ("first", "second", "third", "fourth"),
}
PER_SCENE = 8


class Said(NamedTuple):
    """One answer."""

    p_found: float
    found: bool
    holds: bool
    right: bool  # the object that was meant, whatever p(found)


def main(argv: list[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="default", help="name or folder")
    parser.add_argument("--scenes", type=int, default=100)
    parser.add_argument("--seed", type=int, default=920000, help="of the first scene")
    arguments = parser.parse_args(argv)
    answers = asked(arguments.model, arguments.scenes, arguments.seed)
    print(f"{'':22}{'holds':>6}{'right':>7}{'found':>7}{'does not':>10}{'N-acc':>7}{'AUROC':>7}")
    for words, said in {**answers, "all": [*chain(*answers.values())]}.items():
        print(f"{words:22}{line(said)}")


def asked(model: str, scenes: int, first_seed: int) -> dict[str, list[Said]]:
    """Return what the model says, by relation."""
    predictor = load_predictor(model)
    answers: dict[str, list[Said]] = defaultdict(list)
    for seed in tqdm(range(first_seed, first_seed + scenes), "scenes"):
        scene = render_scene(seed, 640, 480)
        rng = np.random.default_rng([EXPRESSION_STREAM, seed])
        expressions = sample_expressions(scene.objects, rng, PER_SCENE, MIX)
        if not expressions:
            continue
        answer = predictor(scene.rgb, [expression.text for expression in expressions])
        assert answer.proposed is not None
        for index, expression in enumerate(expressions):
            chosen = best_object(answer.proposed[index], scene)
            right = chosen is not None and chosen in expression.targets
            p_found, found = float(answer.scores[index]), bool(answer.found[index])
            said = Said(p_found, found, bool(expression.targets), right)
            answers[_relation(expression.text)].append(said)
    return {words: answers[words] for words in WORDS}


def _relation(text: str) -> str:
    return next(name for name, words in WORDS.items() if any(word in text for word in words))


def line(said: list[Said]) -> str:
    """Return one line of the table."""
    there = [one for one in said if one.holds]
    absent = [one for one in said if not one.holds]
    right = np.mean([one.right for one in there]) if there else np.nan
    found = np.mean([one.found for one in there]) if there else np.nan
    refused = np.mean([not one.found for one in absent]) if absent else np.nan
    area = auroc([one.p_found for one in there], [one.p_found for one in absent])
    return (
        f"{len(there):6d}{right:7.3f}{found:7.3f}{len(absent):10d}"
        f"{refused:7.3f}{np.nan if area is None else area:7.3f}"
    ).replace("nan", "  -")


if __name__ == "__main__":
    main()
