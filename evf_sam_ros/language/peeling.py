"""Extract the noun phrase of a request by removing the polite words around it."""

import re
from typing import NamedTuple

from evf_sam_ros.language import phrases
from evf_sam_ros.language.imperatives import Imperative, imperative
from evf_sam_ros.language.phrases import compiled
from evf_sam_ros.language.safety import ends_all, prohibited
from evf_sam_ros.language.word_classes import DETERMINED

_COURTESY = compiled(*phrases.COURTESY)
_STATEMENTS = compiled(*phrases.STATEMENTS)
_ENDS = compiled(*phrases.REQUEST_ENDS)
_ASKS = re.compile(
    r"(?:please|kindly|(?:can|could|would|will|do|did|have|may|might) (?:you|i|we|u)|you (?:can"
    r"|could|should|may|must|need|have)|i(?:'d|'m| am)? (?:really |just )?(?:want|need|would|like"
    r"|looking|mean|meant)|we(?:'re| are)? (?:want|need|going)|where(?:'s| is| are| did| can|s)?"
    r"|what about|how about|let's|is there|are there|which one|the next (?:thing|one))(?![\w-])",
    re.IGNORECASE,
)
_AROUND = " \t\r\n.,;:!?\u2026"
_QUOTES = ('""', "''", "``", "\u2018\u2019", "\u201c\u201d")


class Peeled(NamedTuple):
    """A clause without its wrapping."""

    words: str
    asked: bool = False  # the wrapping shows that a verb follows: "could you ..."
    gerund: bool = False  # the verb stands in -ing: "would you mind ..."


class Request(NamedTuple):
    """The object of a request, and whether the request is about going there."""

    object: str
    goes: bool = False


def tidy(text: str) -> str:
    """Remove spaces, punctuation and pairs of quotation marks around a text."""
    words = " ".join(text.split()).strip(_AROUND)
    if len(words) > 1 and words[0] + words[-1] in _QUOTES and words[0] not in words[1:-1]:
        return tidy(words[1:-1])
    return "" if words in ('"', "'", "`") else words


def matched(words: str, rules: tuple[re.Pattern[str], ...]) -> re.Match[str] | None:
    """Return the match of the first rule that fits a whole clause."""
    return next((match for rule in rules if (match := rule.fullmatch(words))), None)


def peel(words: str, rules: tuple[re.Pattern[str], ...]) -> str:
    """Remove phrases until no rule matches; every step leaves fewer words."""
    while (found := matched(words, rules)) is not None:
        words = tidy(found.groupdict().get("rest") or "")
    return words


def without_courtesy(clause: str) -> Peeled:
    """Remove politeness, address and unfinished sentences at both ends of a clause."""
    peeled = Peeled(clause)
    while (less := _step(peeled)) is not None:
        peeled = less
    return peeled


def object_of(clause: str, *, asked: bool = False) -> Request:
    """Return the object of a request; a referring expression is returned unchanged.

    Args:
        clause: without a correction in front of it.
        asked: whether it stands beside another request, and so is one itself.
    """
    peeled = without_courtesy(clause)
    words, goes = peeled.words, False
    asks = imperative(words, asked=asked or peeled.asked, gerund=peeled.gerund)
    while True:
        if asks is not None:
            words, goes = _ended(asks.object), asks.verb == "go"
        elif (statement := matched(words, _STATEMENTS)) is not None:
            place = statement.groupdict().get("place") or ""
            words = _ended(phrases.STILL.sub("", tidy(statement["rest"] + place)))
        else:
            return Request(words, goes)
        words = without_courtesy(words).words
        asks = imperative(words)


def is_request(clause: str) -> bool:
    """Tell whether a clause asks for something in so many words."""
    said = without_courtesy(clause)
    if said.words != clause and said.words:
        return True
    return imperative(clause) is not None or matched(clause, _STATEMENTS) is not None


def opens_request(words: str) -> bool:
    """Tell whether a new request begins here beyond doubt."""
    if _ASKS.match(words):
        return without_courtesy(tidy(words)).words not in ("", "robot")
    asks = imperative(words)
    return asks is not None or matched(words, _STATEMENTS) is not None


def _ended(words: str) -> str:
    return peel(tidy(words), _ENDS)


def _step(peeled: Peeled) -> Peeled | None:
    words = peeled.words
    gerund = phrases.GERUND.fullmatch(words)
    if gerund and imperative(gerund["rest"], gerund=True) is not None:
        return Peeled(gerund["rest"], asked=True, gerund=True)
    if (embedded := _embedded(words)) is not None:
        past = re.match(r"\w+ed\b", embedded) is not None
        return Peeled(tidy(embedded), asked=True, gerund=past)
    if (behind := _before_request(words)) is not None:
        return Peeled(tidy(behind), peeled.asked, peeled.gerund)
    found = matched(words, _COURTESY)
    if found is None:
        return None
    return Peeled(tidy(found.groupdict().get("rest") or ""), peeled.asked, peeled.gerund)


def _embedded(words: str) -> str | None:
    """Return the verb and its object behind "I was wondering whether you might"."""
    if matched(words, _STATEMENTS) and not re.search(r"\byou\s+to\b", words, re.IGNORECASE):
        return None
    for rule in (phrases.EMBEDDED, phrases.INFINITIVE):
        found = rule.fullmatch(words)
        if found is None:
            continue
        rest = found["rest"]
        if ends_all(rest) or _asks(rest) is not None or matched(rest, _STATEMENTS):
            return str(rest)
        if _before_request(rest) is not None:
            return str(rest)
    return None


def _asks(rest: str) -> Imperative | None:
    """Read a verb in its base form, or in the past: "if you fetched"."""
    past = re.match(r"\w+ed\b", rest)
    return imperative(rest, asked=True, gerund=bool(past))


def _before_request(words: str) -> str | None:
    found = phrases.BEFORE_REQUEST.fullmatch(words)
    if found and _requests(found["rest"]):
        return str(found["rest"])
    for rule in (phrases.CONDITION, phrases.INSTEAD_OF):
        found = rule.fullmatch(words)
        if found and (_requests(found["rest"]) or DETERMINED.match(found["rest"])):
            return str(found["rest"])
    return _behind_long_condition(words) if phrases.LONG_CONDITION.fullmatch(words) else None


def _requests(rest: str) -> bool:
    """Tell whether what follows a word of address is a request, or stops everything."""
    if rest.lower().startswith(("robot ", "please ")):
        return _requests(rest.split(" ", 1)[1])
    more = phrases.BEFORE_REQUEST.fullmatch(rest)
    if more and _requests(more["rest"]):
        return True
    return opens_request(rest) or ends_all(rest) or prohibited(rest) is not None


def _behind_long_condition(words: str) -> str | None:
    """Return what follows "when you have a moment", where no comma ends it."""
    pieces = words.split()
    for start in range(3, len(pieces)):
        rest = " ".join(pieces[start:])
        if re.match(r"(?:please|can you|could you|would you)\b", rest, re.IGNORECASE):
            return rest
        asks = imperative(rest)
        if asks is not None and DETERMINED.search(rest) and pieces[start - 1].lower() != "to":
            return rest
    return None
