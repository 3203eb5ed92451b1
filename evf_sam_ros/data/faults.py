"""Faults in the labels of a data set, counted by kind and named."""

from dataclasses import dataclass, field

SHOWN = 3


class LabelError(ValueError):
    """A label that contradicts itself or its picture; the others of its file can be used."""

    def __init__(self, reason: str, where: str) -> None:
        """Describe a fault.

        Args:
            reason: the kind of fault, by which faults are counted.
            where: the place in the file, with the offending value.
        """
        super().__init__(f"{reason}: {where}")
        self.reason = reason
        self.where = where


def counted(number: int, unit: str) -> str:
    """Return a number with its unit, as in "1 picture" and "2 pictures"."""
    return f"{number:,} {unit}{'' if number == 1 else 's'}"


@dataclass
class Faults:
    """Faults of one data set, by what they are."""

    unit: str  # of what is counted, one of it: "sentence"
    _places: dict[str, list[str]] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)

    def add(self, fault: str, where: str, count: int = 1) -> None:
        """Note that `count` of the unit have a fault; `fault` follows the unit in a sentence."""
        self._counts[fault] = self._counts.get(fault, 0) + count
        self._places.setdefault(fault, []).append(where)

    def leave_out(self, error: LabelError, count: int = 1) -> None:
        """Note that `count` of the unit are left out because of a label fault."""
        self.add(f"left out, {error.reason}", error.where, count)

    def told(self) -> tuple[str, ...]:
        """Return a sentence for each fault, with the first places."""
        return tuple(
            f"{counted(self._counts[fault], self.unit)} {fault}: {'; '.join(places[:SHOWN])}"
            + (f" and {len(places) - SHOWN} more" if len(places) > SHOWN else "")
            for fault, places in self._places.items()
        )
