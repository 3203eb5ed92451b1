"""A sentence that reached the node, and what it names."""

from dataclasses import dataclass

from builtin_interfaces.msg import Time

from evf_sam_ros.language.sentence import MAX_CHARACTERS, parse_command
from evf_sam_ros.ros.parameters import NodeParameters

SEMANTIC = "[semantic] "
SEPARATOR = ";"  # between objects, however the sentence is read
MAX_OBJECTS = 16  # of one sentence: each costs the model time on every image


@dataclass(frozen=True)
class Command:
    """A sentence and one expression taken from it."""

    id: int
    text: str  # as received
    expression: str  # as given to the model; empty: rejected, or a wish to cancel
    stamp: Time  # when it was received


def expressions_from(text: str, parameters: NodeParameters, previous: str = "") -> list[str]:
    """Return what to give to the model: one expression, several, or none where it cancels.

    Args:
        text: as received.
        parameters: `parse_commands` and `semantic` decide what is done with it.
        previous: the expression that is being looked for, which "no, the blue one" corrects.

    Raises:
        ValueError: the sentence cannot be followed; the message says why.
    """
    expressions = _parsed(text, previous) if parameters.parse_commands else _as_they_are(text)
    if len(expressions) > MAX_OBJECTS:
        raise ValueError(
            f"the command names {len(expressions)} objects, at most {MAX_OBJECTS} are looked for "
            "at once"
        )
    return [SEMANTIC + each if parameters.semantic else each for each in expressions]


def _parsed(text: str, previous: str) -> list[str]:
    parsed = parse_command(text, previous.removeprefix(SEMANTIC))
    if parsed.kind == "rejected":
        raise ValueError(parsed.reason)
    parts = (part.strip() for each in parsed.expressions for part in each.split(SEPARATOR))
    return list(dict.fromkeys(filter(None, parts)))


def _as_they_are(text: str) -> list[str]:
    if not 0 < len(text.strip()) <= MAX_CHARACTERS:
        raise ValueError(
            f"the command has {len(text.strip())} characters, need 1 to {MAX_CHARACTERS}"
        )
    parts = [part.strip() for part in text.split(SEPARATOR)]
    expressions = list(dict.fromkeys(part for part in parts if part))
    if not expressions:
        raise ValueError(f"the command {text!r} names nothing between its separators")
    return expressions
