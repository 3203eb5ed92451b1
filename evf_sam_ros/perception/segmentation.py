"""A model's answers about one image."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evf_sam_ros.language.spelling import Reading
from evf_sam_ros.perception.stage_times import StageTimes


@dataclass(frozen=True)
class Segmentation:
    """The answers to P prompts about one image of H x W pixels."""

    masks: NDArray[np.bool_]  # (P, H, W), all False where not found
    scores: NDArray[np.float32]  # (P,), probability that the object is there, 0..1
    found: NDArray[np.bool_]  # (P,)
    predicted_iou: NDArray[np.float32]  # (P,), as the model gives it
    unknown_words: tuple[tuple[str, ...], ...]  # per prompt
    logits: NDArray[np.float32]  # (P, h, w), before any decision, above 0: object
    times: StageTimes  # in a batch: this image's share
    presence: NDArray[np.float32] | None = None  # (P,), logit; None: a model without such a head
    existence: NDArray[np.float32] | None = None  # (P,), logit of a second such head, likewise
    attention: NDArray[np.float32] | None = None  # (P, patches down, across), 0..1, where asked
    proposed: NDArray[np.bool_] | None = None  # (P, H, W), the masks before the decision
    readings: tuple[tuple[Reading, ...], ...] = ()  # per prompt, words read as others; to be told
    calibrated: bool = False  # whether the scores are probabilities, fitted on held-out data
    # Per prompt, (H, W) each: other objects that fit an expression for one; where asked for.
    rivals: tuple[tuple[NDArray[np.bool_], ...], ...] = ()
    # Per prompt, (H, W) each: the objects of its proposed mask, as the model itself tells them
    # apart, the surest first; empty for a prompt to which it names none. None: it never does.
    instances: tuple[tuple[NDArray[np.bool_], ...], ...] | None = None
    # Why nothing can be said about this picture; empty: something can. Only `unless` sets it, and
    # `replace` drops it: answers made up from these may be about another picture.
    unsuitable: str = field(default="", init=False)

    def rivals_of(self, index: int) -> tuple[NDArray[np.bool_], ...]:
        """Return the other objects that fit a prompt."""
        return self.rivals[index] if self.rivals else ()

    def instances_of(self, index: int) -> tuple[NDArray[np.bool_], ...]:
        """Return the objects that the model itself tells apart for a prompt."""
        return self.instances[index] if self.instances else ()

    def unless(self, unsuitable: str) -> "Segmentation":
        """Return the answers with nothing found if the image is unsuitable."""
        if not unsuitable:
            return self
        nothing = np.zeros_like(self.masks), np.zeros_like(self.found)
        refused = replace(self, masks=nothing[0], found=nothing[1])
        object.__setattr__(refused, "unsuitable", unsuitable)  # frozen, but not shared yet
        return refused

    def first(self, count: int) -> "Segmentation":
        """Return the answers to the first prompts."""
        cut: dict[str, Any] = {}
        for name in _PER_PROMPT:
            value = getattr(self, name)
            cut[name] = None if value is None else value[:count]
        return replace(self, **cut).unless(self.unsuitable)


_PER_PROMPT = (
    "masks", "scores", "found", "predicted_iou", "unknown_words", "logits", "presence",
    "attention", "proposed", "readings", "rivals", "instances",
    "existence",
)  # fmt: skip


def added(times: Sequence[StageTimes]) -> StageTimes:
    """Return the time of several runs of the model together."""
    return StageTimes(
        *(sum(stage) for stage in zip(*(vars(each).values() for each in times), strict=True))
    )
