"""Exclusions: "all bowls but the red one", "the mug that is not white".

A model that never learned "not" is asked for all of the kind and for what is left out; the
answer is the first without the second.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from evf_sam_ros.language.paraphrase import exclusion
from evf_sam_ros.perception.geometry import split_instances
from evf_sam_ros.perception.segmentation import Segmentation

Mask = NDArray[np.bool_]
MARGIN_PX = 3  # around what is left out: two masks of one object differ at its rim
SAME = 0.5  # share of a part that is left out, from which all of it is


def with_exclusions(
    ask: Callable[[Sequence[str]], Segmentation], prompts: Sequence[str]
) -> Segmentation:
    """Return the answers to prompts, of which some may leave something out.

    Args:
        ask: runs the model on prompts about one picture.
        prompts: referring expressions.
    """
    if isinstance(prompts, str):
        return ask(prompts)  # refused there
    asked, outs = list(prompts), dict[int, range]()
    for index, prompt in enumerate(prompts):
        if isinstance(prompt, str) and (read := exclusion(prompt)) is not None:
            asked[index] = read[0]
            outs[index] = range(len(asked), len(asked) + len(read[1]))
            asked += read[1]
    answer = ask(asked)
    return _without(answer, outs, len(prompts)) if outs else answer


def _without(answer: Segmentation, outs: dict[int, range], count: int) -> Segmentation:
    masks, found = answer.masks[:count].copy(), answer.found[:count].copy()
    proposed = None if answer.proposed is None else answer.proposed[:count].copy()
    unknown, readings = list(answer.unknown_words[:count]), list(answer.readings[:count])
    instances = None if answer.instances is None else list(answer.instances[:count])
    for index, places in outs.items():
        for place in places:
            masks[index] = rest_of(masks[index], answer.masks[place])
            if proposed is not None:
                proposed[index] = rest_of(proposed[index], answer.masks[place])
            if instances is not None:
                rest = (rest_of(each, answer.masks[place]) for each in instances[index])
                instances[index] = tuple(each for each in rest if each.any())
            unknown[index] += answer.unknown_words[place]
            readings[index] += answer.readings[place]
        found[index] &= bool(masks[index].any()) and not unknown[index]
        masks[index] &= found[index]
    return replace(
        answer.first(count),
        masks=masks,
        found=found,
        proposed=proposed,
        instances=None if instances is None else tuple(instances),
        unknown_words=tuple(unknown),
        readings=tuple(readings),
    ).unless(answer.unsuitable)


def rest_of(mask: Mask, left_out: Mask) -> Mask:
    """Return a mask without the objects, or the parts of one, that another shows."""
    if not (mask & left_out).any():
        return mask
    size = 2 * MARGIN_PX + 1
    rim = cv2.dilate(left_out.astype(np.uint8), np.ones((size, size), np.uint8)) > 0
    rest = np.zeros_like(mask)
    for part in split_instances(mask):
        if np.count_nonzero(part & left_out) < SAME * np.count_nonzero(part):
            rest |= part & ~rim
    return rest
