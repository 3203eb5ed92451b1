"""Change an expression for one object into one for all objects that fit it."""

import re
from typing import NamedTuple

from evf_sam_ros.language.nouns import plural

# Words that choose one of several by rank, size or side: what they name is one by its meaning.
_CHOOSES = re.compile(
    r"\b(?:left|right|middle|cent(?:er|re)|front|back|top|bottom|upper|lower|first|second|third|"
    r"fourth|fifth|last|next|other|same|large|larger|big|bigger|small|smaller|little|tall|taller|"
    r"far|farther|further|\w+most|(?:near|clos|farth|furth|larg|bigg|small|tall|short|high|low)"
    r"est|\w{3,}iest)\b",
    re.IGNORECASE,
)
# Relations to another object; the words of place in them choose nothing.
_RELATION = re.compile(
    r"\b(?:(?:(?:to|on) the )?(?:left|right) (?:side )?of|in front of|next to|on top of|behind|"
    r"near|beside|between|under|above|below|inside|in|on)\b(?= )",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"\b(?:that|which) is\b", re.IGNORECASE)
_UP_TO_ARTICLE = re.compile(r".*\b(?:the|an?|my|your|this|that)\s+(?=\S)", re.IGNORECASE)
_REQUEST = re.compile(
    r"^(?:(?:pick up|grab|find|segment|show me|where is|give me|take)\s+)+", re.IGNORECASE
)


class AllOf(NamedTuple):
    """A sentence for all that fit, and whether it names them by their relation to another."""

    text: str
    is_related: bool


def all_of(expression: str) -> AllOf | None:
    """Return "all red mugs" for "the red mug"; None if the words choose one of several.

    Args:
        expression: a referring expression that means one object.
    """
    words = expression.strip().rstrip(".!?")
    relation = _RELATION.search(words)
    clause = _CLAUSE.search(words)
    starts = [match.start() for match in (relation, clause) if match]
    head = words[: min(starts, default=len(words))].strip()
    rest = words[len(head) :]
    bare = _RELATION.sub(" ", rest)
    if _CHOOSES.search(head) or _CHOOSES.search(bare) or re.search(r"[,\[]", words):
        return None
    named = _UP_TO_ARTICLE.sub("", _REQUEST.sub("", head)).split()
    if not named or not named[-1].isalpha() or named[-1].lower() in ("the", "a", "an"):
        return None
    several = " ".join([*named[:-1], plural(named[-1])])
    return AllOf(f"all {several}{_CLAUSE.sub('that are', rest)}", relation is not None)
