"""Singular and plural of English nouns in lower case: regular rules and their exceptions."""

import re

_ONE = re.compile(r"(?:ss|us|is|lens)$")  # "glass", "bus"
_PAIR = re.compile(r"(?:scissors|pliers|trousers|jeans|pants|shorts|glasses)$")  # one, or several
# The head of a noun phrase ends before what it is related to.
_RELATED = re.compile(
    r"\b(?:to|in|on|at|of|with|behind|beside|near|next|between|under|above|below|that|which|who|"
    r"closest|nearest|left|right|from|wearing|holding|and|please)\b|[,.;!?]",
    re.IGNORECASE,
)
_UP_TO_ARTICLE = re.compile(r".*\b(?:the|an?|my|your|this|that)\s+(?=\S)", re.IGNORECASE)
_ENDING = re.compile(r"(?:(?<=x)es|(?<=ch)es|(?<=sh)es|(?<=ss)es|s)$")


def is_plural(noun: str) -> bool:
    """Tell whether a noun names several things: "mugs", but neither "glass" nor "scissors"."""
    regular = len(noun) > 3 and noun.endswith("s")
    return regular and not (_ONE.search(noun) or _PAIR.search(noun))


def singular(noun: str) -> str:
    """Return what one of them is called: "boxes" -> "box"."""
    return _ENDING.sub("", noun) if is_plural(noun) else noun


def plural(noun: str) -> str:
    """Return what several of them are called: "box" -> "boxes"."""
    if is_plural(noun) or _PAIR.search(noun):
        return noun
    return noun + ("es" if re.search(r"(?:s|x|z|ch|sh)$", noun) else "s")


def head_phrase(expression: str) -> str:
    """Return a noun phrase without its relation: "the mug" of "the mug in front"."""
    return _RELATED.split(expression.strip(), maxsplit=1)[0].strip()


def counted(expression: str, count: int) -> str:
    """Say that several objects are what an expression calls one: "2 red mugs on the left"."""
    head = head_phrase(expression)
    rest = expression.strip()[len(head) :].rstrip(" .,;!?")
    words = _UP_TO_ARTICLE.sub("", head).split()
    if not words or not words[-1].isalpha():
        return f"{count} objects fit {expression!r}"
    return " ".join([str(count), *words[:-1], plural(words[-1])]) + rest
