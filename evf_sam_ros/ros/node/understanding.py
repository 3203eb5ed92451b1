"""Commands from a sentence: what it asks for, beside what is followed and was answered before."""

from collections.abc import Sequence
from dataclasses import dataclass

from builtin_interfaces.msg import Time
from rclpy.impl.rcutils_logger import RcutilsLogger

from evf_sam_ros.language.silence import is_silence
from evf_sam_ros.ros.interface import ENABLE
from evf_sam_ros.ros.node.command import Chosen, Command, chosen_from, expressions_from
from evf_sam_ros.ros.node.statistics import Statistics
from evf_sam_ros.ros.node.worker import Worker
from evf_sam_ros.ros.parameters import NodeParameters


@dataclass(frozen=True)
class Said:
    """A sentence as it arrived."""

    text: str
    first_number: int  # of its commands; 0: a request, whose commands are not counted
    stamp: Time
    camera: str  # name of the camera that heard it, "" of the only one


def understood(
    said: Said, parameters: NodeParameters, worker: Worker | None, statistics: Statistics
) -> tuple[list[Command], str]:
    """Return at least one command, and why it cannot be followed, empty if it can.

    A wish to cancel is one command without an expression.
    """
    expressions, objection = [""], ""
    followed = worker.expressions if worker is not None else []
    chosen = _chosen(said.text, parameters, followed, statistics)
    try:
        if chosen is not None:
            expressions = [chosen.expression]
        else:
            expressions = expressions_from(said.text, parameters, followed) or expressions
    except ValueError as error:
        objection = str(error)
    if worker is None:
        objection = "the node is not active"
    elif not worker.enabled:
        objection = f"the node is disabled; {ENABLE.name} turns it on"
    name = chosen.name if chosen else ""
    commands = [
        Command(
            said.first_number + place if said.first_number else 0,
            said.text,
            expression,
            said.stamp,
            name,
            said.camera,
        )
        for place, expression in enumerate(expressions)
    ]
    return commands, objection


def _chosen(
    text: str, parameters: NodeParameters, followed: Sequence[str], statistics: Statistics
) -> Chosen | None:
    """Return which candidate a sentence chooses while the answer with them is the latest."""
    ambiguous = statistics.last_ambiguous
    if ambiguous is None or not parameters.parse_commands:
        return None
    is_latest = statistics.last_result is ambiguous
    if is_latest:  # a command of mode once has ended
        followed = [*followed, ambiguous.expression]
    return chosen_from(text, ambiguous, followed)


def log_rejection(log: RcutilsLogger, text: str, objection: str) -> None:
    """Log why a sentence is not followed; what recognisers write into silence, only once."""
    if is_silence(text):
        log.info(f"Command rejected, as all of its kind: {objection}", once=True)
    else:
        log.warning(f"Command rejected: {objection}", throttle_duration_sec=1.0)
