"""Measure how far a contender's answers are from those of the plain model in float32."""

from typing import Any

import torch
from torch import Tensor

from benchmarks.timing.contender import Contender, ours
from benchmarks.timing.inputs import Inputs
from evf_sam_ros.engines.engine import PlainEngine
from evf_sam_ros.engines.measure import relative_error
from evf_sam_ros.engines.tensor_tuples import parts_of
from evf_sam_ros.models.evf_sam import EvfSam
from evf_sam_ros.models.variants import EvfSamConfig

_FRAMES = 2  # pictures that answers are compared about
Parts = list[Tensor]


class Proof:
    """The model's own answers, taken before anybody touches its weights."""

    def __init__(
        self, model: EvfSam, config: EvfSamConfig, inputs: Inputs, prompts: list[int]
    ) -> None:
        self._prompts = prompts
        device = next(model.parameters()).device
        plain = ours("plain", PlainEngine(model), config, inputs, device)
        self._truth = {
            (step, count): _answers(plain, step, count)
            for step in ("encode", "prompt", "network")
            for count in prompts
        }

    def errors(self, contender: Contender) -> dict[tuple[str, int], float]:
        """Return the relative L2 error of what a step is judged by, by step and prompts.

        That is the logits of the whole network, except of the image encoder: its features; and
        of an implementation that is no whole network: what the step returns.
        """
        whole = "network" in contender.steps
        found: dict[tuple[str, int], float] = {}
        for count in self._prompts:
            network = self._error(contender, "network", count) if whole else None
            for step in contender.steps:
                if step == "encode" or network is None:
                    own = self._error(contender, step, count)
                    # None: features of another form, which only the same engine's decoder reads.
                    found[step, count] = network if own is None else own
                else:
                    found[step, count] = network
        return found

    def _error(self, contender: Contender, step: str, prompts: int) -> float | None:
        expected, computed = self._truth[step, prompts], _answers(contender, step, prompts)
        if [part.shape for part in expected] != [part.shape for part in computed]:
            return None
        return max(relative_error(*pair) for pair in zip(expected, computed, strict=True))


def _answers(contender: Contender, step: str, prompts: int) -> Parts:
    """Return what a step says about some frames, each part of it joined."""
    run = contender.steps[step]
    with torch.inference_mode():
        frames = [_parts(run(frame, prompts)) for frame in range(_FRAMES)]
    return [torch.stack(own) for own in zip(*frames, strict=True)]


def _parts(value: Any) -> Parts:
    """Return the tensors of an answer, on the host; of a `Decoded` only the logits."""
    value = getattr(value, "logits", value)
    if isinstance(value, list | tuple):
        return [part for each in value for part in _parts(each)]
    return [part.float().cpu() for part in parts_of(value)]
