"""Two independent steps run concurrently on two CUDA streams.

An image encoder fills a GPU by itself for most of its time; BEIT-3 beside it is a thousand small
kernels that fit into what is left.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import torch

from evf_sam_ros.engines.tensor_tuples import tensors_in

Result = TypeVar("Result")
Prompts = TypeVar("Prompts")  # a tensor, or a dataclass of several


class SideBySide:
    """Two steps on two streams of a GPU; one after the other elsewhere."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._aside: Any = torch.cuda.Stream(device) if device.type == "cuda" else None

    def __call__(
        self, step: Callable[[], Result], aside: Callable[[], Prompts]
    ) -> tuple[Result, Prompts]:
        """Return what both return, to be used on the stream of the caller.

        What they read must be kept until this returns: it is the caller's stream that made it.
        """
        if self._aside is None:
            return step(), aside()
        stream = torch.cuda.current_stream(self._device)
        self._aside.wait_stream(stream)  # the inputs of both are still being made there
        try:
            # First: few kernels and long ones, during which the many short ones are started.
            result = step()
            with torch.cuda.stream(self._aside):
                beside = aside()
        finally:
            stream.wait_stream(self._aside)
        # Or its memory would be given away while this stream still reads it.
        for part in tensors_in(beside):
            part.record_stream(stream)
        return result, beside
