"""The words of the grammar, and noun phrases made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from evf_sam_ros.sim.palette import COLORS, SHAPES
from evf_sam_ros.sim.relations import NEAR, RELATIONS, Relation

if TYPE_CHECKING:
    from evf_sam_ros.sim.scene import SceneObject  # which has a lexicon

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
IRREGULAR = {"cup and saucer": "cups and saucers"}
REQUESTS = ("pick up", "grab", "find", "segment", "show me", "where is", "give me", "take")
MIRRORED = {
    "left": "right",
    "right": "left",
    "leftmost": "rightmost",
    "rightmost": "leftmost",
}


@dataclass(frozen=True)
class Lexicon:
    """The words for the objects of one world."""

    nouns: Mapping[str | None, tuple[str, ...]]  # by shape or group; none: nobody names it
    colors: tuple[str, ...]
    relations: Mapping[str, tuple[tuple[str, ...], Relation]]
    groups: Mapping[str, frozenset[str]] = field(default_factory=dict)  # hypernyms' shapes
    without_plural: frozenset[str] = frozenset()  # nouns

    @property
    def named(self) -> tuple[str, ...]:
        """Return every shape and group that has a noun."""
        return tuple(shape for shape, nouns in self.nouns.items() if shape is not None and nouns)

    @property
    def relation_phrases(self) -> tuple[str, ...]:
        """Return every phrase that relates two objects."""
        return (*(said for phrases, _ in self.relations.values() for said in phrases), *NEAR)

    def includes(self, shape: str | None, candidate: str) -> bool:
        """Tell whether a shape or group includes an object's shape; None includes all."""
        return shape in (None, candidate) or candidate in self.groups.get(str(shape), ())

    def name_for(self, shape: str, rng: np.random.Generator) -> str | None:
        """Choose the shape itself or, more rarely, a group of it; None: nothing names it."""
        groups = [group for group, shapes in self.groups.items() if shape in shapes]
        if groups and rng.random() < GROUP_SHARE:
            return pick(rng, groups)
        return shape if self.nouns[shape] else None

    def choose_noun(
        self, shape: str | None, rng: np.random.Generator, *, plural: bool = False
    ) -> str:
        """Choose a noun for a shape or group."""
        nouns = self.nouns[shape]
        if not plural:
            return pick(rng, nouns)
        return plural_of(pick(rng, [noun for noun in nouns if noun not in self.without_plural]))


GROUP_SHARE = 0.3  # of the phrases for an object that has a hypernym
TABLETOP = Lexicon(
    nouns={shape: NOUNS[shape] for shape in (*SHAPES, None)},
    colors=tuple(COLORS),
    relations=RELATIONS,
)


@dataclass(frozen=True)
class Kind:
    """Colour and shape that a noun phrase asks for; None: any."""

    color: str | None
    shape: str | None  # or a group of the lexicon
    lexicon: Lexicon = field(default=TABLETOP, compare=False, repr=False)

    def matches(self, candidate: SceneObject) -> bool:
        """Tell whether an object is of this kind."""
        return self.color in (None, candidate.color) and self.lexicon.includes(
            self.shape, candidate.shape
        )

    def among(self, objects: Sequence[SceneObject]) -> list[int]:
        """Return which objects are of this kind."""
        return [i for i, candidate in enumerate(objects) if self.matches(candidate)]

    def noun_phrase(self, rng: np.random.Generator, *, plural: bool = False) -> str:
        """Say it, without an article: "red mug", "things"."""
        noun = self.lexicon.choose_noun(self.shape, rng, plural=plural)
        if self.color is None:
            return noun
        if rng.random() < 0.05:
            return f"{noun} that {'are' if plural else 'is'} {self.color}"
        return f"{self.color} {noun}"


def pick(rng: np.random.Generator, choices: Sequence[str]) -> str:
    """Choose one; many times faster than `Generator.choice`, which makes an array first."""
    return choices[int(rng.integers(len(choices)))]


def plural_of(noun: str) -> str:
    """Return the plural of a noun: that of its last word, or of what stands before "of"."""
    if noun in IRREGULAR:
        return IRREGULAR[noun]
    head, of, rest = noun.partition(" of ")
    if head.endswith(("fe", "oaf")):
        head = head.removesuffix("fe").removesuffix("f") + "ves"
    elif head.endswith(("s", "x", "ch", "sh", "ato")):
        head += "es"
    else:
        head += "s"
    return head + of + rest


def kind_from(words: Sequence[str], lexicon: Lexicon = TABLETOP) -> tuple[Kind, bool] | None:
    """Parse a noun phrase: its kind and whether it is plural; None if it is not one."""
    if len(words) >= 4 and words[-3] in ("that", "which") and words[-2] in ("is", "are"):
        words = [words[-1], *words[:-3]]
    color = words[0] if words and words[0] in lexicon.colors else None
    said = " ".join(words[1:] if color else words)
    for shape, nouns in lexicon.nouns.items():
        for noun in nouns:
            if said == noun or (noun not in lexicon.without_plural and said == plural_of(noun)):
                return Kind(color, shape, lexicon), said != noun
    return None


def mirror(text: str) -> str:
    """Say what holds in the mirrored picture: left and right change places."""
    return " ".join(MIRRORED.get(word, word) for word in text.split())
