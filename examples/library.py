"""Find objects in an image: `python examples/library.py [IMAGE] [EXPRESSION ...]`.

Without arguments it renders a simulated tabletop, which is what the shipped model knows. For a
photograph, pass `--model YxZhang/evf-sam2-multitask` (after `evf-sam download` of the same name).
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evf_sam_ros.perception.predictor import load_predictor
from evf_sam_ros.pictures.photograph import read_rgb


def main() -> None:
    """Print score, area and box of each expression."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("image", nargs="?", type=Path)
    parser.add_argument("expression", nargs="*", default=["the red bottle", "the blue mug"])
    parser.add_argument("--model", default="default")
    options = parser.parse_args()
    image_rgb = read_rgb(options.image) if options.image else _tabletop()

    predict = load_predictor(options.model, device="auto")
    answer = predict(image_rgb, options.expression)
    for expression, found, score, mask in zip(
        options.expression, answer.found, answer.scores, answer.masks, strict=True
    ):
        where = f"{int(mask.sum())} pixels around {_middle(mask)}" if found else "not found"
        print(f"{expression}: {where} (score {score:.2f})")


def _middle(mask: NDArray[np.bool_]) -> tuple[int, int]:
    """Return the mean (u, v) of a mask's pixels."""
    rows, columns = np.nonzero(mask)
    return int(columns.mean()), int(rows.mean())


def _tabletop() -> NDArray[np.uint8]:
    from evf_sam_ros.sim.scene import render_scene

    return render_scene(seed=910_001, width=640, height=480).rgb


if __name__ == "__main__":
    main()
