"""A sentence that reached the node, and what it names."""

from dataclasses import dataclass

from builtin_interfaces.msg import Time

from evf_sam_ros.language import requests
from evf_sam_ros.ros.parameters import NodeParameters

SEMANTIC = "[semantic] "


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
    if parameters.parse_commands:
        expressions = requests.expressions_from(text, previous.removeprefix(SEMANTIC))
    else:
        expressions = requests.literal_expressions(text)
    return [SEMANTIC + each if parameters.semantic else each for each in expressions]
