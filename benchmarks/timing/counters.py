"""Count compilations and recordings; a model that is ready causes none."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch


class Counters:
    """Counts that `counting` has collected so far."""

    def __init__(self) -> None:
        self.recorded = 0  # CUDA graphs

    def total(self) -> int:
        """Return the recordings of kernels and the compilations by torch, one for each frame."""
        from torch._dynamo.utils import counters

        return self.recorded + sum(
            counters[kind][name]
            for kind, name in (("frames", "total"), ("stats", "unique_graphs"))
        )


@contextmanager
def counting() -> Iterator[Counters]:
    """Count every recording, whoever makes it: all of them begin at the same method."""
    found = Counters()
    begin = torch.cuda.CUDAGraph.capture_begin

    def counted(self: Any, *args: Any, **kwargs: Any) -> Any:
        found.recorded += 1
        return begin(self, *args, **kwargs)

    torch.cuda.CUDAGraph.capture_begin = counted  # type: ignore[method-assign]
    try:
        yield found
    finally:
        torch.cuda.CUDAGraph.capture_begin = begin  # type: ignore[method-assign]
