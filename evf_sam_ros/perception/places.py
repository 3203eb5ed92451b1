"""Words that tell several objects apart by where they are in the picture."""

from collections.abc import Sequence

import numpy as np

from evf_sam_ros.perception.geometry import Mask

# Two or three objects in a row; more are counted.
_ACROSS = {2: ("the left one", "the right one"),
           3: ("the left one", "the middle one", "the right one")}  # fmt: skip
_DOWN = {2: ("the upper one", "the lower one"),
         3: ("the upper one", "the middle one", "the lower one")}  # fmt: skip
_ORDINALS = (
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth",
    "eleventh", "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth",
)  # fmt: skip


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
    words = (_ACROSS, _DOWN)[axis].get(count) or _counted(count, ("left", "top")[axis])
    order = np.argsort(middles[:, axis], kind="stable")
    place = np.empty(count, int)
    place[order] = np.arange(count)
    return tuple(words[rank] for rank in place)


def _counted(count: int, side: str) -> tuple[str, ...]:
    return tuple(f"the {ordinal} one from the {side}" for ordinal in _ORDINALS[:count])
