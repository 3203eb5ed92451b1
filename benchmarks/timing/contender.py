"""A contender: one of our engines or another implementation, as steps of the same names.

The steps are encode (image to features), prompt (words and picture to prompts), decode (both to
logits), network (all three, as the predictor runs them) and frame (photograph to masks, both in
memory).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from benchmarks.timing.inputs import WORDS, Inputs, Words
from evf_sam_ros.engines.engine import Engine
from evf_sam_ros.engines.gpu.side_by_side import SideBySide
from evf_sam_ros.models.variants import EvfSamConfig
from evf_sam_ros.perception.download import Download
from evf_sam_ros.perception.preprocess import fusion_input, restore, segmenter_input

MODEL_STEPS = ("encode", "prompt", "decode")
STEPS = (*MODEL_STEPS, "network", "frame")
Step = Callable[..., Any]  # of the number of the frame, and how many prompts


@dataclass(frozen=True)
class Contender:
    """One of those who are timed in turn."""

    name: str
    steps: dict[str, Step]
    is_peer: bool = False
    note: str = ""


class Reduced:
    """An engine of torch in half precision, as the predictor runs it."""

    def __init__(self, engine: Any, device: torch.device, dtype: torch.dtype) -> None:
        self._engine, self._device, self._dtype = engine, device, dtype

    def __getattr__(self, step: str) -> Callable[..., Any]:
        def run(*inputs: Any) -> Any:
            with torch.autocast(self._device.type, self._dtype):
                return getattr(self._engine, step)(*inputs)

        return run


def ours(
    name: str, engine: Engine, config: EvfSamConfig, inputs: Inputs, device: torch.device
) -> Contender:
    """Return the steps of an engine."""
    side_by_side = SideBySide(device)
    download = Download(device)

    def both(image: Tensor, fusion: Tensor, words: Words) -> Any:
        return engine.decode(
            *side_by_side(lambda: engine.encode(image), lambda: engine.prompt(fusion, *words))
        )

    def network(frame: int, prompts: int, length: int = WORDS) -> Any:
        words = inputs.words(frame, prompts, length)
        return both(inputs.image(frame), inputs.fusion(frame), words)

    def whole_frame(frame: int, prompts: int) -> Any:
        photograph = inputs.photograph(frame)
        image, resized = segmenter_input(photograph, config.image_input)
        fusion = fusion_input(photograph, config.fusion_input).to(device)
        words = inputs.words(frame, prompts)
        logits = both(image[None].to(device), fusion[None], words).logits[0]
        original = (photograph.shape[0], photograph.shape[1])
        return download(restore(logits, config.image_input, resized, original).gt(0))

    own = {step: getattr(engine, step) for step in MODEL_STEPS}
    return Contender(name, steps_of(own, inputs) | {"network": network, "frame": whole_frame})


def steps_of(own: dict[str, Callable[..., Any]], inputs: Inputs) -> dict[str, Step]:
    """Return the steps that take tensors as those that take the number of a frame.

    `decode` is given what the same implementation said about the first frame.
    """
    given: dict[int, tuple[Any, Any]] = {}

    def prompt(frame: int, prompts: int) -> Any:
        return own["prompt"](inputs.fusion(frame), *inputs.words(frame, prompts))

    def decode(frame: int, prompts: int) -> Any:
        if prompts not in given:
            given[prompts] = own["encode"](inputs.image(0)), prompt(0, prompts)
        return own["decode"](*given[prompts])

    steps: dict[str, Step] = {
        "encode": lambda frame, prompts: own["encode"](inputs.image(frame)),
        "prompt": prompt,
        "decode": decode,
    }
    return {step: run for step, run in steps.items() if step in own}
