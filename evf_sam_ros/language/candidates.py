"""Names that tell several candidates apart, and the choice that "the left one" makes."""

import re
from collections.abc import Sequence

from evf_sam_ros.language.sentence import parse_command

ACROSS, DOWN = "left", "top"  # directions in which objects are counted, by where they begin
_IN_A_ROW = {
    (ACROSS, 2): ("the left one", "the right one"),
    (ACROSS, 3): ("the left one", "the middle one", "the right one"),
    (DOWN, 2): ("the upper one", "the lower one"),
    (DOWN, 3): ("the upper one", "the middle one", "the lower one"),
}
_ORDINALS = (
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth",
    "eleventh", "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth",
)  # fmt: skip
MOST = len(_ORDINALS)
_BEGINNING = {
    ACROSS: r"left(?:most)?|far left",
    DOWN: r"upper(?:most)?|top(?:most)?|higher|highest|back|far|farther|farthest|furthest",
}
_END = {
    ACROSS: r"right(?:most)?|far right",
    DOWN: r"lower(?:most)?|bottom(?:most)?|lowest|front|near|nearer|nearest|close|closer|closest",
}
_MIDDLE = re.compile(r"middle|central|center|centre")
_PICK = re.compile(
    r"(?:the |that )?(?:one )?(?:(?:on|in|at|to) (?:the )?|(?:which|that) is )?"
    r"(?P<which>[a-z]+(?: (?:left|right))?)(?: side)?(?: one)?"
    r"(?: from (?:the )?(?P<side>left|right|top|bottom))?(?: please)?"
)


def names(count: int, direction: str) -> tuple[str, ...]:
    """Return a name for each of some objects in a row, in their order.

    Args:
        count: from 2 to `MOST`.
        direction: `ACROSS` or `DOWN`.
    """
    counted = tuple(f"the {ordinal} one from the {direction}" for ordinal in _ORDINALS[:count])
    return _IN_A_ROW.get((direction, count), counted)


def picked(sentence: str, candidates: Sequence[str]) -> str | None:
    """Return the candidate that a sentence chooses, None if the choice is not clear.

    Args:
        sentence: what was said: "the left one, please", "take the second one", "no, right".
        candidates: their names, as `names` gives them, in any order.
    """
    count = len(candidates)
    if not 2 <= count <= MOST:
        return None
    rows = {names(count, direction): direction for direction in (ACROSS, DOWN)}
    for row, direction in rows.items():
        if set(row) == set(candidates):
            place = _place(_bare(sentence), count, direction)
            return None if place is None else row[place]
    return None


def _bare(sentence: str) -> str:
    """Return what a sentence asks for, in lower case and without "no,"."""
    parsed = parse_command(sentence)
    words = parsed.expression if len(parsed.expressions) == 1 else ""
    return re.sub(r"^(?:no|sorry)[, ]+", "", words.lower())


def _place(words: str, count: int, direction: str) -> int | None:
    match = _PICK.fullmatch(words)
    if match is None:
        return None
    which, side = match["which"], match["side"]
    from_end = side is not None and re.fullmatch(_END[direction], side) is not None
    if side is not None and not from_end and not re.fullmatch(_BEGINNING[direction], side):
        return None  # counted along the other direction
    if which in _ORDINALS[:count]:
        place = _ORDINALS.index(which)
        return count - 1 - place if from_end else place
    if which == "last":
        return 0 if from_end else count - 1
    if side is not None:
        return None
    if re.fullmatch(_BEGINNING[direction], which):
        return 0
    if re.fullmatch(_END[direction], which):
        return count - 1
    return count // 2 if count % 2 and _MIDDLE.fullmatch(which) else None
