"""The interface of every SAM variant in EVF-SAM.

Shape suffixes: B images, P prompts per image, C prompt width, Q candidates, H W
image size, h w logit size.
"""

from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn


@dataclass(frozen=True)
class Instances:
    """The objects that a model names one by one, Q candidates for every prompt."""

    logits: Tensor  # (B, P, Q, h, w), of the size of `Decoded.logits`
    scores: Tensor  # (B, P, Q), 0..1, whether the prompt means the candidate
    is_selected: Tensor  # (B, P, Q) bool: the candidate belongs to the model's own answer


@dataclass(frozen=True)
class Decoded:
    """Output of a mask decoder for every prompt of every image."""

    logits: Tensor  # (B, P, h, w), above 0: object
    predicted_iou: Tensor  # (B, P), as the head gives it: SAM leaves it unclamped
    presence: Tensor | None = None  # (B, P) logit that the object is there; None: no such head
    instances: Instances | None = None  # None: a model that gives one mask for all objects
    # (B, P) logit that there is a target, of a head that the presence is not made of; None: none
    existence: Tensor | None = None


class Segmenter(nn.Module):
    """A promptable mask model: encode an image once, then decode it once per prompt."""

    prompt_width: int

    def encode(self, images_B3HW: Tensor) -> Any:
        """Return image features in whatever form this model's `decode` takes."""
        raise NotImplementedError

    def decode(self, features: Any, prompts_BPC: Tensor) -> Decoded:
        """Return one mask per prompt; a prompt is one sparse token."""
        raise NotImplementedError
