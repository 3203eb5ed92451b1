"""Photographs to a device by one pinned buffer, without waiting for the copy."""

import math
from threading import Lock

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


class Upload:
    """Copies arrays to a device; what it returns is the caller's, the buffer is used again."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._pinned = device.type == "cuda"
        self._buffer = torch.empty(0, dtype=torch.uint8)
        self._copied = torch.cuda.Event() if self._pinned else None
        self._lock = Lock()  # there is one buffer

    def __call__(self, image_rgb: NDArray[np.uint8]) -> Tensor:
        """Return the image (H, W, 3) on the device; any strides.

        Raises:
            ValueError: the image is not of bytes.
        """
        if image_rgb.dtype != np.uint8:
            raise ValueError(f"the image is {image_rgb.dtype}, need uint8")
        with self._lock:
            return self._sent(image_rgb)

    def _sent(self, image_rgb: NDArray[np.uint8]) -> Tensor:
        count = math.prod(image_rgb.shape)
        if self._copied is not None:
            self._copied.synchronize()  # the copy before may still read the buffer
        if self._buffer.numel() < count:
            self._buffer = torch.empty(count, dtype=torch.uint8, pin_memory=self._pinned)
        staged = self._buffer[:count].view(image_rgb.shape)
        np.copyto(staged.numpy(), image_rgb)
        there = torch.empty(image_rgb.shape, dtype=torch.uint8, device=self._device)
        there.copy_(staged, non_blocking=True)
        if self._copied is not None:
            # Of this device: the stream by default is that of the current one.
            self._copied.record(torch.cuda.current_stream(self._device))
        return there
