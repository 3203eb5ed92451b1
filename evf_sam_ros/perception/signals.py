"""Signals in a model's output that the object is present.

Some signals come with every answer. For the others the model is asked again: with phrases that
mean nothing, in other words, and about the mirrored picture. Each is (P,), one per prompt.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Masks = NDArray[np.bool_]

# presence       the model's own presence head, a logit; of SAM-2 its object score
# predicted_iou  how well the model thinks its mask fits
# stability      overlap of the masks at a stricter and a laxer threshold
# certainty      mean probability of the mask's pixels
FREE = ("presence", "predicted_iou", "stability", "certainty")
# existence      a second head's logit that there is a target, as DeRIS and InstanceVG have one
OF_SOME = ("existence",)  # models alone; as free as the others
# contrast       predicted IoU above that of the best phrase that means nothing
# text_matters   1 - overlap with the masks of phrases that mean nothing
# paraphrase     overlap with the masks of the same request in other words
# flip           overlap with the mask in the mirrored picture, left and right exchanged
ASKED = ("contrast", "text_matters", "paraphrase", "flip")
ALL = (*FREE, *ASKED)

STABILITY_MARGIN = 1.0  # logits
NULL_PHRASES = ("object", "nothing")
PARAPHRASES = ("find {}", "{} please")
_SIDES = {"left": "right", "right": "left"}
_SIDE = re.compile(r"\b(left|right)", re.IGNORECASE)


class Answer(Protocol):
    """The outputs for P prompts about an image that signals are computed from."""

    @property
    def logits(self) -> Floats: ...

    @property
    def predicted_iou(self) -> Floats: ...

    @property
    def presence(self) -> Floats | None: ...


def free_signals(
    logits: Floats,
    predicted_iou: Floats,
    presence: Floats | None,
    existence: Floats | None = None,
) -> dict[str, Floats]:
    """Return the signals that need nothing but the answer.

    Args:
        logits: (P, h, w).
    """
    strict, lax = (
        (logits > margin).sum((1, 2)) for margin in (STABILITY_MARGIN, -STABILITY_MARGIN)
    )
    inside = logits > 0
    probability = 1.0 / (1.0 + np.exp(-np.clip(logits, -30.0, 30.0)))
    sums = (probability * inside).sum((1, 2))
    signals = {
        "predicted_iou": predicted_iou,
        "stability": (strict / np.maximum(lax, 1)).astype(np.float32),
        "certainty": (sums / np.maximum(inside.sum((1, 2)), 1)).astype(np.float32),
    }
    if existence is not None:
        signals["existence"] = existence
    return signals if presence is None else {"presence": presence, **signals}


def questions(prompts: Sequence[str], wanted: Collection[str]) -> list[str]:
    """Return what to ask about the same picture beside the prompts, in the order of `asked`."""
    more: list[str] = []
    if "contrast" in wanted or "text_matters" in wanted:
        more += NULL_PHRASES
    if "paraphrase" in wanted:
        more += [form.format(prompt) for form in PARAPHRASES for prompt in prompts]
    return more


def asked_signals(
    answer: Answer, prompts: int, wanted: Collection[str], mirrored: Answer | None
) -> dict[str, Floats]:
    """Return the signals of `wanted` for which the model was asked more.

    Args:
        answer: to the prompts, then to their `questions`.
        prompts: how many these are.
        mirrored: the answer to the `mirrored_prompt`s about the picture seen in a mirror.
    """
    masks, iou = answer.logits > 0, answer.predicted_iou
    own, rest = masks[:prompts], prompts
    signals: dict[str, Floats] = {}
    if "contrast" in wanted or "text_matters" in wanted:
        rest += len(NULL_PHRASES)
        best = iou[prompts:rest].max()
        overlaps = np.stack([overlap(own, null[None]) for null in masks[prompts:rest]])
        signals["contrast"] = iou[:prompts] - best
        signals["text_matters"] = 1.0 - overlaps.max(0)
    if "paraphrase" in wanted:
        others = masks[rest : rest + prompts * len(PARAPHRASES)]
        others = others.reshape(len(PARAPHRASES), prompts, *own.shape[1:])
        signals["paraphrase"] = np.mean([overlap(own, other) for other in others], 0)
    if mirrored is not None:
        signals["flip"] = overlap(own, mirrored.logits[:prompts, :, ::-1] > 0)
    return {name: signals[name].astype(np.float32) for name in signals if name in wanted}


def overlap(masks: Masks, others: Masks) -> Floats:
    """Return the IoU of each pair of masks, (P,); two empty ones agree."""
    both = (masks & others).sum((1, 2))
    either = (masks | others).sum((1, 2))
    return np.where(either > 0, both / np.maximum(either, 1), 1.0).astype(np.float32)


def mirrored_prompt(prompt: str) -> str:
    """Return the sentence for the mirrored picture."""
    return _SIDE.sub(lambda side: _SIDES[side[1].lower()], prompt)


def wants_more(weights: Mapping[str, float]) -> bool:
    """Tell whether some of these signals need the model to be asked again."""
    return any(name in ASKED for name in weights)
