"""Conversion of features and answers to tuples of tensors, and back."""

from collections.abc import Iterator
from typing import Any

from torch import Tensor


def parts_of(value: Any) -> tuple[Tensor, ...]:
    """Return the tensors of a tensor or of a dataclass of them; None at its end is left out."""
    if isinstance(value, Tensor):
        return (value,)
    return tuple(part for part in vars(value).values() if part is not None)


def whole_of(kind: type, parts: tuple[Tensor, ...]) -> Any:
    """Undo `parts_of` for a value of this type."""
    return parts[0] if issubclass(kind, Tensor) else kind(*parts)


def tensors_in(value: Any) -> Iterator[Tensor]:
    """Yield every tensor of a value: a tensor, or a list or dataclass of such values."""
    if isinstance(value, Tensor):
        yield value
        return
    for part in value if isinstance(value, list | tuple) else vars(value).values():
        if part is not None:
            yield from tensors_in(part)
