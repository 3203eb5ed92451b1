"""Split a sentence into clauses and lists, only at places beyond doubt."""

import re

from evf_sam_ros.language import phrases
from evf_sam_ros.language.corrections import head_noun
from evf_sam_ros.language.imperatives import imperative
from evf_sam_ros.language.peeling import (
    is_request,
    matched,
    opens_request,
    peel,
    tidy,
    without_courtesy,
)
from evf_sam_ros.language.phrases import compiled
from evf_sam_ros.language.safety import denied, ends_all, prohibited
from evf_sam_ros.language.word_classes import ADVERBS, PLACES, PREPOSITIONS

_CHATTER = compiled(*phrases.CHATTER)
CORRECTIONS = compiled(*phrases.CORRECTIONS)
_NOT_IN_A_NAME = (
    r"on|in|at|of|to|from|with|by|near|next|behind|that|and|or|not|which|who|is|are|but|wearing"
    r"|closest|nearest|without|between|under|above|facing"
)
_DETERMINED = re.compile(
    r"(?:all )?(?:the|an?|my|your|some|any|another|that|this)"
    rf"(?: (?!(?:{_NOT_IN_A_NAME})\b)[^\W_][\w'-]*){{1,3}}"
    rf"(?: (?:on|at|in) (?:the )?(?:far )?{PLACES}(?: side| corner)?)?",
    re.IGNORECASE,
)
_BARE = re.compile(
    rf"(?!(?:the|an?|my|your|all|both|no|{_NOT_IN_A_NAME})\b)[^\W\d_][\w'-]*"
    rf"(?: (?!(?:{_NOT_IN_A_NAME})\b)[^\W\d_][\w'-]*){{0,3}}",
    re.IGNORECASE,
)
_NOT_THIS = re.compile(
    r"^((?:no,? )*not (?:the|that) (?:\w+ ){0,2}?(?P<last>\w+)) (?=(?:the|that) )", re.IGNORECASE
)
_COMMA = re.compile(r"\s*(?:[.!?;]\s+|,\s*(?:and\s+)?)")
_SIMPLE_START = re.compile(r"(?:the|an?|my|your|that|this)\b", re.IGNORECASE)


def clauses_of(words: str, listing: bool = False) -> list[str]:
    """Cut a sentence where what follows is beyond doubt a clause of its own.

    In a listing ("find the mug then the bowl then the box") a request went before.
    """
    words = _NOT_THIS.sub(_comma_behind_the_wrong_one, words)
    for separator in phrases.SEPARATOR.finditer(words):
        left, right = tidy(words[: separator.start()]), words[separator.end() :]
        if left and right and _ends_clause(left, separator, right, listing):
            done = separator["then"] or separator["alone"]
            if done and ends_all(without_courtesy(tidy(right)).words):
                return [left]  # "and then stop": it does so anyway
            return [left, *clauses_of(right, bool(done))]
    return [words]


def _comma_behind_the_wrong_one(found: re.Match[str]) -> str:
    """Tell "not the mug the bowl" from "not the mug on the left"."""
    return found[0] if found["last"].lower() in PREPOSITIONS else f"{found[1]}, "


def _ends_clause(left: str, separator: re.Match[str], right: str, listing: bool) -> bool:
    mark, joined, then, alone = separator.group("mark", "joined", "then", "alone")
    said = without_courtesy(peel(left, CORRECTIONS)).words
    if ends_all(said) or prohibited(said) is not None or denied(said):
        return True
    silent = not (mark or joined or alone)
    if (mark or silent) and phrases.REPAIR.match(right):
        return True
    behind = without_courtesy(peel(tidy(right), CORRECTIONS)).words
    requests = bool(said) and is_request(left)
    if ends_all(behind) and (requests or (mark and " " in behind)):
        return True
    chats = matched(said, _CHATTER) and not matched(f"{left}, it", CORRECTIONS)
    if mark and chats and opens_request(right):
        return True
    starts = opens_request(right) or prohibited(behind) is not None
    if then or alone:
        listed = _SIMPLE_START.match(right) and (mark or joined or requests or listing)
        return bool(starts or listed)
    sentence = mark and not mark.startswith(",")
    return bool(starts and (requests or sentence or _is_verbal(said)))


def _is_verbal(words: str) -> bool:
    """Tell whether words that may be a name are a verb and its object beside a request."""
    asks = imperative(words, asked=True)
    return asks is not None and bool(asks.object)


def listed(expression: str) -> list[str]:
    """Split "the red mug and the blue bowl" if these are clearly two things."""
    parts = re.split(r",\s*(?:and\s+)?|\s+and\s+", re.sub(r"(?i)^both\s+", "", expression))
    if len(parts) > 1 and all(map(is_plain, parts)):
        return parts
    bare = len(parts) > 1 and all(map(_is_bare, parts))
    return parts if bare and (len(parts[0].split()) > 1 or _alike(parts)) else [expression]


def enumerated(expression: str) -> list[str]:
    """Split "red mug. blue bowl." if these are two things, but not a name and its attributes."""
    parts = [part for part in map(tidy, _COMMA.split(expression)) if part]
    if len(parts) < 2:
        return [expression]
    determined = all(map(is_plain, parts))
    return parts if determined or (all(map(_is_bare, parts)) and _alike(parts)) else [expression]


def is_plain(part: str) -> bool:
    """Tell whether words are an article, perhaps adjectives, a noun, perhaps a place."""
    return bool(_DETERMINED.fullmatch(part)) and head_noun(part) is not None


def _is_bare(part: str) -> bool:
    words = part.lower().split()
    named = bool(_BARE.fullmatch(part)) and head_noun(part) is not None
    known = not any(word in ADVERBS | PREPOSITIONS or word.endswith("ing") for word in words)
    return named and known


def _alike(parts: list[str]) -> bool:
    """Tell whether all names are single words, or none is: "woman, red dress" is one thing."""
    return len({len(part.split()) > 1 for part in parts}) == 1
