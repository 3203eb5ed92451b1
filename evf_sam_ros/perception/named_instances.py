"""The objects that a model tells apart itself, as masks of the photograph.

Such a model has object queries: each selected one is an object, whether or not its mask touches
another. No mask is cut into connected parts.

Shape suffixes: B images, P prompts, Q candidates, K selected ones, H W photograph.
"""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from evf_sam_ros.models.segmenter import Instances

Mask = NDArray[np.bool_]
SAME = 0.8  # overlap (IoU) from which two queries hold one object; no such model suppresses it


def named_objects(
    instances: Instances | None,
    image: int,
    masks_PHW: Mask,
    restored: Callable[[Tensor], Tensor],
) -> tuple[tuple[Mask, ...], ...] | None:
    """Return the objects of each prompt's mask, (H, W) each, the surest first; of None, None.

    Together the objects of a prompt are its mask: what only another part of the model saw
    belongs to the object whose query comes closest to claiming it.

    Args:
        instances: of B images.
        image: the place of this one.
        masks_PHW: the masks of its own prompts.
        restored: brings logits (K, h, w) to the size of the photograph.
    """
    if instances is None:
        return None
    found: list[tuple[Mask, ...]] = []
    for prompt, mask in enumerate(masks_PHW):
        scores_Q = instances.scores[image, prompt].float()
        chosen_Q = instances.is_selected[image, prompt].bool()
        ranked = torch.argsort(scores_Q, descending=True)
        chosen = ranked[chosen_Q[ranked]]
        if len(chosen):
            logits_KHW = restored(instances.logits[image, prompt][chosen]).cpu().numpy()
            found.append(divided(mask, logits_KHW))
        else:
            found.append(())
    return tuple(found)


def divided(mask: Mask, logits_KHW: NDArray[np.floating]) -> tuple[Mask, ...]:
    """Return the objects of a mask, each with the pixels that are above 0 in its logits.

    Pixels that are in none go to the object with the highest logit there. Queries that overlap
    by `SAME` or more are one object; an object without pixels is left out.

    Args:
        mask: (H, W), what belongs to any of them.
        logits_KHW: of the objects, the surest first.
    """
    own_KHW = (logits_KHW > 0) & mask
    left_HW = mask & ~own_KHW.any(0)
    nearest_HW = logits_KHW.argmax(0)
    whole = [own | (left_HW & (nearest_HW == k)) for k, own in enumerate(own_KHW)]
    objects: list[Mask] = []
    for each in whole:
        if not each.any():
            continue
        twin = next((k for k, other in enumerate(objects) if _overlap(each, other) >= SAME), None)
        if twin is None:
            objects.append(each)
        else:
            objects[twin] = objects[twin] | each
    return tuple(objects)


def _overlap(first: Mask, second: Mask) -> float:
    return np.count_nonzero(first & second) / np.count_nonzero(first | second)
