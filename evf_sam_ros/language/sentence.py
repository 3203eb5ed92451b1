"""Parse a sentence into the expressions to find, by tables of phrases and without a model.

"Could you pick up the red mug on the left, please?" -> "the red mug on the left"
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from evf_sam_ros.language import phrases
from evf_sam_ros.language.clauses import CORRECTIONS, clauses_of, enumerated, is_plain, listed
from evf_sam_ros.language.corrections import (
    corrected,
    head_noun,
    may_mean,
    names_the_same,
    resolved,
)
from evf_sam_ros.language.number import means_several
from evf_sam_ros.language.peeling import (
    matched,
    object_of,
    opens_request,
    peel,
    tidy,
    without_courtesy,
)
from evf_sam_ros.language.phrases import compiled
from evf_sam_ros.language.safety import denied, ends_all, prohibited
from evf_sam_ros.language.silence import is_silence, without_notes

SEPARATOR = ";"  # between objects, always
MAX_CHARACTERS = 500  # nobody says more, and the patterns stay fast on hostile input


@dataclass(frozen=True)
class ParsedCommand:
    """Result of parsing: objects to find, the end of the search, or a rejection with a reason."""

    kind: Literal["find", "cancel", "rejected"]
    expressions: tuple[str, ...] = ()  # to find, in the order in which they were named
    reason: str = ""  # why it was rejected
    silent: bool = False  # rejected as what a speech recogniser writes when nobody speaks

    @property
    def expression(self) -> str:
        """The first expression to find, empty if there is none."""
        return self.expressions[0] if self.expressions else ""

    @property
    def several(self) -> tuple[bool, ...]:
        """True for each expression that asks for more than one object."""
        return tuple(map(means_several, self.expressions))


def parse_command(sentence: str, previous: str | Sequence[str] = "") -> ParsedCommand:
    """Parse a spoken or typed sentence.

    A sentence that is a referring expression already comes back as it is, but for the spaces and
    the punctuation around it, for hesitation, and for capitals where it has nothing else.

    Args:
        sentence: what was said, in any case, with or without punctuation.
        previous: the expression that is being looked for, which "no, the blue one" corrects; or
            all of them, the last mentioned last: a prohibition of any of them ends the search.
    """
    said = f"the command {_shortened(sentence)!r}"
    if len(sentence) > MAX_CHARACTERS:
        count = len(sentence)
        return _rejected(f"{said} has {count} characters; at most {MAX_CHARACTERS} are read")
    followed = [previous] if isinstance(previous, str) else list(previous)
    silent = is_silence(sentence)
    words = _fluent(without_notes(sentence))
    if not words:
        return _rejected(f'{said} is empty; say for example "the red mug"', silent=silent)
    if silent:
        reason = f"{said} names no object: speech recognisers write it when nobody speaks"
        return _rejected(reason, silent=True)
    parts = [part for part in map(tidy, words.split(SEPARATOR)) if any(map(str.isalnum, part))]
    understood, clauses = _Understood(followed), [each for p in parts for each in clauses_of(p)]
    for number, clause in enumerate(clauses):
        beside = clauses[:number] + clauses[number + 1 :]
        understood.add(clause, asked=any(map(opens_request, beside)))
    return understood.as_command(said)


@dataclass
class _Understood:
    """The clauses of one sentence that are parsed so far."""

    followed: list[str]
    expressions: list[str] = field(default_factory=list)
    passed: list[str] = field(default_factory=list)  # where to go before the rest is done
    cancelled: bool = False
    negated: bool = False  # the last clause said what not to do
    forbidden: str | None = None  # and this is with what
    broken: bool = False  # a noun phrase breaks off: "pick up the"
    earlier: str = ""  # the last expression that was mentioned, in this sentence or before it

    def __post_init__(self) -> None:
        self.earlier = self.followed[-1] if self.followed else ""

    def add(self, clause: str, *, asked: bool) -> None:
        marked = peel(clause, CORRECTIONS)
        corrects = marked != clause or self.negated
        words = without_courtesy(marked).words
        follows = bool(self.expressions or self.cancelled or phrases.FOLLOWS.match(clause))
        forbidden, wrong = prohibited(words), denied(words)
        if ends_all(words):
            self.expressions, self.cancelled, self.negated = [], True, False
        elif matched(words, _CHATTER):
            return
        elif forbidden is not None or wrong is not None:
            self._negate(forbidden, wrong)
        else:
            request = object_of(marked, asked=asked)
            instead = matched(request.object, _INSTEAD)
            asked = corrects or request.object != words
            meant = instead["rest"] if instead else _without_contrast(request.object, asked)
            if request.goes and meant:
                self.passed.append(meant)
            self._name(meant, corrects or meant != request.object, asked, follows)

    def _negate(self, forbidden: str | None, wrong: str | None) -> None:
        meant = resolved(tidy(wrong or forbidden or ""), self.earlier)
        self.earlier = meant if head_noun(meant) else self.earlier
        self.negated, self.forbidden = True, forbidden

    def _name(self, expression: str, corrects: bool, asked: bool, follows: bool) -> None:
        if not expression or matched(expression, _CHATTER):
            return
        if matched(expression, _PRONOUN):
            named = [self.earlier] if self.earlier else []
        elif _BROKEN_OFF.search(expression):
            self.broken, named = True, []
        elif corrects:
            named = [corrected(expression, self.earlier)]
        else:
            parts = listed(expression) if asked else enumerated(expression)
            named = [resolved(part, self.earlier) if follows else part for part in parts]
        named = [_anchored(each, self.earlier) for each in named]
        if corrects:
            self.expressions = self.expressions[:-1]
        self.expressions += [each for each in named if each not in self.expressions]
        self.earlier = named[-1] if named else self.earlier
        self.negated = False

    def as_command(self, said: str) -> ParsedCommand:
        if self.negated:
            if any(may_mean(self.forbidden, each) for each in self.followed if each):
                return ParsedCommand("cancel")
            return _rejected(f'{said} says what not to do; name what to find, or say "stop"')
        wanted = [each for each in self.expressions if each not in self.passed]
        if self.expressions:
            return ParsedCommand("find", tuple(wanted or self.expressions))
        if self.cancelled:
            return ParsedCommand("cancel")
        if self.broken:
            return _rejected(f"{said} names no object: it breaks off before the noun")
        return _rejected(f'{said} names no object; say for example "pick up the red mug"')


_CHATTER = compiled(*phrases.CHATTER)
_PRONOUN = compiled(phrases.PRONOUN)
_INSTEAD = compiled(phrases.INSTEAD)
_CONTRAST = compiled(r"(?P<rest>.+?)(?:,\s*|,?\s+but\s+)not (?:the|that) (?P<wrong>[^,]+)")
_SPOKEN_CONTRAST = compiled(r"(?P<rest>.+?),?\s+(?:but\s+)?not (?:the|that) (?P<wrong>[^,]+)")
_BROKEN_OFF = re.compile(
    r"(?:^|\s)(?:the|an|my|your|our|and|or|of the|to the|with the)$|^(?:a|all|any|every|each|some"
    r"|of|on|in|at|to|for|with|from|up|down|off|out|next|very|and|but|so|then|to be|please)$",
    re.IGNORECASE,
)
_FILLER = re.compile(
    rf"[\s,.\u2026]*(?<!\S)(?:{phrases.FILLERS}|(?:like )?you know(?= (?:the|an?|that|like)\b)"
    rf"|{phrases.ASIDES},|,?\s*(?:you know|like),"
    r"|what do you call (?:it|that)|what's it called)"
    r"(?=[\s,.!?\u2026]|$)[,.\u2026]*",
    re.IGNORECASE,
)
# "pick up please the red mug", "the cup, please, and the plate"
_PLEASE = re.compile(
    r"(?<!\bsays)(?<!\bsaying)(?<!\basking)(?<!\bsay)(?<!\bask),?\s+(?:please|kindly|pls)"
    r"(?:,|(?=\s+(?:the|an?|my|that|this|and|all|both)\b(?! thank)))",
    re.IGNORECASE,
)
_NEXT = re.compile(
    r"\s*(?:the|a|an|that|no|wait|sorry|i|actually|can|could|would|where|please)\b", re.IGNORECASE
)
_TWICE = re.compile(
    r"(?<![\w'-])([a-z']+(?: [a-z']+){0,2})(?:[\s,.\u2026]+\1(?![\w'-]))+", re.IGNORECASE
)
_ZERO_WIDTH = "\u200b"  # a space, though of the category of joiners
_BESIDE_IT = re.compile(
    r"(?P<rest>.+\b(?:behind|next to|beside|near|in front of|left of|right of|by|above|below|under"
    r"|on top of)) (?:it|them)",
    re.IGNORECASE,
)
_MEANINGLESS = {"Cc", "Cs", "Co", "Cn", "So", "Sk", "Zl", "Zp"}


def _rejected(reason: str, *, silent: bool = False) -> ParsedCommand:
    return ParsedCommand("rejected", reason=reason, silent=silent)


def _shortened(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."


def _fluent(sentence: str) -> str:
    """Remove hesitations and words said twice, and write text in capitals in lower case."""
    plain = _readable(sentence).replace("\u2019", "'")  # the apostrophe that phones type
    words = " ".join(plain.split())
    words = _PLEASE.sub(_comma, _FILLER.sub(_pause, words))
    while (fewer := _TWICE.sub(_once, words)) != words:
        words = fewer
    shouted = words.isupper() and " " in words.strip()
    return tidy(words.lower() if shouted else words)


def _readable(sentence: str) -> str:
    """Leave out characters that carry no meaning; a sentence without a letter says nothing."""
    kept = (
        " " if each == _ZERO_WIDTH or unicodedata.category(each) in _MEANINGLESS else each
        for each in sentence
        if each == _ZERO_WIDTH or unicodedata.category(each) != "Cf"
    )
    words = re.sub(r"(?<=[a-zA-Z])_(?=[a-zA-Z])", " ", "".join(kept))
    return words if any(each.isalnum() for each in words) else ""


def _pause(filler: re.Match[str]) -> str:
    """Keep the comma where hesitation stands between clauses."""
    return ", " if "," in filler[0] and _NEXT.match(filler.string, filler.end()) else " "


def _comma(courtesy: re.Match[str]) -> str:
    return ", " if courtesy[0].startswith(",") and courtesy[0].endswith(",") else " "


def _once(twice: re.Match[str]) -> str:
    return twice[0] if twice[1].lower() in phrases.INTENSIFIERS else twice[1]


def _anchored(expression: str, earlier: str) -> str:
    """Put what was mentioned before in place of "it": "the bag behind it"."""
    related = _BESIDE_IT.fullmatch(expression)
    if related is None or not earlier or earlier == expression:
        return expression
    if earlier.lower() == f"the {head_noun(expression)}".lower():
        return expression  # "the mug behind the mug" says less
    return f"{related['rest']} {earlier}"


def _without_contrast(expression: str, asked: bool) -> str:
    """Drop ", not the red one" behind what was meant; other negations describe the object."""
    contrast = matched(expression, _SPOKEN_CONTRAST if asked else _CONTRAST)
    if contrast and (
        names_the_same(contrast["wrong"], contrast["rest"])
        or all(map(is_plain, (contrast["rest"], f"the {contrast['wrong']}")))
    ):
        return contrast["rest"]
    return expression
