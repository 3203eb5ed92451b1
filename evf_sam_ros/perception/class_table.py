"""Names of classes and their ids in a mask of 8 bits; an id never changes its class."""

from collections.abc import Sequence
from dataclasses import dataclass

MOST_CLASSES = 255  # 0 is nothing


@dataclass(frozen=True)
class SemanticClass:
    """A class of the semantic mask."""

    name: str  # as one would ask for it
    id: int  # 1..255


def check_names(names: Sequence[str]) -> None:
    """Raise ValueError for names that cannot be classes."""
    if len(names) > MOST_CLASSES:
        raise ValueError(
            f"classes has {len(names)} names, at most {MOST_CLASSES} fit a mask of 8 bits"
        )
    for number, name in enumerate(names):
        if not name.strip():
            raise ValueError(f"classes[{number}] is {name!r}, need a name such as 'floor'")
        if name in names[:number]:
            raise ValueError(f"classes has {name!r} twice, need each name once")


class ClassTable:
    """The classes now, and the ids of all that there have been."""

    def __init__(self) -> None:
        self.current: tuple[SemanticClass, ...] = ()
        self._ids: dict[str, int] = {}

    def change(self, names: Sequence[str], ids: Sequence[int] = ()) -> None:
        """Replace the classes; nothing changes where that raises.

        Args:
            names: each once.
            ids: one for each name; empty: a name that had an id keeps it, another gets the
                lowest that no class has had.

        Raises:
            ValueError: the names cannot be classes, or the ids cannot be theirs.
        """
        check_names(names)
        chosen = self._checked(names, ids) if ids else self._lowest(names)
        self._ids |= chosen
        self.current = tuple(SemanticClass(name, chosen[name]) for name in names)

    def _checked(self, names: Sequence[str], ids: Sequence[int]) -> dict[str, int]:
        if len(ids) != len(names):
            raise ValueError(f"{len(ids)} ids for {len(names)} names: need one each, or none")
        owners = {number: name for name, number in self._ids.items()}
        for name, number in zip(names, ids, strict=True):
            if not 1 <= number <= MOST_CLASSES:
                raise ValueError(f"the id of {name!r} is {number}, need 1 to {MOST_CLASSES}")
            if list(ids).count(number) > 1:
                raise ValueError(f"the id {number} is given twice, need each once")
            if self._ids.get(name, number) != number:
                raise ValueError(
                    f"{name!r} has the id {self._ids[name]}, which stays: not {number}"
                )
            if owners.get(number, name) != name:
                raise ValueError(f"the id {number} is that of {owners[number]!r}: take another")
        return dict(zip(names, map(int, ids), strict=True))

    def _lowest(self, names: Sequence[str]) -> dict[str, int]:
        taken = set(self._ids.values())
        free = iter(number for number in range(1, MOST_CLASSES + 1) if number not in taken)
        chosen = {}
        for name in names:
            number = self._ids.get(name) or next(free, None)
            if number is None:
                raise ValueError(
                    f"there is no id for {name!r}: {MOST_CLASSES} classes have had one, and ids "
                    "stay with their classes until the node ends"
                )
            chosen[name] = number
        return chosen
