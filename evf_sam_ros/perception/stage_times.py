"""How long each stage of an answer took."""

import time
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class StageTimes:
    """Seconds that each stage took, one after the other."""

    preprocess: float
    encode_image: float
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
            torch.cuda.synchronize(self._device)
        now = time.perf_counter()
        lasted, self._last = now - self._last, now
        return lasted
