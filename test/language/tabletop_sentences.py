"""Sentences of the tabletop grammar, over tables that are made up and never drawn."""

import numpy as np

from evf_sam_ros.sim.expressions import sample_expressions
from evf_sam_ros.sim.palette import COLORS, SHAPES
from evf_sam_ros.sim.scene import SceneObject
from evf_sam_ros.sim.words import REQUESTS


def sentences(rng: np.random.Generator, count: int) -> list[str]:
    """Return different expressions, those without a request in front of them."""
    found: set[str] = set()
    while len(found) < count:
        objects = [_made_up(rng) for _ in range(6)]
        texts = (expression.text for expression in sample_expressions(objects, rng, 12))
        found.update(text for text in texts if not text.startswith(REQUESTS))
    return sorted(found)


def _made_up(rng: np.random.Generator) -> SceneObject:
    radius, height = rng.uniform(0.02, 0.06), rng.uniform(0.04, 0.15)
    return SceneObject(
        shape=str(rng.choice(SHAPES)),
        color=str(rng.choice(list(COLORS)[:4])),
        radius=radius,
        height=height,
        volume=3 * radius**2 * height,
        right=rng.uniform(-0.3, 0.3),
        away=rng.uniform(0.4, 0.9),
        distance=rng.uniform(0.5, 1.0),
        u=rng.uniform(0.1, 0.9),
        v=rng.uniform(0.1, 0.9),
        pixels=int(rng.integers(300, 2000)),
        visible=1.0,
    )
