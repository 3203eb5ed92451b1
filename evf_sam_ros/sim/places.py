"""Selection by position: the clear leftmost, middle or nearest object of a group, the second, ...

Each function returns a sentence template for the noun phrase and the object, or None.
"""

from collections.abc import Sequence

import numpy as np

from evf_sam_ros.sim.scene import SceneObject
from evf_sam_ros.sim.words import pick

APART = 0.07  # of the picture's width
Found = tuple[str, int] | None
Objects = Sequence[SceneObject]
Rng = np.random.Generator


def leftmost(objects: Objects, group: Sequence[int], rng: Rng) -> Found:
    """The one furthest to the left."""
    return _outermost(objects, group, rng, "left")


def rightmost(objects: Objects, group: Sequence[int], rng: Rng) -> Found:
    """The one furthest to the right."""
    return _outermost(objects, group, rng, "right")


def middle(objects: Objects, group: Sequence[int], rng: Rng) -> Found:
    """The median of an odd group, which must also be nearest to the picture's middle."""
    if len(group) < 3 or len(group) % 2 == 0:
        return None
    order = sorted(group, key=lambda i: objects[i].u)
    half = len(order) // 2
    before, center, after = (objects[i].u for i in order[half - 1 : half + 2])
    if min(after - center, center - before) < APART:
        return None
    if min(group, key=lambda i: abs(objects[i].u - 0.5)) != order[half]:
        return None
    return pick(rng, ["{} in the middle", "middle {}", "{} in the center"]), order[half]


def nearest(objects: Objects, group: Sequence[int], rng: Rng) -> Found:
    """The one nearest to the camera."""
    templates = (
        "nearest {}",
        "closest {}",
        "{} closest to the camera",
        "{} nearest to the camera",
        "front {}",
        "{} in front",
        "{} at the front",
        "{} closest to me",
    )
    return _along(objects, group, 1, pick(rng, templates))


def farthest(objects: Objects, group: Sequence[int], rng: Rng) -> Found:
    """The one farthest from the camera."""
    templates = (
        "farthest {}",
        "{} farthest from the camera",
        "{} in the back",
        "{} at the back",
        "back {}",
        "{} farthest from me",
    )
    return _along(objects, group, -1, pick(rng, templates))


def ordinal(objects: Objects, group: Sequence[int], rng: Rng) -> Found:
    """The n-th object from one side; never the last, which people would not count."""
    if len(group) < 3:
        return None
    columns = np.sort([objects[i].u for i in group])
    if np.diff(columns).min() < 0.05:
        return None
    side = pick(rng, ["left", "right"])
    order = sorted(group, key=lambda i: objects[i].u, reverse=side == "right")
    place = int(rng.integers(0 if rng.random() < 0.2 else 1, min(len(group) - 1, 4)))
    word = ("first", "second", "third", "fourth")[place]
    return f"{word} {{}} from the {side}", order[place]


def _outermost(objects: Objects, group: Sequence[int], rng: Rng, side: str) -> Found:
    order = sorted(group, key=lambda i: objects[i].u, reverse=side == "right")
    lead = abs(objects[order[1]].u - objects[order[0]].u)
    if lead < APART:
        return None
    from_side = objects[order[0]].u if side == "left" else 1 - objects[order[0]].u
    on_that_side = from_side < 0.42 and (len(group) == 2 or lead > 0.15)
    draw = rng.random()
    if draw < 0.36:
        template = f"{side}most {{}}"
    elif draw < 0.4:
        template = f"{{}} farthest to the {side}"
    elif draw < 0.7 and len(group) == 2:
        template = f"{side} {{}}"
    elif on_that_side:
        template = pick(rng, [f"{{}} on the {side}", f"{{}} on the {side} side"])
    else:
        template = f"{{}} on the far {side}"
    return template, order[0]


def _along(objects: Objects, group: Sequence[int], sign: int, template: str) -> Found:
    """Depth along the ground and distance must agree."""
    order = sorted(group, key=lambda i: sign * objects[i].away)
    first, second = (objects[i] for i in order[:2])
    distances = sorted(sign * objects[i].distance for i in group)
    agree = sign * first.distance == distances[0] and distances[1] - distances[0] > 0.03
    return (template, order[0]) if agree and sign * (second.away - first.away) > 0.05 else None
