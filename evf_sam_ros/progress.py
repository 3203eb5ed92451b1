"""Progress bars on a terminal; in a file, a line now and then instead of thousands."""

import sys
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from tqdm import tqdm

T = TypeVar("T")

EVERY_S = 30.0  # a line, where nobody watches


class _Lines(tqdm):
    """A bar that ends each of its states with a line break rather than overwrite the last."""

    @staticmethod
    def status_printer(file: Any) -> Callable[[str], None]:
        def write(text: str) -> None:
            if text.strip():
                print(text.strip(), file=file, flush=True)

        return write

    # These would write a line at every call; the next line has what they set.
    def set_description(self, desc: str | None = None, refresh: bool | None = True) -> None:
        super().set_description(desc, refresh=False)

    def set_postfix(
        self, ordered_dict: Any = None, refresh: bool | None = True, **kwargs: Any
    ) -> None:
        super().set_postfix(ordered_dict, refresh=False, **kwargs)

    def set_postfix_str(self, s: str = "", refresh: bool | None = True) -> None:
        super().set_postfix_str(s, refresh=False)


def progress(
    iterable: Iterable[T] | None = None,
    desc: str | None = None,
    total: float | None = None,
    **options: Any,
) -> "tqdm[T]":
    """Return tqdm's bar on stderr: drawn over itself on a terminal, else a line every `EVERY_S`.

    Args:
        iterable: what is gone through; None: the caller tells by `update`.
        desc: what is counted.
        total: how many there are, where the iterable has no length.
        options: further ones of tqdm, such as `unit` and `disable`.
    """
    if sys.stderr.isatty():
        return tqdm(iterable, desc, total, **options)
    slow = {"mininterval": EVERY_S, "maxinterval": 2 * EVERY_S, **options}
    return _Lines(iterable, desc, total, **slow)
