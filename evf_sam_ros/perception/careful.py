"""A predictor that runs the model more often to judge its answers better.

For checkpoints that always return a mask: `evf-sam calibrate` chooses the signals.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from evf_sam_ros.perception.predictor import Predictor, Segmentation
from evf_sam_ros.perception.signals import (
    asked_signals,
    free_signals,
    mirrored_prompt,
    questions,
)

Floats = NDArray[np.float32]


class CarefulPredictor(Predictor):
    """Decides by the signals of `wanted`, those included for which it must ask more."""

    wanted: tuple[str, ...] = ()

    def batch(
        self,
        images_rgb: Sequence[NDArray[np.uint8]],
        prompts: Sequence[Sequence[str]],
        *,
        attention: bool = False,
    ) -> list[Segmentation]:
        asked = self.measured(images_rgb, prompts, attention=attention)
        return [self._reconsidered(answer, signals) for answer, signals in asked]

    def measured(
        self,
        images_rgb: Sequence[NDArray[np.uint8]],
        prompts: Sequence[Sequence[str]],
        *,
        attention: bool = False,
    ) -> list[tuple[Segmentation, dict[str, Floats]]]:
        """Return each answer with all its signals, in one run of the model."""
        everything = [
            [*own, *questions(own, self.wanted)] if _is_list(own) else own for own in prompts
        ]
        images, flip = list(images_rgb), "flip" in self.wanted
        if flip and all(map(_is_list, prompts)):
            everything += [[mirrored_prompt(prompt) for prompt in own] for own in prompts]
            images += [np.ascontiguousarray(image[:, ::-1]) for image in images_rgb]
        answers = super().batch(images, everything, attention=attention)
        pairs = []
        for number, own in enumerate(prompts):
            mirrored = answers[len(prompts) + number] if flip else None
            answer, count = answers[number], len(own)
            first = answer.first(count)
            signals = free_signals(first.logits, first.predicted_iou, first.presence)
            signals |= asked_signals(answer, count, self.wanted, mirrored)
            pairs.append((first, signals))
        return pairs

    def _reconsidered(self, answer: Segmentation, signals: dict[str, Floats]) -> Segmentation:
        assert answer.proposed is not None
        has_pixels = np.asarray(answer.proposed.any((1, 2)))
        scores, found = self._decide(signals, has_pixels, answer.unknown_words)
        masks = answer.proposed & found[:, None, None]
        return replace(answer, scores=scores, found=found, masks=masks).unless(answer.unsuitable)


def careful_kind(wanted: Iterable[str]) -> type[CarefulPredictor]:
    """Return the kind of predictor that decides by these signals."""
    return type("CarefulPredictor", (CarefulPredictor,), {"wanted": tuple(wanted)})


def _is_list(prompts: object) -> bool:
    return not isinstance(prompts, str) and bool(prompts)
