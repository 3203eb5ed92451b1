"""A sentence that reached the node, and what it names."""

from dataclasses import dataclass

from builtin_interfaces.msg import Time

from evf_sam_ros.perception.command import MAX_CHARACTERS, parse_command
from evf_sam_ros.ros.parameters import NodeParameters

SEMANTIC = "[semantic] "


@dataclass(frozen=True)
class Command:
    """A sentence and the expression taken from it."""

    id: int
    text: str  # as received
    expression: str  # as given to the model; empty: rejected, or a wish to cancel
    stamp: Time  # when it was received


def expression_from(text: str, parameters: NodeParameters) -> str:
    """Return what to give to the model, or nothing where the sentence cancels.

    ValueError says why a sentence cannot be followed.
    """
    if parameters.parse_commands:
        expression = parse_command(text).expression
    else:
        expression = text.strip()
        if not 0 < len(expression) <= MAX_CHARACTERS:
            raise ValueError(
                f"the command has {len(expression)} characters, need 1 to {MAX_CHARACTERS}"
            )
    return SEMANTIC + expression if parameters.semantic and expression else expression
