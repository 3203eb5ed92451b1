"""The words of the tabletop grammar, and noun phrases made of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evf_sam_ros.sim.palette import COLORS, SHAPES
from evf_sam_ros.sim.scene import SceneObject

NOUNS = {
    "box": ("box", "block", "cube"),
    "ball": ("ball", "sphere"),
    "cylinder": ("cylinder", "can"),
    "capsule": ("capsule", "pill"),
    "cone": ("cone",),
    "mug": ("mug", "cup"),
    "bowl": ("bowl",),
    "bottle": ("bottle",),
    None: ("object", "thing"),
}
IRREGULAR = {"box": "boxes"}
REQUESTS = ("pick up", "grab", "find", "segment", "show me", "where is", "give me", "take")
MIRRORED = {
    "left": "right",
    "right": "left",
    "leftmost": "rightmost",
    "rightmost": "leftmost",
}


@dataclass(frozen=True)
class Kind:
    """Colour and shape that a noun phrase asks for; None: any."""

    color: str | None
    shape: str | None

    def matches(self, candidate: SceneObject) -> bool:
        """Tell whether an object is of this kind."""
        return self.color in (None, candidate.color) and self.shape in (None, candidate.shape)

    def among(self, objects: Sequence[SceneObject]) -> list[int]:
        """Return which objects are of this kind."""
        return [i for i, candidate in enumerate(objects) if self.matches(candidate)]

    def noun_phrase(self, rng: np.random.Generator, *, plural: bool = False) -> str:
        """Say it, without an article: "red mug", "things"."""
        noun = pick(rng, NOUNS[self.shape])
        noun = plural_of(noun) if plural else noun
        if self.color is None:
            return noun
        if rng.random() < 0.05:
            return f"{noun} that {'are' if plural else 'is'} {self.color}"
        return f"{self.color} {noun}"


def pick(rng: np.random.Generator, choices: Sequence[str]) -> str:
    """Choose one; many times faster than `Generator.choice`, which makes an array first."""
    return choices[int(rng.integers(len(choices)))]


def plural_of(noun: str) -> str:
    """Return the plural of one of `NOUNS`."""
    return IRREGULAR.get(noun, noun + "s")


def kind_from(words: Sequence[str]) -> tuple[Kind, bool] | None:
    """Parse a noun phrase: its kind and whether it is plural; None if it is not one."""
    if len(words) == 4 and words[1] in ("that", "which") and words[2] in ("is", "are"):
        words = [words[3], words[0]]
    color = words[0] if words and words[0] in COLORS else None
    rest = words[1:] if color else words
    if len(rest) != 1:
        return None
    for shape in (*SHAPES, None):
        for noun in NOUNS[shape]:
            if rest[0] in (noun, plural_of(noun)):
                return Kind(color, shape), rest[0] != noun
    return None


def mirror(text: str) -> str:
    """Say what holds in the mirrored picture: left and right change places."""
    return " ".join(MIRRORED.get(word, word) for word in text.split())
