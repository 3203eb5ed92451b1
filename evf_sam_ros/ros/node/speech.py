"""Text from speech recognisers: only finished transcripts are used."""

from collections.abc import Callable
from typing import Any, NamedTuple

from evf_sam_ros.ros.interface import installed_type


class Recogniser(NamedTuple):
    """A message type, and how to read its finished text, empty where it is still changing."""

    type: Any
    text: Callable[[Any], str]


_FINAL_TEXT: dict[str, Callable[[Any], str]] = {
    "hri_msgs/LiveSpeech": lambda message: str(message.final),
    "whisper_msgs/Transcription": lambda message: str(message.text),
}


def recogniser(speech_type: str) -> Recogniser:
    """Find a message type; ValueError where its package is not installed."""
    found = installed_type(speech_type)
    if found is None:
        package = speech_type.partition("/")[0]
        raise ValueError(
            f"speech_type is {speech_type!r}, but {package} is not installed: install it and "
            "source its workspace, or set speech_type to none"
        )
    return Recogniser(found, _FINAL_TEXT[speech_type])
