"""Selection by size: the clearly biggest, smallest or tallest object of a group.

Solid size and visible area must agree, with a margin; else people would argue.
"""

from collections.abc import Sequence

import numpy as np

from evf_sam_ros.sim.scene import SceneObject
from evf_sam_ros.sim.words import pick

LENGTH_MARGIN = 1.22  # between objects of one shape, as a ratio of lengths
VOLUME_MARGIN = 1.7  # between objects of different shapes
HEIGHT_MARGIN = 1.35

Choice = tuple[str, int | None]


def biggest(
    objects: Sequence[SceneObject], group: Sequence[int], rng: np.random.Generator
) -> Choice:
    """Return a word and the biggest of a group of one shape; None if it is not clear."""
    words = ("largest", "biggest")
    if len(group) == 2 and rng.random() < 0.7:
        words = ("large", "big", "larger", "bigger")  # type: ignore[assignment]
    return pick(rng, words), _outstanding(objects, group, 1, LENGTH_MARGIN**3, 1.1)


def smallest(
    objects: Sequence[SceneObject], group: Sequence[int], rng: np.random.Generator
) -> Choice:
    """Return a word and the smallest of a group of one shape; None if it is not clear."""
    words = ("smallest",)
    if len(group) == 2 and rng.random() < 0.7:
        words = ("small", "little", "smaller")  # type: ignore[assignment]
    return pick(rng, words), _outstanding(objects, group, -1, LENGTH_MARGIN**3, 1.1)


def extreme(
    objects: Sequence[SceneObject], group: Sequence[int], rng: np.random.Generator
) -> Choice:
    """Return a word and the extreme one of a group of any shapes; None if it is not clear."""
    match rng.integers(3):
        case 0:
            word = pick(rng, ["largest", "biggest"])
            return word, _outstanding(objects, group, 1, VOLUME_MARGIN, 1.3)
        case 1:
            return "smallest", _outstanding(objects, group, -1, VOLUME_MARGIN, 1.3)
        case _:
            return "tallest", _tallest(objects, group)


def _outstanding(
    objects: Sequence[SceneObject], group: Sequence[int], sign: int, volume: float, area: float
) -> int | None:
    """Return the one that leads in volume and visible area by these ratios."""
    if len(group) < 2:
        return None
    volumes = sign * np.log([objects[i].volume for i in group])
    areas = sign * np.log([float(objects[i].pixels) for i in group])
    first = int(np.argmax(volumes))
    others = [i for i in range(len(group)) if i != first]
    leads = volumes[first] - volumes[others].max() > np.log(volume) and areas[first] - areas[
        others
    ].max() > np.log(area)
    return group[first] if leads else None


def _tallest(objects: Sequence[SceneObject], group: Sequence[int]) -> int | None:
    if len(group) < 2 or any(objects[i].carried for i in group):
        return None  # a low thing on a box reaches higher than a tall one beside it
    order = sorted(group, key=lambda i: -objects[i].height)
    tall, next_tall = (objects[i].height for i in order[:2])
    return order[0] if tall > HEIGHT_MARGIN * next_tall else None
