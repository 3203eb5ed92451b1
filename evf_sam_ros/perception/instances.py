"""Singular and plural: the number of objects that a sentence asks for and a mask shows."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evf_sam_ros.language.number import means_several
from evf_sam_ros.perception.depth_readings import DepthMap
from evf_sam_ros.perception.geometry import main_body, split_instances, window

LEAST_SHARE = 0.3  # of the largest part's area: smaller ones are specks
LEAST_PIXELS = 16
MAX_OBJECTS = 16  # more are no objects but a mask in shreds, and each one takes time
# What a part of a mask must have beside its main part: this share of its probability mass, and
# a peak at most so much lower. Figures: docs/measurements/default_model.md.
TIDY_ONE, TIDY_SEVERAL = (0.5, 0.05), (0.05, 0.2)


def tidied(
    mask: NDArray[np.bool_], logits: Callable[[], NDArray[np.floating]], expression: str
) -> NDArray[np.bool_]:
    """Return the mask without the parts of which the model is far less sure, (H, W).

    Where the sentence means one object, another part of about the same weight stays: two
    objects may fit it.

    Args:
        mask: (H, W).
        logits: gives what it was made of, (H, W); not called for a mask of one part.
        expression: what was asked for.
    """
    inside = window(mask)
    parts = split_instances(mask[inside])
    if len(parts) < 2:
        return mask
    logits_hw = logits()[inside]
    share, drop = TIDY_SEVERAL if means_several(expression) else TIDY_ONE
    sure = [1 / (1 + np.exp(-logits_hw[part])) for part in parts]
    weights = [float(values.sum()) for values in sure]
    peaks = [float(values.max()) for values in sure]
    main = int(np.argmax(weights))
    kept = [
        part
        for part, weight, peak in zip(parts, weights, peaks, strict=True)
        if weight >= share * weights[main] and peak >= peaks[main] - drop
    ]
    tidy = np.zeros_like(mask)
    tidy[inside] = np.logical_or.reduce(kept)
    return tidy


def split_objects(
    mask: NDArray[np.bool_], depth_m: DepthMap | None = None
) -> list[NDArray[np.bool_]]:
    """Return the separate parts of a mask that are of comparable size, the largest first.

    Objects that touch in the picture stay one.

    Args:
        mask: (H, W).
        depth_m: (H, W), where known: parts that only something nearer separates are one object.
    """
    found = split_instances(mask, LEAST_PIXELS)
    if depth_m is not None and len(found) > 1:
        body = main_body(mask, depth_m)
        found = [body, *(part for part in found if not (part & body).any())]
    largest = np.count_nonzero(found[0]) if found else 0
    return [part for part in found if np.count_nonzero(part) >= LEAST_SHARE * largest]


def objects_of(
    expression: str,
    mask: NDArray[np.bool_],
    depth_m: DepthMap | None,
    least_px: int,
    *,
    named: Sequence[NDArray[np.bool_]] = (),
) -> tuple[NDArray[np.bool_], ...]:
    """Return the separate objects of a mask, (H, W) each, the largest first.

    Where the expression means one object, what is one in several parts stays one. What the model
    itself tells apart stays apart, also where it touches, and whole, also in several parts.

    Args:
        expression: what was asked for.
        mask: (H, W).
        depth_m: (H, W), where known.
        least_px: smaller parts are dropped.
        named: the objects that the model itself tells apart, (H, W) each; empty: it does not.
    """
    if named:
        sizes = [int(np.count_nonzero(each)) for each in named]
        ranked = sorted(range(len(named)), key=lambda k: -sizes[k])
        return tuple(named[k] for k in ranked if sizes[k] >= least_px)[:MAX_OBJECTS]
    parts = split_instances(mask, least_px)
    if len(parts) < 2 or means_several(expression):
        return tuple(parts[:MAX_OBJECTS])
    objects = split_objects(np.logical_or.reduce(parts), depth_m)
    if len(objects) > 1:
        return tuple(objects[:MAX_OBJECTS])
    return (np.logical_or.reduce(parts),)


def tidy_all(
    masks: NDArray[np.bool_], logits_Phw: Any, bring: Callable[[Any], Any], prompts: Sequence[str]
) -> None:
    """Tidy P masks (P, H, W) in place.

    Args:
        masks: what is found of each prompt.
        logits_Phw: what they were made of, at low resolution.
        bring: restores logits (1, h, w) to (1, H, W); called for masks of several parts only.
        prompts: one for each mask.
    """
    for index, expression in enumerate(prompts):
        logits = partial(_numbers, logits_Phw[index : index + 1], bring)
        masks[index] = tidied(masks[index], logits, expression)


def _numbers(logits_1hw: Any, bring: Callable[[Any], Any]) -> NDArray[np.floating]:
    return np.asarray(bring(logits_1hw)[0].cpu().numpy())
