"""Negative sentences for a picture, made from sentences about it and about other pictures.

Four levels, from far away to nearly right; each is checked as far as the files can tell:

- absent category: about an object of a category that nothing annotated in the picture has
- wrong attribute: about the only object of its category, with another colour or the like
- wrong relation: about the only object of its category, at the opposite place
- other: about another picture, and no word of it is said about this one
"""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from evf_sam_ros.data.records import Dataset, Expression, Record
from evf_sam_ros.language.nouns import singular

ABSENT, ATTRIBUTE, RELATION, OTHER = (
    "absent category", "wrong attribute", "wrong relation", "other",
)  # fmt: skip
LEVELS = (ABSENT, ATTRIBUTE, RELATION, OTHER)
SEMANTIC = "[semantic] "
ATTEMPTS = 8

# Words of a group exclude each other.
ATTRIBUTES = (
    ("red", "blue", "green", "yellow", "white", "black", "brown", "orange", "pink", "purple",
     "grey", "silver"),
    ("young", "old"), ("big", "small"), ("tall", "short"), ("striped", "plain"),
    ("wooden", "metal", "plastic", "glass"), ("empty", "full"), ("open", "closed"),
    ("male", "female"), ("boy", "girl"), ("man", "woman"),
)  # fmt: skip
OPPOSITES = (
    ("left", "right"), ("front", "back"), ("top", "bottom"), ("above", "below"),
    ("nearest", "farthest"), ("closest", "farthest"), ("first", "last"),
    ("upper", "lower"), ("inside", "outside"), ("near", "far from"), ("behind", "in front of"),
)  # fmt: skip
SAME = {"gray": "grey", "large": "big", "little": "small", "tan": "brown", "lady": "woman",
        "guy": "man", "wood": "wooden"}  # fmt: skip
EMPTY_WORDS = {
    "a", "an", "the", "of", "in", "on", "at", "to", "with", "and", "or", "is", "are", "that",
    "this", "his", "her", "its", "by", "for", "from", "it",
}  # fmt: skip
_WORD = re.compile(r"[a-z]+")


@dataclass(frozen=True)
class _Foreign:
    """A sentence about some picture of the data set, and what it is about."""

    expression: Expression
    picture: int
    words: frozenset[str]


class Negatives:
    """Makes sentences that fit nothing in a picture of a data set."""

    def __init__(self, dataset: Dataset) -> None:
        self._pictures = {record.image: number for number, record in enumerate(dataset.records)}
        self._said = [_all_words(record) for record in dataset.records]
        self._foreign = [
            _Foreign(expression, number, words(expression.text))
            for number, record in enumerate(dataset.records)
            for expression in record.expressions
            if expression.region is not None
        ]

    def draw(
        self, record: Record, rng: np.random.Generator, level: str | None = None
    ) -> Expression | None:
        """Return a sentence about nothing in a picture of this data set.

        Args:
            level: one of `LEVELS`; None tries them in random order.

        Returns:
            An expression whose kind is its level, or None where the picture gives no clear case.
        """
        order = rng.permutation(LEVELS) if level is None else [level]
        for name in order:
            for _ in range(ATTEMPTS):
                text = _MAKERS[str(name)](self, record, rng)
                if text is not None:
                    return Expression(f"not.{name}.{text}", text, None, kind=str(name))
        return None

    def _any(self, rng: np.random.Generator) -> _Foreign:
        return self._foreign[int(rng.integers(len(self._foreign)))]

    def absent(self, record: Record, rng: np.random.Generator) -> str | None:
        """Return a sentence about an object whose category the picture lacks."""
        foreign = self._any(rng)
        category = foreign.expression.category
        if not category or not record.categories or category in record.categories:
            return None
        # A sentence here may use the word for what nobody annotated.
        if words(category) & self._said[self._pictures[record.image]]:
            return None
        return foreign.expression.text

    def attribute(self, record: Record, rng: np.random.Generator) -> str | None:
        """Change an attribute of the only object of its category."""
        return self._changed(record, rng, ATTRIBUTES)

    def relation(self, record: Record, rng: np.random.Generator) -> str | None:
        """Put the only object of its category at the opposite place."""
        return self._changed(record, rng, OPPOSITES)

    def other(self, record: Record, rng: np.random.Generator) -> str | None:
        """Return a sentence that shares no word with the sentences of this picture."""
        foreign = self._any(rng)
        said = self._said[self._pictures[record.image]]
        if foreign.expression.text.startswith(SEMANTIC):  # classes: every pixel here has one
            texts = {expression.text for expression in record.expressions}
            return None if foreign.expression.text in texts else foreign.expression.text
        if foreign.words & said or foreign.expression.category in record.categories:
            return None
        return foreign.expression.text

    def _changed(
        self, record: Record, rng: np.random.Generator, groups: tuple[tuple[str, ...], ...]
    ) -> str | None:
        counts = Counter(record.categories)
        own = [e for e in record.expressions if e.region and counts[e.category] == 1]
        if not own:
            return None
        expression = own[int(rng.integers(len(own)))]
        said = self._said[self._pictures[record.image]]
        text = expression.text.lower()
        for number in rng.permutation(len(groups)):
            group = groups[number]
            for word in group:
                choices = [w for w in group if w != word and not words(w) & said]
                if choices and _says(text, word):
                    return _swap(text, word, str(rng.choice(choices)))
        return None


_MAKERS: dict[str, Callable[[Negatives, Record, np.random.Generator], str | None]] = {
    ABSENT: Negatives.absent,
    ATTRIBUTE: Negatives.attribute,
    RELATION: Negatives.relation,
    OTHER: Negatives.other,
}


def with_negatives(dataset: Dataset, seed: int) -> Dataset:
    """Return a data set whose pictures each have one more sentence per level, where possible."""
    makers = Negatives(dataset)
    records = []
    for number, record in enumerate(dataset.records):
        rng = np.random.default_rng([seed, number])
        made = (makers.draw(record, rng, level) for level in LEVELS)
        more = tuple(expression for expression in made if expression is not None)
        records.append(replace(record, expressions=record.expressions + more))
    return replace(dataset, records=tuple(records))


def words(text: str) -> frozenset[str]:
    """Return the words of a text that mean something, in one spelling and number."""
    found = (SAME.get(word, word) for word in _WORD.findall(text.lower()))
    return frozenset(singular(word) for word in found if word not in EMPTY_WORDS)


def _all_words(record: Record) -> frozenset[str]:
    return frozenset().union(*(words(expression.text) for expression in record.expressions))


def _says(text: str, phrase: str) -> bool:
    return re.search(rf"\b{phrase}\b", text) is not None


def _swap(text: str, phrase: str, other: str) -> str:
    return re.sub(rf"\b{phrase}\b", other, text)
