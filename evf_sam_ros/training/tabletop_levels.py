"""Difficulty levels of tabletop negatives: their distance from a sentence that fits."""

import re
from collections.abc import Sequence

from evf_sam_ros.sim.expressions import Expression
from evf_sam_ros.sim.palette import COLORS, SHAPES
from evf_sam_ros.sim.scene import SceneObject
from evf_sam_ros.training.negatives import ABSENT, ATTRIBUTE, OTHER, RELATION


def level_of(expression: Expression, objects: Sequence[SceneObject]) -> str:
    """Return the level of a negative, "" for a sentence that has a target."""
    if expression.targets:
        return ""
    if expression.candidates:
        return RELATION  # the noun phrase alone would fit something
    words = re.findall(r"[a-z]+", expression.text.lower())
    shape = next((known for word in words for known in SHAPES if _is(word, known)), None)
    color = next((word for word in words if word in COLORS), None)
    if shape is not None and not any(one.shape == shape for one in objects):
        return ABSENT
    return OTHER if color is None else ATTRIBUTE


def _is(word: str, shape: str) -> bool:
    return word in (shape, f"{shape}s", f"{shape}es")
