"""From what a robot is told to what it should look for: tables of phrases, no model.

"Could you pick up the red mug on the left, please?" -> "the red mug on the left"
"""

import re
from dataclasses import dataclass, field
from typing import Literal

from evf_sam_ros.language import phrases
from evf_sam_ros.language.corrections import corrected, head_noun, names_the_same, resolved
from evf_sam_ros.language.phrases import compiled

SEPARATOR = ";"  # between objects, always
MAX_CHARACTERS = 500  # nobody says more, and the patterns stay fast on hostile input


@dataclass(frozen=True)
class ParsedCommand:
    """What a sentence asks for: objects to find, an end to the search, or nothing it could do."""

    kind: Literal["find", "cancel", "rejected"]
    expressions: tuple[str, ...] = ()  # to find, in the order in which they were named
    reason: str = ""  # why it was rejected

    @property
    def expression(self) -> str:
        """The first thing to find, empty where there is none."""
        return self.expressions[0] if self.expressions else ""


def parse_command(sentence: str, previous: str = "") -> ParsedCommand:
    """Return what a spoken or typed sentence asks for.

    A sentence that is a referring expression already comes back as it is, but for the spaces and
    the punctuation around it, for hesitation, and for capitals where it has nothing else.

    Args:
        sentence: what was said, in any case, with or without punctuation.
        previous: the expression that is being looked for, which "no, the blue one" corrects.
    """
    said = f"the command {_shortened(sentence)!r}"
    if len(sentence) > MAX_CHARACTERS:
        count = len(sentence)
        return _rejected(f"{said} has {count} characters; at most {MAX_CHARACTERS} are read")
    words = _fluent(sentence)
    if not words:
        return _rejected(f'{said} is empty; say for example "the red mug"')
    understood = _Understood(previous)
    for part in filter(None, map(_tidy, words.split(SEPARATOR))):
        for clause in _clauses(part):
            understood.add(clause)
    return understood.as_command(said)


@dataclass
class _Understood:
    """What the clauses of one sentence add up to, so far."""

    earlier: str  # the last expression that was mentioned, in this sentence or before it
    expressions: list[str] = field(default_factory=list)
    cancelled: bool = False
    negated: bool = False  # the last clause said what not to do

    def add(self, clause: str) -> None:
        marked = _peel(clause, _CORRECTIONS)
        corrects = marked != clause or self.negated
        request = _peel(marked, _POLITE)
        follows = bool(self.expressions or self.cancelled or phrases.FOLLOWS.match(clause))
        if _matched(request, _CANCEL):
            self.expressions, self.cancelled, self.negated = [], True, False
        elif negation := _matched(request, _NEGATIONS):
            wrong = resolved(_peel(negation["rest"], _POLITE), self.earlier)
            self.earlier = wrong if head_noun(wrong) else self.earlier
            self.negated = True
        else:
            expression = _expression(request)
            instead = _matched(expression, _INSTEAD)
            asked = corrects or expression != request
            meant = instead["rest"] if instead else _without_contrast(expression, asked)
            self._name(meant, corrects or meant != expression, asked, follows)

    def _name(self, expression: str, corrects: bool, asked: bool, follows: bool) -> None:
        if not expression or _matched(expression, _CHATTER):
            return
        if _matched(expression, _PRONOUN):
            named = [self.earlier] if self.earlier else []
        elif corrects:
            named = [corrected(expression, self.earlier)]
        else:
            parts = _listed(expression) if asked else [expression]
            named = [resolved(part, self.earlier) if follows else part for part in parts]
        if corrects:
            self.expressions = self.expressions[:-1]
        self.expressions += [each for each in named if each not in self.expressions]
        self.earlier = named[-1] if named else self.earlier
        self.negated = False

    def as_command(self, said: str) -> ParsedCommand:
        if self.negated:
            return _rejected(f'{said} says what not to do; name what to find, or say "stop"')
        if self.expressions:
            return ParsedCommand("find", tuple(self.expressions))
        if self.cancelled:
            return ParsedCommand("cancel")
        return _rejected(f'{said} names no object; say for example "pick up the red mug"')


_POLITE = compiled(*phrases.POLITENESS)
_ALL = compiled(*phrases.POLITENESS, *phrases.REQUESTS)
_ALL_AND_ENDS = (*_ALL, *compiled(*phrases.REQUEST_ENDS))
_CANCEL = compiled(*phrases.CANCELLATIONS, phrases.CANCELLED_OBJECT)
_NEGATIONS = compiled(*phrases.NEGATIONS)
_CHATTER = compiled(*phrases.CHATTER)
_PRONOUN = compiled(phrases.PRONOUN)
_CORRECTIONS = compiled(*phrases.CORRECTIONS)
_INSTEAD = compiled(phrases.INSTEAD)
_CONTRAST = compiled(r"(?P<rest>.+?)(?:,\s*|,?\s+but\s+)not (?:the|that) (?P<wrong>[^,]+)")
_SPOKEN_CONTRAST = compiled(r"(?P<rest>.+?),?\s+(?:but\s+)?not (?:the|that) (?P<wrong>[^,]+)")
_SIMPLE = compiled(
    r"(?:all )?(?:the|an?|my|your)"
    r"(?: (?!(?:on|in|at|of|to|from|with|by|near|next|behind|that)\b)[\w-]+){1,3}"
)
_FILLER = re.compile(
    rf"[\s,.\u2026]*(?<!\S)(?:{phrases.FILLERS}|,?\s*(?:you know|like),)"
    r"(?=[\s,.!?\u2026]|$)[,.\u2026]*",
    re.IGNORECASE,
)
_NEXT = re.compile(
    r"\s*(?:the|a|an|that|no|wait|sorry|i|actually|can|could|would|where|please)\b", re.IGNORECASE
)
_TWICE = re.compile(
    r"(?<![\w'-])([a-z']+(?: [a-z']+)?)(?:[\s,\u2026]+\1(?![\w'-]))+", re.IGNORECASE
)
_AROUND = " \t\r\n.,;:!?\u2026"
_QUOTES = ('""', "''", "``", "\u2018\u2019", "\u201c\u201d")


def _rejected(reason: str) -> ParsedCommand:
    return ParsedCommand("rejected", reason=reason)


def _shortened(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."


def _fluent(sentence: str) -> str:
    """Take out what a listener does not hear: hesitation, words said twice, capitals alone."""
    plain = sentence.replace("\u2019", "'")  # the apostrophe that phones type
    words = " ".join(plain.split())
    words = _TWICE.sub(_once, _FILLER.sub(_pause, words))
    shouted = words.isupper() and " " in words.strip()
    return _tidy(words.lower() if shouted else words)


def _pause(filler: re.Match[str]) -> str:
    """Keep the comma where hesitation stands between clauses."""
    return ", " if "," in filler[0] and _NEXT.match(filler.string, filler.end()) else " "


def _once(twice: re.Match[str]) -> str:
    return twice[0] if twice[1].lower() in phrases.INTENSIFIERS else twice[1]


def _tidy(text: str) -> str:
    """Take off the spaces, the punctuation and the pairs of quotation marks around a text."""
    words = " ".join(text.split()).strip(_AROUND)
    if len(words) > 1 and words[0] + words[-1] in _QUOTES and words[0] not in words[1:-1]:
        return _tidy(words[1:-1])
    return "" if words in ('"', "'", "`") else words


def _matched(words: str, rules: tuple[re.Pattern[str], ...]) -> re.Match[str] | None:
    return next((match for rule in rules if (match := rule.fullmatch(words))), None)


def _peel(words: str, rules: tuple[re.Pattern[str], ...]) -> str:
    """Take phrases off until no rule matches; every step leaves fewer words."""
    while (found := _matched(words, rules)) is not None:
        words = _tidy(found.groupdict().get("rest") or "")
    return words


def _expression(request: str) -> str:
    """Return what a request asks for; a referring expression stays as it is."""
    rest = _peel(request, _ALL)
    return rest if rest == request else _peel(rest, _ALL_AND_ENDS)


def _clauses(words: str, listing: bool = False) -> list[str]:
    """Cut a sentence where what follows is beyond doubt a clause of its own.

    In a listing ("find the mug then the bowl then the box") a request went before.
    """
    for separator in phrases.SEPARATOR.finditer(words):
        left, right = _tidy(words[: separator.start()]), words[separator.end() :]
        if left and right and _ends_clause(left, separator, right, listing):
            done = separator["then"] or separator["alone"]
            if done and _matched(_peel(right, _POLITE), _CANCEL):
                return [left]  # "and then stop": it does so anyway
            return [left, *_clauses(right, bool(done))]
    return [words]


def _ends_clause(left: str, separator: re.Match[str], right: str, listing: bool) -> bool:
    mark, joined, then, alone = separator.group("mark", "joined", "then", "alone")
    said = _peel(_peel(left, _CORRECTIONS), _POLITE)
    if _matched(said, _CANCEL) or _matched(said, _NEGATIONS):
        return True
    silent = not (mark or joined or alone)
    if (mark or silent) and phrases.REPAIR.match(right):
        return True
    requests = bool(said) and _expression(said) != said
    ends = _matched(_peel(_peel(right, _CORRECTIONS), _POLITE), _CANCEL)
    if ends and (requests or (mark and " " in ends[0])):
        return True
    prohibits = _matched(right, _NEGATIONS) and not right.lower().startswith("not ")
    starts = phrases.VERB_FIRST.match(right) or prohibits
    if then or alone:
        return bool(
            starts or (_SIMPLE_START.match(right) and (mark or joined or requests or listing))
        )
    return bool(starts and (requests or (mark and not mark.startswith(","))))


_SIMPLE_START = re.compile(r"(?:the|an?|my|your|that|this)\b", re.IGNORECASE)


def _listed(expression: str) -> list[str]:
    """Take "the red mug and the blue bowl" apart, where it is plain that these are two."""
    parts = re.split(r",\s*(?:and\s+)?|\s+and\s+", re.sub(r"(?i)^both\s+", "", expression))
    plain = len(parts) > 1 and all(_matched(part, _SIMPLE) for part in parts)
    return parts if plain else [expression]


def _without_contrast(expression: str, asked: bool) -> str:
    """Drop ", not the red one" behind what was meant; other negations describe the object."""
    contrast = _matched(expression, _SPOKEN_CONTRAST if asked else _CONTRAST)
    if contrast and names_the_same(contrast["wrong"], contrast["rest"]):
        return contrast["rest"]
    return expression
