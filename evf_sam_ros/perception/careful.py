"""Run the model more often to judge its answers better.

For checkpoints that always return a mask: `evf-sam calibrate` chooses the signals.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from evf_sam_ros.perception.segmentation import Segmentation
from evf_sam_ros.perception.signals import (
    asked_signals,
    free_signals,
    mirrored_prompt,
    questions,
)

Floats: TypeAlias = NDArray[np.float32]
Signals: TypeAlias = Mapping[str, Floats]
Measured: TypeAlias = tuple[Segmentation, dict[str, Floats]]
Images: TypeAlias = Sequence[NDArray[np.uint8]]
Run: TypeAlias = Callable[[Images, Sequence[Sequence[str]]], list[Segmentation]]
# From signals, which masks have pixels, and unknown words: scores, and what is found.
Decide: TypeAlias = Callable[
    [Signals, NDArray[np.bool_], tuple[tuple[str, ...], ...]], tuple[Floats, NDArray[np.bool_]]
]


def measured(
    run: Run, images_rgb: Images, prompts: Sequence[Sequence[str]], wanted: Sequence[str]
) -> list[Measured]:
    """Return each answer with all its signals, in one run of the model.

    Args:
        run: runs the model on images and the prompts of each.
        images_rgb: (H, W, 3) each.
        prompts: of each image.
        wanted: the signals for which the model is asked more.
    """
    everything = [[*own, *questions(own, wanted)] if _is_list(own) else own for own in prompts]
    images, flip = list(images_rgb), "flip" in wanted
    if flip and all(map(_is_list, prompts)):
        everything += [[mirrored_prompt(prompt) for prompt in own] for own in prompts]
        images += [np.ascontiguousarray(image[:, ::-1]) for image in images_rgb]
    answers = run(images, everything)
    pairs = []
    for number, own in enumerate(prompts):
        mirrored = answers[len(prompts) + number] if flip else None
        answer, count = answers[number], len(own)
        first = answer.first(count)
        signals = free_signals(first.logits, first.predicted_iou, first.presence, first.existence)
        signals |= asked_signals(answer, count, wanted, mirrored)
        pairs.append((first, signals))
    return pairs


def reconsidered(answer: Segmentation, signals: Signals, decide: Decide) -> Segmentation:
    """Return an answer as its signals decide."""
    assert answer.proposed is not None
    has_pixels = np.asarray(answer.proposed.any((1, 2)))
    scores, found = decide(signals, has_pixels, answer.unknown_words)
    masks = answer.proposed & found[:, None, None]
    return replace(answer, scores=scores, found=found, masks=masks).unless(answer.unsuitable)


def _is_list(prompts: object) -> bool:
    return not isinstance(prompts, str) and bool(prompts)
