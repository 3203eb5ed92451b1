"""Convert a user's sentence into expressions for a model, for node and command line."""

from collections.abc import Sequence

from evf_sam_ros.language.sentence import MAX_CHARACTERS, SEPARATOR, parse_command

MAX_OBJECTS = 16  # of one request: each costs the model time on every image


def expressions_from(sentence: str, previous: str | Sequence[str] = "") -> list[str]:
    """Return the expressions that a sentence asks for, none if it only cancels.

    Args:
        sentence: what was said.
        previous: the expressions that are being looked for: "no, the blue one" corrects the
            last, "don't touch the mug" ends the search where it means one of them.

    Raises:
        ValueError: the sentence cannot be followed; the message says why.
    """
    parsed = parse_command(sentence, previous)
    if parsed.kind == "rejected":
        raise ValueError(parsed.reason)
    return _bounded(parsed.expressions)


def literal_expressions(text: str) -> list[str]:
    """Return a text as it is, cut at each `;`.

    Raises:
        ValueError: it is too long, or names nothing.
    """
    _check_length(text)
    expressions = _bounded([part.strip() for part in text.split(SEPARATOR)])
    if not expressions:
        raise ValueError(f"the command {text!r} names nothing between its separators")
    return expressions


def asked_for(sentences: Sequence[str], literal: Sequence[str] = ()) -> list[str]:
    """Return the expressions of sentences, said one after the other, then the literal ones.

    As in the node, a sentence may correct the one before: "the red mug", "no, the blue one".

    Raises:
        ValueError: a sentence cannot be followed or names nothing, a literal expression is empty
            or too long, or there is neither.
    """
    found: list[str] = []
    for sentence in sentences:
        named = expressions_from(sentence, *found[-1:])
        if not named:
            raise ValueError(f"the command {sentence!r} names no object")
        found += named
    if not (found or literal):
        raise ValueError('nothing to look for; say for example "the red mug"')
    for expression in literal:
        _check_length(expression)
    return _bounded([*found, *literal])


def _check_length(text: str) -> None:
    if not 0 < len(text.strip()) <= MAX_CHARACTERS:
        raise ValueError(
            f"the command has {len(text.strip())} characters, need 1 to {MAX_CHARACTERS}"
        )


def _bounded(parts: Sequence[str]) -> list[str]:
    expressions = list(dict.fromkeys(filter(None, parts)))
    if len(expressions) > MAX_OBJECTS:
        raise ValueError(
            f"the command names {len(expressions)} objects, at most {MAX_OBJECTS} are looked for "
            "at once"
        )
    return expressions
