"""Measure what a model keeps of its answers when camera and speaker are not as in training.

    python benchmarks/robustness.py [--model DIR] [--scenes N] [--seed S]

Each line is one disturbance, of the same scenes and sentences as the first. `viewpoint` lines
draw the scenes anew through other lenses and from other heights.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs without being installed

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from evf_sam_ros.evaluation.tabletop import EXPRESSION_STREAM, EXPRESSIONS_PER_SCENE, best_object
from evf_sam_ros.language.sentence import parse_command
from evf_sam_ros.perception.predictor import Predictor, load_predictor
from evf_sam_ros.sim.expressions import Expression, sample_expressions
from evf_sam_ros.sim.layout import Viewpoints
from evf_sam_ros.sim.scene import Scene, render_scene

Picture = NDArray[np.uint8]
Rng = np.random.Generator


def _scaled(picture: Picture, gains: Any) -> Picture:
    return np.clip(picture * np.asarray(gains, np.float32), 0, 255).astype(np.uint8)


def _noisy(picture: Picture, rng: Rng) -> Picture:
    return np.clip(picture + rng.normal(0, 12, picture.shape), 0, 255).astype(np.uint8)


def _jpeg(picture: Picture, rng: Rng) -> Picture:
    coded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 25])[1]
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)


def _typo(text: str, rng: Rng) -> str:
    """Leave one letter out of the longest word."""
    word = max(text.split(), key=len)
    place = int(rng.integers(1, len(word) - 1)) if len(word) > 3 else len(word)
    return text.replace(word, word[:place] + word[place + 1 :])


PICTURES: dict[str, Callable[[Picture, Rng], Picture]] = {
    "as it is": lambda picture, rng: picture,
    "noise, sigma 12": _noisy,
    "blur, sigma 2": lambda picture, rng: np.asarray(
        cv2.GaussianBlur(picture, (0, 0), 2), np.uint8
    ),
    "exposure x 0.5": lambda picture, rng: _scaled(picture, 0.5),
    "exposure x 1.5": lambda picture, rng: _scaled(picture, 1.5),
    "white balance, warm": lambda picture, rng: _scaled(picture, (1.15, 1, 0.85)),
    "white balance, cold": lambda picture, rng: _scaled(picture, (0.85, 1, 1.15)),
    "JPEG, quality 25": _jpeg,
}
SENTENCES: dict[str, Callable[[str, Rng], str]] = {
    "UPPER CASE!": lambda text, rng: text.upper() + "!",
    "could you ..., please": lambda text, rng: f"could you find {text}, please",
    "one letter left out": _typo,
}
VIEWPOINTS = {
    "viewpoint: wide lens": Viewpoints(fov_y=(62, 72)),
    "viewpoint: long lens": Viewpoints(fov_y=(26, 34)),
    "viewpoint: low": Viewpoints(elevation=(20, 27)),
    "viewpoint: from above": Viewpoints(elevation=(64, 76)),
    "viewpoint: from aside": Viewpoints(azimuth=50),
}


Cases = list[tuple[str, Expression]]  # what is said, and what it means


class Tally:
    """Right objects, wrong ones and refusals."""

    def __init__(self) -> None:
        self.single = self.right = self.wrong = self.absent = self.refused = 0
        self.intersection = self.union = 0

    def add(self, predictor: Predictor, scene: Scene, picture: Picture, cases: Cases) -> None:
        """Judge one picture's answers."""
        answer = predictor(picture, [text for text, _ in cases])
        for mask, found, (_, expression) in zip(answer.masks, answer.found, cases, strict=True):
            target = scene.mask(expression.targets)
            self.intersection += int((mask & target).sum())
            self.union += int((mask | target).sum())
            if len(expression.targets) == 1:
                hit = best_object(mask, scene) if found else None
                self.single += 1
                self.right += hit == expression.targets[0]
                self.wrong += hit not in (None, expression.targets[0])
            elif not expression.targets:
                self.absent += 1
                self.refused += not found

    def line(self, name: str) -> str:
        """Print as a row of the table."""
        return (
            f"{name:26s}{self.intersection / max(self.union, 1):8.3f}"
            f"{self.right / max(self.single, 1):8.3f}{self.wrong / max(self.single, 1):8.3f}"
            f"{self.refused / max(self.absent, 1):8.3f}"
        )


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default=None, help="as for evf-sam segment")
    parser.add_argument("--scenes", type=int, default=100, help="per line of the table")
    parser.add_argument("--seed", type=int, default=930_000, help="of the first scene")
    arguments = parser.parse_args(argv)
    predictor = load_predictor(arguments.model)
    seeds = range(arguments.seed, arguments.seed + arguments.scenes)
    tallies: dict[str, Tally] = {}
    lines = len(PICTURES) + len(SENTENCES) + len(VIEWPOINTS)
    with tqdm(total=len(seeds) * lines, unit="picture") as bar:
        for name, scene, picture, cases in _asked(seeds):
            tallies.setdefault(name, Tally()).add(predictor, scene, picture, cases)
            bar.update()
    print(f"{'':26s}    cIoU   right   wrong   N-acc")
    for name, tally in tallies.items():
        print(tally.line(name))
    return 0


def _asked(seeds: range) -> Iterator[tuple[str, Scene, Picture, Cases]]:
    """Yield every disturbance of every scene."""
    for seed in seeds:
        scene = render_scene(seed)
        plain = _cases(scene)
        for name, disturb in PICTURES.items():
            yield name, scene, disturb(scene.rgb, np.random.default_rng(seed)), plain
        for name, say in SENTENCES.items():
            rng = np.random.default_rng(seed)
            said = [(parse_command(say(text, rng)).expression, truth) for text, truth in plain]
            yield name, scene, scene.rgb, said
        for name, viewpoints in VIEWPOINTS.items():
            other = render_scene(seed, viewpoints=viewpoints)
            yield name, other, other.rgb, _cases(other)


def _cases(scene: Scene) -> Cases:
    rng = np.random.default_rng([scene.seed, EXPRESSION_STREAM])
    drawn = sample_expressions(scene.objects, rng, EXPRESSIONS_PER_SCENE)
    return [(expression.text, expression) for expression in drawn]


if __name__ == "__main__":
    sys.exit(main())
