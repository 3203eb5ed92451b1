"""Corrections such as "no, the blue one": expressions that refer back to an earlier one."""

import re

from evf_sam_ros.language.nouns import plural, singular

_PREPOSITIONS = {
    "on", "in", "at", "of", "to", "from", "with", "without", "by", "near", "next", "behind",
    "beside", "under", "above", "over", "below", "between", "among", "against", "inside",
    "outside", "facing", "for", "around", "across",
}  # fmt: skip
_RELATIVES = {"that", "which", "who", "whose", "where", "is", "are", "not", "and"}
_DETERMINERS = {
    "the", "a", "an", "all", "any", "each", "every", "both", "this", "that", "these", "those",
    "my", "your",
}  # fmt: skip
# Words of one class exclude each other: after "the left mug", "no, right" replaces "left".
_CLASSES = (
    {"red", "orange", "yellow", "green", "blue", "purple", "pink", "white", "black", "brown",
     "grey", "gray", "violet"},
    {"left", "right", "middle", "center", "centre", "top", "bottom", "front", "back"},
    {"leftmost", "rightmost"},
    {"first", "second", "third", "fourth", "fifth", "last"},
    {"big", "small", "large", "little", "tiny", "huge"},
    {"bigger", "smaller", "larger"},
    {"biggest", "smallest", "largest", "tallest"},
    {"nearest", "closest", "farthest", "furthest"},
)  # fmt: skip
_MODIFIERS = set().union(*_CLASSES) | {"other", "one", "ones", "two", "three", "four", "same"}
_FRUIT = ("orange",)  # "the orange" after "the apple"
_ANY = ("thing", "object", "item", "one", "anything", "everything", "something", "it", "that")
_ONE = re.compile(
    r"\b(ones?)\b(?=$|[\s,]+(?:left|right|top|bottom|closest|nearest|farthest|"
    + "|".join(sorted(_PREPOSITIONS | _RELATIVES))
    + r")\b)",
    re.IGNORECASE,
)


def head_noun(expression: str) -> str | None:
    """Return what kind of thing an expression names: "the red mug on the left" -> "mug"."""
    core = _core(expression)
    return core[-1] if core and core[-1].lower() not in _MODIFIERS else None


def resolved(words: str, earlier: str) -> str:
    """Put the noun of an earlier expression where words say "one": "the blue mug"."""
    noun = head_noun(earlier)
    if noun is None:
        return words
    return _ONE.sub(
        lambda one: plural(noun) if one[1].lower() == "ones" else singular(noun), words, count=1
    )


def corrected(words: str, earlier: str) -> str:
    """Apply a correction to an earlier expression; a whole expression replaces it.

    "the blue one" or "blue" of "the red mug" is "the blue mug", "on the left" of it
    "the red mug on the left".
    """
    said = words.lower().split()
    bare = [word for word in said if word not in _DETERMINERS | _PREPOSITIONS]
    for members in _CLASSES:
        if len(bare) == 1 and bare[0] in members:
            return _exchanged(words, bare[0], members, earlier)
    if said[:1] and said[0] in _PREPOSITIONS and head_noun(earlier):
        return f"{earlier} {words}"
    return resolved(words, earlier)


def names_the_same(wrong: str, right: str) -> bool:
    """Tell whether "the red one" is of the kind that the other expression names."""
    last = wrong.lower().split()[-1]
    return last in ("one", "ones") or last == head_noun(right)


def may_mean(forbidden: str | None, followed: str) -> bool:
    """Tell whether words such as "the mug" or "it" may mean what another expression names."""
    if forbidden is None:
        return False
    noun = head_noun(resolved(forbidden, followed))
    if noun is None:
        return True
    own = head_noun(followed)
    if own is not None and singular(noun.lower()) not in (singular(own.lower()), *_ANY):
        return False
    said, meant = (set(words.lower().split()) for words in (forbidden, followed))
    clashes = ((said & members, meant & members) for members in _CLASSES)
    return not any(one and other and not one & other for one, other in clashes)


def _core(expression: str) -> list[str]:
    """Return the words from behind the determiner to the noun, as far as can be told."""
    words = re.findall(r"[\w'\[\]-]+", expression)
    while words and words[0].lower() in _DETERMINERS | {"[semantic]"}:
        words = words[1:]
    end = next((i for i, word in enumerate(words) if i and _ends_core(words, i)), len(words))
    core = words[:end]
    while len(core) > 1 and core[-1].lower() in _CLASSES[1] | {"far"}:  # "zebra top left"
        core = core[:-1]
    return core


def _ends_core(words: list[str], index: int) -> bool:
    word = words[index].lower()
    if word in ("closest", "nearest", "farthest", "furthest"):
        following = words[index + 1].lower() if index + 1 < len(words) else "to"
        return following in _DETERMINERS | {"to", "from"}
    return word in _PREPOSITIONS | _RELATIVES or word.endswith("ing")


def _exchanged(words: str, word: str, members: set[str], earlier: str) -> str:
    old = next((each for each in earlier.lower().split() if each in members), None)
    if old is not None:
        return re.sub(rf"\b{old}\b", word, earlier, count=1, flags=re.IGNORECASE)
    noun = head_noun(earlier)
    if noun is None or (word in _FRUIT and " " in words.strip()):
        return words
    if words.lower().split()[0] in _PREPOSITIONS:
        return f"{earlier} {words}"
    return f"the {word} {noun}"
