"""Baselines without grammar, which a model of language must beat."""

from collections.abc import Sequence

import numpy as np

from evf_sam_ros.sim.scene import SceneObject
from evf_sam_ros.sim.words import TABLETOP, Kind, Lexicon, kind_from


def first_kind(text: str, lexicon: Lexicon = TABLETOP) -> Kind | None:
    """Return the first colour and noun in a sentence; None if it has none."""
    words = text.lower().split()
    longest = 1 + max(len(noun.split()) for nouns in lexicon.nouns.values() for noun in nouns)
    for start in range(len(words)):
        for length in range(longest, 0, -1):
            read = kind_from(words[start : start + length], lexicon)
            if read is not None:
                return read[0]
    return None


def keyword_matches(text: str, objects: Sequence[SceneObject]) -> list[int]:
    """Return every object of the first kind named, whatever else the sentence says."""
    kind = first_kind(text, objects[0].lexicon)
    return [] if kind is None else kind.among(objects)


def keyword_guess(matches: Sequence[int], rng: np.random.Generator) -> int | None:
    """Choose one of the matches, as someone must who is to pick up one thing."""
    return int(rng.choice(matches)) if len(matches) else None
