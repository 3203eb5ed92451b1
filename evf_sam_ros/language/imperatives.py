"""The object of an imperative: "put the red mug in the sink" -> "the red mug".

An imperative is a verb, perhaps a particle, a noun phrase, and phrases around it. Verbs are an
open class: an unknown word is read as a verb where a determiner follows it.
"""

import re
from typing import NamedTuple

from evf_sam_ros.language import verbs
from evf_sam_ros.language.attachments import object_phrase
from evf_sam_ros.language.verbs import base_form
from evf_sam_ros.language.word_classes import (
    DETERMINED,
    NEVER_VERBS,
    OPENS,
    OPENS_OBJECT,
    PERSON,
    PREPOSITIONS,
    word_set,
)

_FIRST = re.compile(
    r"(?P<word>[a-z]+(?:-[a-z]+)?)\s*(?P<label>:)?[,.\u2026]*(?:\s+(?P<rest>.*)|$)", re.I
)
_PARTICLE = re.compile(
    r"(?:up|down|out|off|away|back|over|aside|apart|open|shut|along|around|forward)"
    r"(?=[\s,]|$)(?!\s+of\b)[\s,]*",
    re.IGNORECASE,
)
_ON_IN = re.compile(r"(?:on|in)(?=\s|$)\s*", re.IGNORECASE)
# Verbs that make one word with "on" or "in": "turn on the stove", "plug in the charger".
_WITH_ON = word_set(
    "turn switch plug bring flick flip toggle power try screw click snap clip push"
)
_RECIPIENT = re.compile(
    rf"(?:(?:to|for)\s+)?(?:over\s+)?{PERSON}(?:\s+over)?(?=[\s,]|$)(?!\s*[,.!?]*$)[\s,]*",
    re.IGNORECASE,
)
_OFFERING = word_set("give hand pass offer lend serve throw toss feed")
_GIVING = word_set(
    "give hand pass bring show get fetch find grab buy lend send toss throw take pick locate make"
    " serve pour deliver tell offer chuck choose"
)
_TWO_OBJECTS = re.compile(
    r"(?:the|my|your|our|this|that)\s+\w+\s+"
    r"(?=(?:the|an?|my|your|some|that|this|his|her|its)\s)(?P<rest>.+)",
    re.IGNORECASE,
)
_ACT = re.compile(
    r"(?P<rest>.+?)\s+an?\s+(?:good |quick |little |gentle |hard )*(?:push|shake|wipe|twist|turn"
    r"|spin"
    r"|squeeze|nudge|pull|kick|rinse|wash|clean|stir|tap|poke|flip|try|look|rub|scrub|polish)",
    re.IGNORECASE,
)
_NAMED_RECIPIENT = re.compile(r"[A-Z][a-z]+\s+(?=(?:the|an?|my|your|that|this|some)\s)")
_PRONOUN_FIRST = re.compile(r"(?:it|them|me|us|him|her)(?![\w'-])", re.IGNORECASE)
# Names that begin like a request: "take out box", "get well card", "pick up truck".
_COMPOUND = re.compile(
    r"(?:get\s+(?:away|well|up|on|off|in|out)|take\s+(?:out|away|off)|pick[\s-]+up\s+trucks?"
    r"|grab\s+(?:bars?|bags?|handles?|rails?)|find\s+my\s+\w+\s+(?:sticker|app|poster"
    r"|button|sign|label)$)\b",
    re.IGNORECASE,
)
_BARE_PARTICLE = word_set("throw put turn switch rinse wash pour wipe chop")
_WORN = re.compile(
    r"on\s+(?P<rest>(?:\S+\s+){0,3}?(?:gloves?|hat|cap|coat|jacket|apron|mask|shoes?|goggles|vest"
    r"|glasses|helmet|scarf|socks?|shirt|boots?))\b.*",
    re.IGNORECASE,
)
_ON_OR_OFF = re.compile(r"\s(?:on|off)$", re.IGNORECASE)
_GOALS = word_set("in into on onto to inside under next beside behind at near over")
_PLACING = word_set("put place set lay drop throw stick toss insert load pour dump")
_SWITCHING = word_set("turn switch flip power toggle")
_SIDEWAYS = re.compile(
    r"(?:the\s+|your\s+)?(?:far\s+)?(?:left|right|front|back|side|rear)", re.IGNORECASE
)
_GOAL = re.compile(r"\s(?:in|into|on|onto|to|inside|under|over|next to|beside|behind|off)\s", re.I)


class Imperative(NamedTuple):
    """A verb in its base form, and the text of its object; empty: it has none."""

    verb: str
    object: str


def imperative(clause: str, *, asked: bool = False, gerund: bool = False) -> Imperative | None:
    """Parse a clause as an imperative; None if it is not one.

    Args:
        clause: without politeness around it.
        asked: whether the sentence shows that it is a request: words that are nouns as often
            as verbs then count as verbs.
        gerund: whether it is one in which verbs stand in -ing: "would you mind passing".
    """
    if going := verbs.GOING.fullmatch(clause):
        return Imperative("go", _destination(going["rest"]))
    first = _FIRST.match(clause)
    if first is None:
        return None
    word, rest = first["word"].lower(), (first["rest"] or "").strip()
    verb = _verb(word, rest, gerund)
    if verb is None or (not asked and _is_compound(clause)):
        return None
    behind = _behind_preposition(verb, rest)
    if behind is not None:
        return Imperative(verb, object_phrase(behind, "find"))
    if verb in _PLACING and rest.split(" ")[0].lower() in _GOALS:
        worn = _WORN.fullmatch(rest)
        return Imperative(verb, worn["rest"] if worn else "")
    taken, rest = _without_particle(verb, rest, asked)
    given = _without_recipient(verb, rest)
    sure = asked or bool(first["label"]) or given != rest
    rest = given
    if not _is_object(verb, rest, sure=sure, particle=taken):
        return None
    return Imperative(verb, object_phrase(rest, verb))


def _is_compound(clause: str) -> bool:
    """Tell whether the words are a name rather than a request; a determiner shows a request."""
    found = _COMPOUND.match(clause)
    return found is not None and not DETERMINED.match(clause[found.end() :].lstrip())


def _verb(word: str, rest: str, gerund: bool) -> str | None:
    base = base_form(word)
    if base is not None:
        return base if base == word or gerund else None
    if word in NEVER_VERBS or len(word) < 3 or (word.endswith("ing") and not gerund):
        return None
    opened = DETERMINED.match(_PARTICLE.sub("", rest, count=1)) or re.match(r"(?:it|them)\b", rest)
    return word if opened and not word.endswith(("ly", "s", "'s")) else None


def _behind_preposition(verb: str, rest: str) -> str | None:
    prepositions = verbs.PREPOSITIONAL.get(verb)
    found = prepositions and re.match(rf"(?:{prepositions})\s+(?P<rest>.+)", rest, re.I)
    if (
        not found
        or _SIDEWAYS.fullmatch(found["rest"])
        or not (OPENS.match(found["rest"]) or verb in ("look", "search", "get", "take"))
    ):
        return None
    return str(found["rest"])


def _without_particle(verb: str, rest: str, asked: bool) -> tuple[bool, str]:
    found = _PARTICLE.match(rest) or (_ON_IN.match(rest) if verb in _WITH_ON else None)
    if found is None:
        return False, rest
    behind = rest[found.end() :]
    plain = found[0].strip().lower()
    bare = verb in _BARE_PARTICLE or asked or (verb == "pick" and plain in ("up", "out"))
    opened = OPENS.match(behind) or re.match(rf"(?:it|{PERSON})\b", behind, re.IGNORECASE)
    return (True, behind) if bare or opened or not behind else (False, rest)


def _without_recipient(verb: str, rest: str) -> str:
    if verb not in _GIVING:
        return rest
    if re.fullmatch(PERSON, rest, re.IGNORECASE) and rest.lower() != "them":
        return ""
    if verb == "give" and (act := _ACT.fullmatch(rest)):
        return str(act["rest"])
    if verb in _OFFERING and (two := _TWO_OBJECTS.fullmatch(rest)):
        return str(two["rest"])
    named = _NAMED_RECIPIENT.match(rest)
    if named and named[0].strip().lower() not in NEVER_VERBS:
        return rest[named.end() :]
    recipient = _RECIPIENT.match(rest)
    if recipient and not (recipient[0].lower().startswith("them ") and len(rest.split()) < 3):
        behind = rest[recipient.end() :]
        first = behind.split()[0].lower() if behind else ""
        return behind if first not in PREPOSITIONS - {"left", "right", "up"} else rest
    return rest


def _is_object(verb: str, rest: str, *, sure: bool, particle: bool) -> bool:
    """Tell whether what follows a verb can be its object, or plainly no object is there."""
    if not rest:
        return verb in verbs.STRONG or sure or particle
    opens = DETERMINED if verb in verbs.ADJECTIVAL else OPENS_OBJECT
    if opens.match(rest) or _PRONOUN_FIRST.match(rest) or particle:
        return True
    if verb in verbs.STRONG:
        return rest.split()[0].lower() not in PREPOSITIONS - {"left", "right"}
    if sure:
        return rest.split()[0].lower() not in PREPOSITIONS
    switches = verb in _SWITCHING and _ON_OR_OFF.search(rest)
    return bool(switches) or (verb in verbs.PUTTING and _GOAL.search(rest) is not None)


def _destination(words: str) -> str:
    """Return the object to go to; empty for a mere direction."""
    return "" if _SIDEWAYS.fullmatch(words) else object_phrase(words, "find")
