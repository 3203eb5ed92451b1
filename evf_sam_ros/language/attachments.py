"""Prepositional phrases after a noun: separates those that describe it from those of the verb.

"put the book at the back on the shelf": "at the back" tells which book, "on the shelf" where to.
"""

import re

from evf_sam_ros.language import verbs
from evf_sam_ros.language.word_classes import PERSON, PLACES

_NOT_BESIDE = r"(?<!\bnext)(?<!\bclose)(?<!\bclosest)(?<!\bnearest)(?<!\bnear)(?<!\bfarthest)"
_UNIT = (
    r"(?:degrees?|deg|cm|mm|m|km|inch(?:es)?|feet|foot|met(?:er|re)s?|centimet(?:er|re)s?|percent"
    r"|%|steps?|times|turns?|notch(?:es)?|minutes?|seconds?|hours?)"
)
_NUMBER = (
    r"(?:\d+(?:[.,]\d+)?|an?|one|two|three|four|five|six|ten|twenty|thirty|forty-five|sixty"
    r"|ninety|half an?|a few|a couple(?: of)?|several|one hundred and eighty)"
)
_MEASURE = rf"(?:by |for |about |another )*{_NUMBER}\s*{_UNIT}\b.*"
# How, when and how far: no part of what is meant.
_ADVERBIAL = re.compile(
    r"(?P<rest>.*?)[\s,]+(?:(?:very |really |as )?(?:carefully|gently|slowly|quickly|softly|firmly"
    r"|lightly|immediately|smoothly|cautiously|properly|neatly|thoroughly|tightly|completely"
    r"|fully|entirely|slightly|partially|partly open|safely)"
    r"|now|again|first|at once|(?<!the )(?<!far )(?<!on )right (?:now|away)|too|as well|together"
    r"|apart|somewhere|anywhere"
    r"|(?:a|one) (?:little )?(?:bit|moment|time)|a little(?: bit)?|all the way|half ?way|in half"
    r"|(?:counter|anti)?-?clockwise|(?:for|back)wards?|upright|upside[ -]down|sideways|flat"
    r"|by (?:hand|size|colou?r|weight|type|shape|name|itself)|one (?:by one|at a time)"
    r"|for (?:now|later|a (?:second|moment|minute|while|bit)|dinner|lunch|breakfast|free|sure)"
    r"|in (?:pieces|slices|two|place|order|a (?:row|line|circle|pile|stack|hurry|second|minute"
    r"|moment))|into (?:pieces|slices|cubes|two|halves)|with (?:care|caution|ease)"
    r"|and (?:be careful|hurry|be quick)|as (?:quickly|carefully|gently|fast|slowly|soon)\b.*"
    r"|twice|once(?: more)?|higher|lower|further|harder|faster|more|any ?more|this time|today"
    r"|tonight|tomorrow|next time|straight|everywhere|please"
    rf"|(?:over |right |back )?(?:here|there)|{_MEASURE})",
    re.IGNORECASE,
)
_WHY = re.compile(
    r"(?P<rest>.+?)[\s,]+(?:(?:so that|because|until|while|unless|once|whenever|in order to|so)"
    r"\s+\S+\s+.+|(?:before|after|when|if|as soon as|since)\s+(?:you|i|we|they|it's|you're|i'm"
    r"|we're|it)\b.*)",
    re.IGNORECASE,
)
_PURPOSE = re.compile(
    r"(?P<rest>(?!.*\b(?:something|anything|someone|thing|one|tool)\s+to\s).+?)\s+to\s+"
    r"(?P<verb>[a-z]+)\s+(?:the|an?|my|your|it|them|this|that|with|up|out)(?:\s.*)?",
    re.IGNORECASE,
)
_RESULT = re.compile(
    r"(?P<rest>.+?)(?<!\bthe)(?<!\bin)(?<!\bfar)(?<!\bat)[\s,]+(?:to )?(?:(?:right |back |all "
    r"|straight )*(?:up|down|off|over|out|away|back|aside"
    r"|open|shut|closed|around|round|about|along|through|forward|backward|inside|outside|in|on"
    r"|max(?:imum)?|min(?:imum)?|high|low|zero|full|clean|dry|loose|free|tight|closer|nearer"
    r"|together|upwards?|downwards?|inwards?|outwards?))",
    re.IGNORECASE,
)
_CLAUSE_INSIDE = re.compile(
    r"\b(?:that|which|who|whose|where|i|you|he|she|we|they|it)\s|'s\s+\w+ing\b|\b(?:is|are)\b",
    re.IGNORECASE,
)
_PARTICLE_INSIDE = re.compile(
    r"(?<!\bthe)(?<!\bin)(?<!\bfar)\s(?:up|down|over|back|away|around|along|out)"
    r"(?<!\saway(?=\sfrom))(?=\s+(?:to|towards|from|on|onto|in|into|at|inside|under|behind"
    r"|next to|beside|where)\b)",
    re.IGNORECASE,
)
_WEAK_GOAL = (
    r"(?:in(?:side)?(?: of)?|on(?: top of)?|upon|under(?:neath)?|beneath|below|above|over|behind"
    r"|beside|next to|near(?:er)?(?: to)?|close(?:r)? to|in front of|between|among|against|around"
    r"|across|through|at|atop|within|along|by|outside|alongside|past|off|where)"
)
_STRONG_GOAL = (
    rf"(?:into|onto|(?<!\bthe\s)(?<!\bin\s)(?<!\bat\s)(?:back|over|up|down|closer|nearer"
    rf"|all the way)\s+(?:to|into|in|on|onto)"
    rf"|{_NOT_BESIDE}\s?to(?:wards?)?|towards?|away from)"
)
_PLACE_ALONE = re.compile(
    rf"(?:the\s+)?(?:far\s+|very\s+|extreme\s+|upper\s+|lower\s+)*(?:{PLACES}|corner|edge)"
    rf"(?:[- ]?(?:hand|most))?(?:\s+(?:side|corner|edge|row|end|part))?"
    rf"(?:\s+of the (?:table|picture|image|desk|counter|scene|tray))?",
    re.IGNORECASE,
)
_ANY_GOAL = re.compile(rf"\s(?P<prep>{_STRONG_GOAL}|{_WEAK_GOAL})\s+(?=\S)", re.IGNORECASE)
_STRONG_ALONE = re.compile(rf"\s(?:{_STRONG_GOAL})\s+(?=\S)", re.IGNORECASE)
_SIDE = re.compile(
    rf"(?:the\s+|your\s+|my\s+|its\s+|one\s+)?(?:{PLACES}|side|edge)\b", re.IGNORECASE
)
# A phrase of place behind these words tells which thing is meant.
_WHICH = re.compile(
    r"\b(?:is|are|that's|who's|lying|sitting|standing|resting|hanging|placed|located|stuck"
    r"|labell?ed|marked|filled|written|closest|nearest|farthest|furthest|next|close|near|facing"
    r"|leaning|floating|pointing|looking|touching|hiding|covered|hidden|tucked|balanced)$",
    re.IGNORECASE,
)
_TOOL = re.compile(
    r"(?P<rest>.+?)\s+(?:using|by using|by means of|with the help of)\s+.+", re.IGNORECASE
)
_WITH = re.compile(r"(?P<rest>.+?)\s+with\s+(?P<tool>.+)", re.IGNORECASE)
_TOOL_OPENER = re.compile(r"(?:the|an?|my|your|this|that|some|\w+)\b", re.IGNORECASE)
_TO_PERSON = re.compile(
    rf"(?P<rest>.+?){_NOT_BESIDE}\s+(?:over |back |on )*to (?:{PERSON}|(?:my|your"
    rf"|the) (?:\w+ )?(?:hands?"
    r"|person|user|operator|technician|man|woman|lady|boy|girl|guy|customer|guest|nurse|chef)"
    r"|[A-Z][a-z]+)",
)
_FOR_PERSON = re.compile(rf"(?P<rest>.+?)\s+for (?:{PERSON}|[A-Z][a-z]+|the guests?)")
_INTO = re.compile(r"(?P<rest>.+?)\s+(?:into|onto)\s+\S.*", re.IGNORECASE)
_FOR_WHOM = re.compile(r"(?P<rest>.+?)\s+for (?:the|an?|my|your|our) \w+", re.IGNORECASE)
_IN_PLACE = re.compile(r"(?P<rest>.+?)\s+(?:in|inside|over|under|on)\s+\S+.*", re.IGNORECASE)


def object_phrase(words: str, verb: str) -> str:
    """Return the noun phrase that directly follows a verb."""
    kept = _without_circumstances(words, verb)
    if verb in verbs.PERCEPTION:
        return kept
    kept = _PARTICLE_INSIDE.sub("", kept)
    if verb in verbs.PUTTING:
        kept = _cut_at_goal(kept)
    elif verb in verbs.PUSHING:
        kept = _cut_at_goal(kept, loose=False)
    elif verb in verbs.MOVING:
        kept = _cut_at_strong_goal(kept, turning=verb in verbs.TURNING)
    elif verb in verbs.COOKING:
        kept = _first_group(_IN_PLACE, kept)
    elif not verbs.is_known(verb):
        kept = _cut_at_strong_goal(kept, turning=True)
    kept = _first_group(_INTO, kept)
    if verb in verbs.TREATING - {"pick", "grab"}:
        kept = _first_group(_FOR_WHOM, kept)
    kept = _first_group(_TO_PERSON, kept)
    return kept if kept.strip() else words


def _first_group(rule: re.Pattern[str], words: str) -> str:
    found = rule.fullmatch(words)
    return found["rest"] if found else words


def _without_circumstances(words: str, verb: str) -> str:
    """Remove adverbials of manner, reason, time, beneficiary and tool until none is left."""
    before = None
    while words != before:
        before = words
        words = _first_group(_WHY, words)
        words = _first_group(_TOOL, words)
        words = _without_purpose(words)
        if verb not in verbs.PERCEPTION:
            words = _first_group(_ADVERBIAL, words) or words
            words = _first_group(_FOR_PERSON, words)
            words = _without_tool(words, verb)
            words = _without_result(words, verb)
    return words


def _without_purpose(words: str) -> str:
    found = _PURPOSE.fullmatch(words)
    if found and verbs.base_form(found["verb"].lower()) == found["verb"].lower():
        return found["rest"]
    return words


def _without_tool(words: str, verb: str) -> str:
    found = _WITH.fullmatch(words)
    if found is None:
        return words
    if verbs.HANDS.fullmatch(found["tool"]):
        return found["rest"]
    treats = (verb in verbs.TREATING or not verbs.is_known(verb)) and verb not in ("pick", "grab")
    return found["rest"] if treats and not _CLAUSE_INSIDE.search(found["rest"]) else words


def _without_result(words: str, verb: str) -> str:
    found = _RESULT.fullmatch(words)
    if found is None or _CLAUSE_INSIDE.search(found["rest"] + " "):
        return words
    return found["rest"]


def _cut_at_goal(words: str, *, loose: bool = True) -> str:
    """Cut where a phrase begins that says where to; `loose`: "on" and "in" say so as well."""
    places = [
        m
        for m in _ANY_GOAL.finditer(words)
        if not _WHICH.search(words[: m.start()])
        and (loose or m["prep"].strip().lower() not in ("on", "in", "at", "by"))
    ]
    strong = [m for m in places if _is_strong(m, words)]
    if strong:
        return words[: strong[0].start()]
    for number, place in enumerate(places):
        following = places[number + 1 :]
        end = following[0].start() if following else len(words)
        if following and _PLACE_ALONE.fullmatch(words[place.end() : end].strip()):
            continue  # "the book at the back on the shelf"
        return words[: place.start()]
    return words


def _is_strong(place: re.Match[str], words: str) -> bool:
    """Tell whether a phrase can only say where to: "into the box", not "to the left of it"."""
    if not _STRONG_ALONE.match(words, place.start()):
        return False
    sideways = _SIDE.match(words, place.end())
    return not (sideways and place["prep"].strip().lower() == "to")


def _cut_at_strong_goal(words: str, *, turning: bool) -> str:
    for place in _STRONG_ALONE.finditer(words):
        if _WHICH.search(words[: place.start()]):
            continue
        if turning or not _SIDE.match(words, place.end()):
            return words[: place.start()]
    return words
