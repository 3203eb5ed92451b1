"""Copy a model's outputs from the device to memory: queue every copy, then wait once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from evf_sam_ros.models.segmenter import Decoded
from evf_sam_ros.perception.signals import free_signals


class Download:
    """Copies tensors to memory; from a GPU to pinned memory, which becomes the caller's own."""

    def __init__(self, device: torch.device) -> None:
        self._device = device

    def __call__(self, *parts: Tensor | None) -> list[Any]:
        """Return each part in memory, None for None; what lies there already is not copied."""
        if self._device.type == "cpu":
            return list(parts)
        copies = [None if part is None else self._queued(part) for part in parts]
        self._wait()
        return copies

    def _queued(self, part: Tensor) -> Tensor:
        # torch keeps pinned memory that is given back: after the first images nothing is pinned.
        copy = torch.empty(part.shape, dtype=part.dtype, pin_memory=True)
        return copy.copy_(part, non_blocking=True)

    def _wait(self) -> None:
        torch.cuda.current_stream(self._device).synchronize()


@dataclass(frozen=True)
class Answers:
    """Outputs of a model before any decision: of B images with P prompts each, or of one image."""

    logits: NDArray[np.float32]  # (B, P, h, w)
    predicted_iou: NDArray[np.float32]  # (B, P)
    presence: NDArray[np.float32] | None  # (B, P)
    attention: NDArray[np.float32] | None  # (B, P, patches down, across)
    existence: NDArray[np.float32] | None = None  # (B, P)

    def signals(self) -> dict[str, NDArray[np.float32]]:
        """Return the signals of one image's answers that need nothing else."""
        return free_signals(self.logits, self.predicted_iou, self.presence, self.existence)

    def of(self, image: int, prompts: int) -> "Answers":
        """Return what it says about one image's own prompts."""
        parts: list[Any] = [
            None if part is None else part[image, :prompts] for part in vars(self).values()
        ]
        return Answers(*parts)


def fetched(
    download: Download, masks: Sequence[Tensor], decoded: Decoded, attention: Tensor | None
) -> tuple[list[NDArray[np.bool_]], Answers]:
    """Return masks (P, H, W) per image and the answers in memory.

    Args:
        download: from the device where all of it is.
        masks: (P, H, W) per image, bool.
        decoded: the answers.
        attention: (B, P, h, w), where asked for.
    """
    own = (
        decoded.logits, decoded.predicted_iou, decoded.presence, attention, decoded.existence
    )  # fmt: skip
    copies = download(
        *masks,
        *(None if each is None else each.float() for each in own),
    )
    arrays: list[Any] = [None if copy is None else copy.numpy() for copy in copies]
    return arrays[: len(masks)], Answers(*arrays[len(masks) :])
