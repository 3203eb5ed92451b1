"""Baselines without grammar, which a model of language must beat."""

from collections.abc import Sequence

import numpy as np

from evf_sam_ros.sim.scene import SceneObject
from evf_sam_ros.sim.words import Kind, kind_from


def first_kind(text: str) -> Kind | None:
    """Return the first colour and noun in a sentence; None if it has none."""
    words = text.lower().split()
    for start in range(len(words)):
        for length in (2, 1):
            read = kind_from(words[start : start + length])
            if read is not None:
                return read[0]
    return None


def keyword_matches(text: str, objects: Sequence[SceneObject]) -> list[int]:
    """Return every object of the first kind named, whatever else the sentence says."""
    kind = first_kind(text)
    return [] if kind is None else kind.among(objects)


def keyword_guess(matches: Sequence[int], rng: np.random.Generator) -> int | None:
    """Choose one of the matches, as someone must who is to pick up one thing."""
    return int(rng.choice(matches)) if len(matches) else None
