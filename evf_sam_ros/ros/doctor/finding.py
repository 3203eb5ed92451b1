"""The result of one of the doctor's checks."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "note", "warning", "problem"]


@dataclass(frozen=True)
class Finding:
    """Result of one check, and the remedy."""

    level: Level
    subject: str
    text: str
    cure: str = ""
