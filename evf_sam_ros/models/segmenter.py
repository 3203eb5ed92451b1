"""The interface of every SAM variant in EVF-SAM.

Shape suffixes: B images, P prompts per image, C prompt width, H W image size, h w logit size.
"""

from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn


@dataclass(frozen=True)
class Decoded:
    """Output of a mask decoder for every prompt of every image."""

    logits: Tensor  # (B, P, h, w), above 0: object
    predicted_iou: Tensor  # (B, P), as the head gives it: SAM leaves it unclamped
    presence: Tensor | None = None  # (B, P) logit that the object is there; None: no such head


class Segmenter(nn.Module):
    """A promptable mask model: encode an image once, then decode it once per prompt."""

    prompt_width: int

    def encode(self, images_B3HW: Tensor) -> Any:
        """Return image features in whatever form this model's `decode` takes."""
        raise NotImplementedError

    def decode(self, features: Any, prompts_BPC: Tensor) -> Decoded:
        """Return one mask per prompt; a prompt is one sparse token."""
        raise NotImplementedError
