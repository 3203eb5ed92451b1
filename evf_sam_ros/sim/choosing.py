"""Choice of the objects that a sentence is about: one kind, one anchor, one relation."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evf_sam_ros.sim.scene import SceneObject
from evf_sam_ros.sim.words import Kind, Lexicon, pick

CARRYING = ("on", "in", "under")  # relations of what stands on or in another
Objects = Sequence[SceneObject]
Rng = np.random.Generator


@dataclass(frozen=True)
class Related:
    """Objects of a kind that stand in a relation to one other object."""

    kind: Kind
    words: str
    anchor: int
    anchor_kind: Kind
    candidates: list[int]
    targets: list[int]

    def phrase(self, rng: Rng, *, plural: bool = False) -> str:
        """Say it without an article."""
        target = self.kind.noun_phrase(rng, plural=plural)
        that_is = f" that {'are' if plural else 'is'}" if rng.random() < 0.06 else ""
        article = "" if rng.random() < 0.06 else "the "
        return f"{target}{that_is} {self.words} {article}{self.anchor_kind.noun_phrase(rng)}"


def relate(objects: Objects, rng: Rng) -> Related | None:
    """Relate objects to another by some relation; None if that could be argued about."""
    unique = single_out(objects, rng)
    if unique is None:
        return None
    relation = pick(rng, tuple(lexicon_of(objects).relations))
    others = [i for i in range(len(objects)) if i != unique[0]]
    return _related(objects, rng, relation, unique, int(rng.choice(others)))


def relate_by_support(objects: Objects, rng: Rng) -> Related | None:
    """Relate a thing to one that it stands on or in, or the other way round."""
    pairs = [(i, j) for i, one in enumerate(objects) for j, other in enumerate(objects)
             if one.rests_on(other)]  # fmt: skip
    if not pairs:
        return None
    upper, lower = pairs[int(rng.integers(len(pairs)))]
    relation = pick(rng, CARRYING)
    anchor, target = (upper, lower) if relation == "under" else (lower, upper)
    unique = single_out(objects, rng, only=anchor)
    return None if unique is None else _related(objects, rng, relation, unique, target)


def _related(
    objects: Objects, rng: Rng, relation: str, unique: tuple[int, Kind], target: int
) -> Related | None:
    """Relate the objects of a target's kind to an anchor that is one of its kind."""
    anchor, anchor_kind = unique
    phrases, holds = lexicon_of(objects).relations[relation]
    kind = kind_of(objects[target], rng)
    group = [i for i in kind.among(objects) if i != anchor]
    verdicts = [holds(objects[i], objects[anchor]) for i in group]
    beside = relation not in CARRYING and any(stacked(objects, i, anchor) for i in group)
    if beside or any(verdict is None for verdict in verdicts):
        return None  # what stands on a tray may or may not be left of it
    targets = [i for i, verdict in zip(group, verdicts, strict=True) if verdict]
    return Related(kind, pick(rng, phrases), anchor, anchor_kind, group, targets)


def stacked(objects: Objects, one: int, other: int) -> bool:
    """Tell whether one of two objects stands on or in the other."""
    first, second = objects[one], objects[other]
    return first.rests_on(second) or second.rests_on(first)


def single_out(
    objects: Objects, rng: Rng, without: int | None = None, only: int | None = None
) -> tuple[int, Kind] | None:
    """Choose an object that colour, shape or both single out, and that kind."""
    for i in rng.permutation(len(objects)):
        if i == without or only not in (None, i):
            continue
        color, words = objects[i].color, objects[i].lexicon
        shape = words.name_for(objects[i].shape, rng)
        kinds = (Kind(None, shape, words), Kind(color, None, words), Kind(color, shape, words))
        for choice in rng.permutation(len(kinds)):
            if kinds[choice].among(objects) == [i]:
                return int(i), kinds[choice]
    return None


def lexicon_of(objects: Objects) -> Lexicon:
    """Return the words of the world that the objects are from."""
    return objects[0].lexicon


def some_object(objects: Objects, rng: Rng) -> SceneObject:
    return objects[int(rng.integers(len(objects)))]


def kind_of(one: SceneObject, rng: Rng) -> Kind:
    """Choose a kind that includes an object."""
    draw = rng.random()
    color = one.color if 0.35 < draw < 0.85 else None
    shape = one.shape if draw < 0.35 or 0.55 < draw < 0.85 else None
    said = shape and one.lexicon.name_for(shape, rng)
    return Kind(color, said, one.lexicon)


def absent_kind(objects: Objects, rng: Rng) -> Kind | None:
    """Choose a kind that nothing here is of, mostly a new pair of what is here."""
    one, other = some_object(objects, rng), some_object(objects, rng)
    words = one.lexicon
    any_color, any_shape = pick(rng, words.colors), pick(rng, words.named)
    other_shape = words.name_for(other.shape, rng)
    kinds = (
        Kind(one.color, any_shape, words),
        Kind(any_color, other_shape, words),
        Kind(one.color, other_shape, words),
        Kind(None, any_shape, words),
        Kind(any_color, None, words),
        Kind(any_color, any_shape, words),
    )
    kind = kinds[rng.choice(len(kinds), p=(0.25, 0.25, 0.2, 0.12, 0.08, 0.1))]
    return None if kind.among(objects) else kind
