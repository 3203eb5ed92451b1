"""Duration of each stage of an answer."""

import time
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch


@dataclass(frozen=True)
class StageTimes:
    """Seconds that each stage took, one after the other."""

    preprocess: float
    encode_image: float  # on a GPU, words are fused with the image meanwhile
    fuse_and_decode: float
    postprocess: float

    @property
    def total(self) -> float:
        return self.preprocess + self.encode_image + self.fuse_and_decode + self.postprocess


class StageClock:
    """Times stages; work queued on a GPU counts for the stage that queued it."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._last = time.perf_counter()

    def lap(self) -> float:
        """Return the seconds since the last lap."""
        if self._device.type == "cuda":
            # Not for the device: while another thread records a graph CUDA refuses that.
            torch.cuda.current_stream(self._device).synchronize()
        now = time.perf_counter()
        lasted, self._last = now - self._last, now
        return lasted


class StageMarks:
    """Times stages without waiting for a GPU between them."""

    def __init__(self, device: torch.device) -> None:
        """Start the first stage."""
        self._device = device
        self._marks = [self._now()]

    def mark(self) -> None:
        """End a stage, on a GPU where its current stream will have come to here."""
        self._marks.append(self._now())

    def seconds(self) -> list[float]:
        """Return how long each stage lasted; a GPU is waited for."""
        if self._device.type != "cuda":
            return [end - start for start, end in pairwise(self._marks)]
        self._marks[-1].synchronize()
        return [start.elapsed_time(end) / 1e3 for start, end in pairwise(self._marks)]

    def _now(self) -> Any:
        if self._device.type != "cuda":
            return time.perf_counter()
        event: Any = torch.cuda.Event(enable_timing=True)
        event.record(torch.cuda.current_stream(self._device))
        return event
