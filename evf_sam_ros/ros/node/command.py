"""A sentence that the node received, and an expression in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from builtin_interfaces.msg import Time

from evf_sam_ros.language import requests
from evf_sam_ros.language.candidates import picked
from evf_sam_ros.msg import SegmentationResult
from evf_sam_ros.ros.parameters import NodeParameters

SEMANTIC = "[semantic] "


@dataclass(frozen=True)
class Command:
    """A sentence and one expression taken from it."""

    id: int
    text: str  # as received
    expression: str  # as given to the model; empty: rejected, or a wish to cancel
    stamp: Time  # when it was received
    choice: str = ""  # the candidate of an AMBIGUOUS answer that was chosen: "the left one"
    camera: str = ""  # which of several cameras looks; empty: the only one, or all


class Chosen(NamedTuple):
    """An expression that several objects fit, and the name of the one that was chosen."""

    expression: str
    name: str


def chosen_from(
    text: str, ambiguous: SegmentationResult, following: Sequence[str]
) -> Chosen | None:
    """Return which candidate of an AMBIGUOUS answer a sentence chooses, if it does.

    Args:
        text: as received.
        ambiguous: the latest answer of that status.
        following: the expressions that are being looked for.
    """
    if ambiguous.expression not in following:
        return None
    name = picked(text, [each.description for each in ambiguous.objects])
    return None if name is None else Chosen(ambiguous.expression, name)


def expressions_from(
    text: str, parameters: NodeParameters, followed: Sequence[str] = ()
) -> list[str]:
    """Return the expressions for the model; none if the sentence cancels.

    Args:
        text: as received.
        parameters: `parse_commands` and `semantic` decide what is done with it.
        followed: the expressions that are being looked for: "no, the blue one" corrects the
            last, "don't touch the mug" cancels where it means one of them.

    Raises:
        ValueError: the sentence cannot be followed; the message says why.
    """
    if parameters.parse_commands:
        earlier = [each.removeprefix(SEMANTIC) for each in followed]
        expressions = requests.expressions_from(text, earlier)
    else:
        expressions = requests.literal_expressions(text)
    return [SEMANTIC + each if parameters.semantic else each for each in expressions]
