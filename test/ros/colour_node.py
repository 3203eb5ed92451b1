"""The segmentation node with a model that finds what is red, in a process of its own.

`--latest` lets it take the newest transform in place of that of the image's stamp: a fault that
the tests must notice.
"""

import sys
import time
from functools import partial
from types import SimpleNamespace

import numpy as np

from evf_sam_ros.perception.predictor import Segmentation, StageTimes
from evf_sam_ros.perception.transform_buffer import TransformBuffer
from evf_sam_ros.ros.node.segmentation_node import SegmentationNode
from evf_sam_ros.ros.run import run

MODEL_S = 0.06


class Colours:
    """Finds the red, green or blue pixels that a prompt names, as slowly as a model."""

    name, device, precision = "colours", "cpu", "fp32"
    engine = SimpleNamespace(name="torch")
    model = SimpleNamespace(segmenter=None)
    config = familiarity = None
    score_threshold = 0.5
    calibrated = True
    signals = None
    reads_unknown = True
    seeks_rivals = False

    def check(self, expression):
        pass

    def unknown_words(self, prompt):
        return []

    def __call__(self, image_rgb, prompts, **options):
        time.sleep(MODEL_S)
        masks = np.stack([_mask(image_rgb, prompt) for prompt in prompts])
        found = masks.any(axis=(1, 2))
        scores = np.where(found, 0.8, 0.1).astype(np.float32)
        unknown = ((),) * len(prompts)
        times = StageTimes(0.0, 0.0, MODEL_S, 0.0)
        return Segmentation(
            masks, scores, found, scores, unknown, masks * 1.0, times, calibrated=True
        )


def _mask(image_rgb, prompt):
    named = [channel for channel, name in enumerate(("red", "green", "blue")) if name in prompt]
    if not named:
        return np.zeros(image_rgb.shape[:2], bool)
    others = [channel for channel in range(3) if channel != named[0]]
    return image_rgb[..., named[0]].astype(int) > image_rgb[..., others].max(axis=-1) + 80


def newest(buffer):
    return max(each.samples[-1].stamp for each in buffer._frames.values() if each.samples)


def take_the_latest():
    at_stamp = TransformBuffer._find

    def at_latest(self, target, source, stamp):
        return at_stamp(self, target, source, newest(self) if self._frames else stamp)

    TransformBuffer._find = at_latest


def main():
    if "--latest" in sys.argv:
        sys.argv.remove("--latest")
        take_the_latest()
    make = partial(SegmentationNode, load=lambda *_, **__: Colours())
    return run(make, sys.argv[1:], SegmentationNode.start)


if __name__ == "__main__":
    sys.exit(main())
