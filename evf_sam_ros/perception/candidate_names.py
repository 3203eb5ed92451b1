"""Names of several objects by where they are in the picture."""

from collections.abc import Sequence

import numpy as np

from evf_sam_ros.language.candidates import ACROSS, DOWN, names
from evf_sam_ros.perception.geometry import Mask


def told_apart(masks: Sequence[Mask]) -> tuple[str, ...]:
    """Return a description of each mask, different from all others; none for a single mask.

    They are counted along the direction in which neighbours are further apart.

    Args:
        masks: (H, W) each, none empty, 16 at most.
    """
    count = len(masks)
    if count < 2:
        return ()
    middles = np.array(
        [[np.flatnonzero(mask.any(axis)).mean() for axis in (0, 1)] for mask in masks]
    )
    gaps = [np.diff(np.sort(middles[:, axis])).min() for axis in (0, 1)]
    axis = 0 if gaps[0] >= gaps[1] else 1
    words = names(count, (ACROSS, DOWN)[axis])
    order = np.argsort(middles[:, axis], kind="stable")
    place = np.empty(count, int)
    place[order] = np.arange(count)
    return tuple(words[rank] for rank in place)
