"""Names of several cameras of one node."""

from collections.abc import Sequence
from re import fullmatch


def check_names(names: Sequence[str]) -> None:
    """Raise ValueError unless the names are different and each can be part of a topic's name."""
    for name in names:
        if not fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name):
            raise ValueError(
                f"cameras is {list(names)}: {name!r} cannot be a name: need letters, digits and "
                "_, a letter first"
            )
        if list(names).count(name) > 1:
            raise ValueError(f"cameras is {list(names)}: {name!r} is named twice")
