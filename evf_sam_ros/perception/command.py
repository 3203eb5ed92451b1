"""From what a robot is told to what it should look for: a table of phrases, no model.

"Could you pick up the red mug on the left, please?" -> "the red mug on the left"
"""

import re
from dataclasses import dataclass
from typing import Literal

MAX_CHARACTERS = 500  # nobody says more, and the patterns stay fast on hostile input


@dataclass(frozen=True)
class Command:
    """What to do, and the words that name the object; no words when cancelling."""

    kind: Literal["find", "cancel"]
    expression: str


_PERSON = r"(?:me|us|him|her|them)"
# Words that are nouns as often as verbs ("hand", "mask") ask for something only before these.
_DETERMINED = (
    r"\s+(?P<rest>(?:the|a|an|all|any|every|each|both|that|this|those|these|my|your|one)\b.*)"
)
_REST = r"(?![-\w])\s*(?P<rest>.*)"

# Every pattern must match the whole sentence; what it calls `rest` is kept. Patterns are tried
# in order, over and over until none matches, so each knows one phrase only.
_POLITENESS = (
    r"(?:hey|hi|hello|okay|ok)\s+robot(?:[\s,:!]+(?P<rest>.*)|$)",
    r"robot[,:!](?P<rest>.*)",  # not "robot on the left"
    r"(?:hey|hi|hello|okay|ok|alright|well|um+|uh+|so|now|then|and|but|just|please|kindly)"
    r"(?:[\s,:]+(?P<rest>.*)|$)",
    r"(?:no|yes|actually|sorry)\s*,\s*(?P<rest>.*)",
    r"(?:can|could|will|would) you(?: mind| be so kind(?: as)? to| help (?:me|us)(?: to)?)?"
    + _REST,
    r"(?:i|we)(?:'d| would)? (?:want|need|like|wish) you to" + _REST,
    r"(?P<rest>.*?)[\s,]*\b(?:please|thanks|thank you(?: very much)?|if you can|if possible)",
    r"(?P<rest>.*?)[\s,]*\b(?:will|would|can|could) you",
    r"(?P<rest>.*?)\s*,\s*robot",
    r"(?P<rest>.*?)(?<!on the)(?<!to the)[\s,]+right (?:now|away)",  # not "on the right now"
    r"(?P<rest>.*?)[\s,]+now",
)
_REQUESTS = (
    r"(?:i|we)(?:'d| would)? (?:want|need|like)(?: to (?:see|have|get|find))?" + _REST,
    r"(?:i|we)(?:'m|'re| am| are)? (?:said|meant?|looking for|searching for)" + _REST,
    r"(?:can|could|may|might) (?:i|we) (?:have|see|get)" + _REST,
    r"(?:try to|try and|go and|go ahead and|go|let's|let us|help me(?: to)?)"
    r"\s+(?P<rest>(?:pick|grab|get|fetch|find|locate|look|search|take|bring|show|segment)\b.*)",
    r"(?:bring|give|hand|pass|get)(?:ing)?\s+(?!me\b|us\b)(?P<rest>.+?)"
    r"(?<!close)(?<!closest)(?<!near)(?<!nearest)(?<!next)(?: over)? to (?:me|us)",
    r"(?:pick|picking)\s+(?!up\b)(?P<rest>.+)\s+up",
    r"(?:pick|picking)(?: up| out)?" + _REST,
    r"(?:hand|handing|pass|passing|tell|telling)(?: over)? " + _PERSON + _REST,
    r"(?:give|giving|show|showing|bring|bringing|get|getting|fetch|fetching|grab|grabbing"
    r"|find|finding)(?: " + _PERSON + r")?" + _REST,
    r"(?:grasp|grasping|take|taking|locate|locating|detect|detecting|highlight|highlighting"
    r"|segmenting|selecting|lifting|touching|approach|approaching)" + _REST,
    r"(?:segment|select)(?: out)?(?!\s+of\b)" + _REST,
    r"(?:hand|pass|lift|touch|mask|hold|reach|see|grip|seize|collect)(?: up| out| over)?"
    + _DETERMINED,
    r"(?:look|looking|search|searching|reach|reaching) (?:for|at)" + _REST,
    r"(?:point|pointing) (?:to|at|out)" + _REST,
    r"where(?:'s| is| are|'re)" + _REST,
    r"where (?:did|has|have) (?P<rest>.+) (?:go|gone)",
    r"where (?P<rest>.+) (?:is|are)",
    r"(?:which one|which|what|who)(?:'s| is| are)" + _DETERMINED,
    r"(?:what|how) about" + _REST,
    r"do you (?:see|know|have)" + _REST,
    r"(?:is|are) there" + _REST,
    r"(?P<rest>.*?)[\s,]+for " + _PERSON,
)
_CANCELLATIONS = (
    r"(?:stop|halt|cancel|abort|quit)(?: (?:it|that|this|there|everything"
    r"|the (?:command|search|task)))?",
    r"(?:stop|cancel|quit) (?:looking|searching|segmenting|tracking|following)\b.*",
    r"(?:never ?mind|forget (?:it|that|about (?:it|that))|that(?:'s| is) enough|enough)",
)
_NEGATION = (
    r"(?:do not|don'?t|never|you must ?n[o']t) (?:pick|grab|grasp|take|get|fetch|bring|give|hand"
    r"|pass|find|locate|detect|segment|show|highlight|select|look|search|touch|lift)\b.*"
)


def _compiled(*patterns: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern, re.IGNORECASE) for pattern in patterns)


_POLITE_RULES = _compiled(*_POLITENESS)
_ALL_RULES = _compiled(*_POLITENESS, *_REQUESTS)
_CANCEL_RULES = _compiled(*_CANCELLATIONS)
_NEGATION_RULES = _compiled(_NEGATION)
_AROUND = " \t\r\n.,;:!?…\"`'\u2018\u2019\u201c\u201d"


def parse_command(sentence: str) -> Command:
    """Return what a spoken or typed sentence asks for.

    A sentence that is a referring expression already comes back as it is, but for the
    spaces and the punctuation around it.
    """
    said = f"the command {_shortened(sentence)!r}"
    if len(sentence) > MAX_CHARACTERS:
        raise ValueError(
            f"{said} has {len(sentence)} characters; at most {MAX_CHARACTERS} are read"
        )
    words = _tidy(sentence)
    if not words:
        raise ValueError(f'{said} is empty; say for example "the red mug"')
    request = _peel(words, _POLITE_RULES)
    if _matches(request, _CANCEL_RULES):
        return Command("cancel", "")
    if _matches(request, _NEGATION_RULES):
        raise ValueError(f'{said} says what not to do; name what to find, or say "stop"')
    expression = _peel(request, _ALL_RULES)
    if not expression:
        raise ValueError(f'{said} names no object; say for example "pick up the red mug"')
    return Command("find", expression)


def _shortened(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."


def _tidy(text: str) -> str:
    plain = text.replace("\u2019", "'")  # the apostrophe that phones type
    return " ".join(plain.split()).strip(_AROUND)


def _matches(words: str, rules: tuple[re.Pattern[str], ...]) -> bool:
    return any(rule.fullmatch(words) for rule in rules)


def _peel(words: str, rules: tuple[re.Pattern[str], ...]) -> str:
    """Take phrases off until no rule matches; every step leaves fewer words."""
    while True:
        found = next((match for rule in rules if (match := rule.fullmatch(words))), None)
        if found is None:
            return words
        words = _tidy(found["rest"] or "")
