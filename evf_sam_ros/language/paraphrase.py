"""Translation of ordinary English into the grammar that the tabletop model learned.

"the upper of the two mugs" -> "the back mug": what has one meaning on a table that is seen from
in front of it is said in other words, and told to the user as a reading. A word that has none
stays as it is, so that the vocabulary names it as unknown.
"""

import re
from functools import lru_cache

from evf_sam_ros.language.nouns import plural, singular

_COLOR = r"(?:red|orange|yellow|green|blue|purple|violet|pink|white|black|brown)"
_NOUN = (
    r"(?:box|block|cube|ball|sphere|cylinder|can|tin|capsule|pill|cone|mug|cup|bowl|bottle|object"
    r"|thing|item|one)"
)
_NOUNS = rf"(?:{_NOUN}s|boxes)"
_ANY_NOUN = rf"(?:{_NOUNS}|{_NOUN})"
_PHRASE = rf"(?:(?:the|an?|my|this|that|all|two|three|four) )*(?:\w+ ){{0,2}}?{_ANY_NOUN}"
_SCENE = r"(?:table|tabletop|picture|image|photo|scene|frame|view|desk|screen)"
_VIEWER = r"(?:me|us|you|yourself|myself|the (?:viewer|camera|robot|observer|front edge)|camera)"
# Sayings of the grammar itself.
_LEARNED = r"(?!(?:farthest from|closest to) me\b|(?:closest|nearest) to the camera\b)"
_SIDE = r"(?P<side>left|right)"
_NUMBERS = {"2": "two", "3": "three", "4": "four"}
_OPPOSITE = {"left": "right", "right": "left"}

# Words that choose nothing by themselves, and shades of a colour.
_LEFT_OUT = (
    (r"\b(?:dark|light|bright|pale|deep|vivid|plain|solid)(?:er|est)?[ -]"
     rf"(?={_COLOR}\b)", ""),
    (r"\b(?:very|really|quite|exactly|just|partly|partially|mostly|slightly|half|directly"
     r"|immediately|clearly|only|single|little bit|a bit|obviously)\b ?", ""),
    (r"\bright (?=(?:next to|behind|in front of|beside|by|near)\b)", ""),
    (r"\b(?:over )?there\b ?", ""),
    (rf" (?:on|in) (?:the|this) {_SCENE}\b(?! (?:of|edge|side))", ""),
    (rf"\b(?:round|spherical) (?=(?:{_COLOR} )?(?:balls?|spheres?)\b)", ""),
    (rf"\b(?:pointed|pointy) (?=(?:{_COLOR} )?cones?\b)", ""),
    (rf"\b(?:square|cubic) (?=(?:{_COLOR} )?(?:box|boxes|blocks?|cubes?)\b)", ""),
    (r"\b(?:coffee|tea|beer) (?=(?:mug|cup)s?\b)", ""),
    (r"\b(?:soda|cola|beer|tin) (?=cans?\b)", ""),
    (r"\b(?:water|wine) (?=bottles?\b)", ""),
    (r"\b(?:standing|sitting|lying|placed|located|positioned|situated|resting|seen|found|visible"
     r"|that (?:stands?|sits?|lies)|which (?:stands?|sits?|lies)) (?=\w)", ""),
    (r"\bthat'?s (?=\w)", "that is "),
)  # fmt: skip
_SYNONYMS = (
    (r"\b(?:crimson|scarlet)\b", "red"),
    (r"\bnavy(?: blue)?\b", "blue"),
    (r"\b(left|right)-hand(?:ed)?\b", r"\1"),
    (r"\b(?:tall|taller|high|higher|highest)\b", "tallest"),
    (r"\b(?:short|shorter|shortest)\b", "smallest"),
    (r"\b(?:lit+lest|tiniest|tinier)\b", "smallest"),
    (r"\b(?:things?|objects?|ones?|items?) with (?:a|the) handles?\b", "mug"),
    (r"\bhalf of the\b", "the"),
    (r"\bpair of\b", "two"),
)  # fmt: skip
# Which of several: "the smaller of the two bowls", "every mug", "whatever is red".
_QUANTITIES = (
    (r"\b(?:each|every)(?: one)? of (?:the|these|those)\b", "all"),
    (r"\ball(?: of)? (?:the )?(two|three|four)\b", r"the \1"),
    (r"\b(?:all|any) of (?:the|these|those|them)\b", "all"),
    (r"\bboth(?: of)?(?: the| these| those)?\b", "the two"),
    (r"\b(?:everything|anything|whatever|all)(?: that| which)?(?: is|'s)? "
     rf"({_COLOR})\b(?! {_ANY_NOUN})", r"all \1 things"),
    (r"\bsomething(?: that| which)?(?: is|'s)? (\w+)\b", r"a \1 thing"),
    (r"\b(?:everything|anything)\b", "all things"),
)  # fmt: skip
# Where in the picture; seen across a table, what is higher in it is farther away.
_HIGH = r"(?:top|upper|uppermost|topmost|back|rear)"
_LOW = r"(?:bottom|lower|lowermost|bottommost|front)"
_PLACES = (
    # corners: one of the two directions has to do, and sideways things differ most
    (rf"\b(?:in|at|on) (?:the )?(?:{_HIGH}|{_LOW})[ -]{_SIDE}(?:[ -]hand)?"
     r"(?: corner| side| part| edge)?(?: of (?:the )?\w+)?", r"on the \g<side>"),
    (rf"\bthe (?:{_HIGH}|{_LOW})[ -]{_SIDE} (?=(?:\w+ )?{_ANY_NOUN}\b)", r"the \g<side> "),
    (rf"\b(?:close|closer|closest|near|nearer|nearest) to the {_SIDE} (?:edge|side|border)\b"
     rf"(?: of the {_SCENE})?", r"farthest to the \g<side>"),
    (rf"\b(?:in|at|on|to) (?:the )?(?:far )?{_SIDE}(?:most)? (?:corner|edge|end|border|margin)\b",
     r"on the far \g<side>"),
    (rf"\b(?:all the way|furthest|farthest|most|far) (?:on|to|at|over on) the {_SIDE}\b"
     r"(?! of)", r"farthest to the \g<side>"),
    (rf"(?<!farthest )\b(?:at|to) the (?P<far>far )?{_SIDE}\b(?=$| side| of the {_SCENE}\b)",
     r"on the \g<far>\g<side>"),
    (rf"\b(?P<place>(?:left|right) side) of the {_SCENE}\b", r"\g<place>"),
    (r"\b(?:close|closer|closest|near|nearer|nearest) to the (?:cent(?:er|re)|middle)\b",
     "in the middle"),
    (rf"\bin the (?:very )?(?:cent(?:er|re)|middle) of the {_SCENE}\b", "in the middle"),
    (r"\bcentral (?=\w)", "middle "),
    (r"\b(?:at|in|on|near|towards?) the (?:far end|top|upper (?:part|edge|half)|rear|very back"
     rf"|far side|back edge|top edge|far edge|upper end)\b(?: of the {_SCENE})?", "at the back"),
    (r"\b(?:at|in|on|near|towards?) the (?:near end|bottom|lower (?:part|edge|half)|very front"
     rf"|near side|front edge|bottom edge|near edge)\b(?: of the {_SCENE})?", "at the front"),
    (rf"\b(?:at|in) the (?P<place>back|front) of the {_SCENE}\b", r"at the \g<place>"),
    (r"\b(?:upper|uppermost|topmost|rear|rearmost|backmost|hindmost|distant|furthermost|top)"
     r" (?=\w)", "back "),
    (r"\b(?:lower|lowermost|lowest|bottommost|frontmost|foremost|bottom) (?=\w)", "front "),
    (rf"\bfar (?=(?:{_COLOR} )?{_ANY_NOUN}\b)", "farthest "),
    (rf"\b(?:near|closer|nearer|close) (?=(?:{_COLOR} )?{_ANY_NOUN}\b)", "nearest "),
    (rf"\b(?:further|farther|far) (?=(?:{_COLOR} )?{_ANY_NOUN}\b)", "farthest "),
    (r"\b(?:further|farther|furthest|farthest)(?:(?: to the)? back| behind| up)\b", "at the back"),
    (rf"\b{_LEARNED}(?:further|farther|furthest|farthest|far|more distant)(?: away)?"
     rf"(?: from {_VIEWER})?(?=$|,)", "farthest from the camera"),
    (rf"\b{_LEARNED}(?:far|further|farther|furthest|farthest)(?: away)? from {_VIEWER}",
     "farthest from the camera"),
    (rf"\b{_LEARNED}(?:close|closer|near|nearer|nearest|closest|next) to {_VIEWER}\b",
     "closest to the camera"),
    (rf"\bnear {_VIEWER}\b", "closest to the camera"),
    (r"\b(?:closer|nearer|up close|close)$", "closest to the camera"),
)  # fmt: skip
_NEXT_TO = (
    r"(?:by|alongside|adjacent to|touching|against|close to|close by|near to|besides|nearby"
    r"|neighbou?ring|right by)"
)
_RELATIONS = (
    (r"\b(?:is |are )?(?:hidden|occluded|obscured|covered|blocked|concealed)(?: from view)?"
     r" (?:by|behind|from)\b", "behind"),
    (r"\b(?:blocking|hiding|covering|occluding|obscuring|concealing|that (?:blocks|hides|covers))"
     r"(?: part of)?\b", "in front of"),
    (r"\b(?:above|over|on the other side of|beyond|in back of|at the back of|past)"
     r" (?=(?:the|an?)\b)", "behind "),
    (r"\b(?:below|beneath|underneath|under|at the front of|before) (?=(?:the|an?)\b)",
     "in front of "),
    (rf"\b{_NEXT_TO} (?=(?:the|an?)\b)", "next to "),
    (r"\b(?:nearest|nearer|closer)(?: to)? (?=(?:the|an?)\b(?! camera))", "closest to "),
    (r"\bon the (left|right)(?:[ -]hand)? side of (?=the\b)", r"to the \1 of "),
    (r"\b(left|right) from (?=the\b)", r"\1 of "),
    (r"\b(behind|next to|beside|near|left of|right of|in front of) the other (?=\w)", r"\1 the "),
)  # fmt: skip
_OF_SEVERAL = re.compile(
    r"\b(?P<article>the |an? |^)(?P<which>(?!all\b|every\b|each\b|side\b)\w+)(?: one)?"
    r" (?:of|among)"
    rf" (?:the|these|those|all the) (?:two |three |four )?(?P<what>(?:\w+ )?{_NOUNS})\b"
)
_PLACE_OF_SEVERAL = re.compile(r"\b(?:to|on|at|in|from) the (?:far )?(?:left|right|front)$")
_ANY_ONE = ("one", "either", "any", "some")
_EACH = re.compile(rf"\b(?:every|each) (?P<what>(?:\w+ )?)(?P<noun>{_NOUN})\b")
_WITH_BESIDE = re.compile(
    rf"^(?P<what>.*?\b(?P<noun>{_NOUN})) (?:with|that has|which has) (?P<other>(?:the|an?) .+?) "
    r"(?:(?:to|on|at) (?:its|the) (?P<side>left|right)|(?P<where>behind|in front of|next to"
    r"|beside|near) it)$"
)
_RULES = [
    (re.compile(pattern), said)
    for pattern, said in (*_LEFT_OUT, *_SYNONYMS, *_QUANTITIES, *_PLACES, *_RELATIONS)
]
_SEMANTIC = re.compile(r"\s*\[")
_WITHOUT = re.compile(
    r"(?P<all>.+?),? (?:except(?: for)?|but not|other than|apart from|besides|but|without|not"
    rf"|excluding) (?P<out>(?:the|an?|those|any) .+|{_COLOR}(?: \w+)?)"
)
_IS_NOT = re.compile(
    r"(?P<all>.+?) (?:(?:that|which)(?: is| are|'s|'re)(?: not|n't)|(?:that|which)"
    r" (?:isn't|aren't)|not) (?P<out>.+)"
)
_CHOICE = re.compile(r",? (?:or|nor|and) ")


@lru_cache(maxsize=256)  # asked for every image
def paraphrased(expression: str) -> str:
    """Say an expression in the words of the grammar, as far as they have the same meaning."""
    if _SEMANTIC.match(expression):
        return expression
    words = " ".join(re.sub(r"[,.!?;:]", " ", expression.lower().replace("\u2019", "'")).split())
    words = re.sub(r"\b[234]\b", lambda number: _NUMBERS[number[0]], words)
    words = _WITH_BESIDE.sub(_turned_round, words)
    for rule, said in _RULES:
        words = rule.sub(said, words)
    words = _OF_SEVERAL.sub(_one_of_several, words)
    words = _EACH.sub(lambda each: f"all {each['what']}{plural(each['noun'])}", words)
    return " ".join(re.sub(r"\bthe the\b", "the", words).split())


@lru_cache(maxsize=256)
def exclusion(expression: str) -> tuple[str, list[str]] | None:
    """Read "all bowls but the red one" as all bowls, without these; None: nothing is left out.

    Both are expressions for all objects of a kind.
    """
    words = " ".join(expression.lower().replace("\u2019", "'").strip(" .!?").split())
    found = _IS_NOT.fullmatch(words) or _WITHOUT.fullmatch(words)
    if found is None or _SEMANTIC.match(words):
        return None
    every = _all_of(found["all"])
    head = re.search(rf"\b({_ANY_NOUN})$", every)
    if head is None:
        return None
    kind = plural(singular(head[1]))
    outs = _CHOICE.split(found["out"])
    named = all(re.search(rf"\b(?:{_COLOR}|{_ANY_NOUN})\b", out) for out in outs)
    return (every, [_all_of(out, kind) for out in outs]) if named else None


def _all_of(words: str, kind: str = "things") -> str:
    """Return an expression for all that words such as "the red one" or "blue" fit."""
    words = re.sub(r"^(?:(?:the|an?|any|those|all|every|each|both|two|three|of)\s)+", "", words)
    if words in ("everything", "anything", "something", "whatever"):
        words = "things"
    if re.fullmatch(_COLOR, words):
        return f"all {words} {kind}"
    words = re.sub(r"\bones?$", kind, words)
    words = re.sub(r"^((?:\w+ )?)ones?\b", rf"\1{singular(kind)}", words)
    head = re.search(rf"\b({_ANY_NOUN})$", words)
    return f"all {words[: head.start()]}{plural(singular(head[1]))}" if head else f"the {words}"


def _one_of_several(found: re.Match[str]) -> str:
    if _PLACE_OF_SEVERAL.search(found.string[: found.end("which")]):
        return found[0]
    adjective, _, noun = found["what"].rpartition(" ")
    which = found["which"] if found["which"] not in _ANY_ONE else ""
    article = found["article"].strip() if which else "a"
    return " ".join(filter(None, (article or "the", which, adjective, singular(noun))))


def _turned_round(found: re.Match[str]) -> str:
    """Say "the mug with a can to its right" from the mug's side: "the mug left of the can"."""
    other = re.sub(r"\bone$", found["noun"], re.sub(r"^an? ", "the ", found["other"]))
    if side := found["side"]:
        return f"{found['what']} to the {_OPPOSITE[side]} of {other}"
    turned = {"behind": "in front of", "in front of": "behind"}
    return f"{found['what']} {turned.get(found['where'], 'next to')} {other}"
