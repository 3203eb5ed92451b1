"""The node with a model that only waits: what remains of its latency is the node's own.

    python benchmarks/stub_node.py SECONDS [--ros-args ...]

Reads, answers and publishes as ever; what is found is always a box in the middle of the image.
"""

import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs without being installed

import numpy as np

from evf_sam_ros.perception.predictor import (
    Predictor,
    Segmentation,
    load_predictor,
)
from evf_sam_ros.ros.node.segmentation_node import SegmentationNode
from evf_sam_ros.ros.run import run


def load_stub(delay_s: float, *arguments: Any, **options: Any) -> Predictor:
    """Load the model, and put waiting in the place of running it."""
    predictor = load_predictor(*arguments, **options)
    pattern = predictor(np.zeros((480, 640, 3), np.uint8), ["the red mug"])

    def batch(
        images_rgb: Sequence[Any], prompts: Sequence[Sequence[str]], **_: Any
    ) -> list[Segmentation]:
        time.sleep(delay_s)
        times = replace(
            pattern.times,
            preprocess=0.0,
            encode_image=delay_s,
            fuse_and_decode=0.0,
            postprocess=0.0,
        )
        return [
            _answer(replace(pattern, times=times), image.shape[:2], len(own))
            for image, own in zip(images_rgb, prompts, strict=True)
        ]

    predictor.batch = batch  # type: ignore[method-assign]
    return predictor


def _answer(pattern: Segmentation, size: tuple[int, int], prompts: int) -> Segmentation:
    masks = np.zeros((prompts, *size), bool)
    height, width = size
    masks[:, height // 3 : 2 * height // 3, width // 3 : 2 * width // 3] = True
    per_prompt = {
        name: np.repeat(value[:1], prompts, 0)
        for name, value in vars(pattern).items()
        if isinstance(value, np.ndarray) and name not in ("masks", "proposed")
    }
    tuples = {
        name: value[:1] * prompts
        for name, value in vars(pattern).items()
        if isinstance(value, tuple) and len(value) == 1
    }
    sure = {"scores": np.ones(prompts, np.float32), "found": np.ones(prompts, bool)}
    return replace(pattern, **(per_prompt | tuples | sure), masks=masks, proposed=masks)


if __name__ == "__main__":
    stub = partial(load_stub, float(sys.argv[1]))
    sys.exit(run(partial(SegmentationNode, load=stub), sys.argv[2:], SegmentationNode.start))
