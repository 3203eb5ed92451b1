"""Check that an engine gives the model's answers; required before an engine is used."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from evf_sam_ros.engines.lean import LeanModel
from evf_sam_ros.engines.measure import GATES, relative_error
from evf_sam_ros.engines.precision import PRECISIONS
from evf_sam_ros.engines.tensor_tuples import tensors_in
from evf_sam_ros.models.evf_sam import EvfSam
from evf_sam_ros.models.variants import EvfSamConfig

# Prompts per image and their tokens: one bucket and another, some of it padding.
_QUESTIONS = ((1, 5), (3, 12))
_PADDED = 2  # last tokens of the last prompt
_MARGIN = 2.0  # two errors of one size, of which neither is the other
MOST_GATES = 4.0  # a model that rounding itself spoils proves nothing


@dataclass(frozen=True)
class Disagreement:
    """Relative L2 errors of logits, against the model in float32."""

    error: float  # of the engine
    own: float = 0.0  # of the model as it is written, in the engine's format on this machine

    def agrees(self, precision: str) -> bool:
        """Tell whether the engine's answers count as the model's; not a number does not."""
        return self.error <= allowed(precision, self.own)


def allowed(precision: str, own: float = 0.0) -> float:
    """Return the error up to which answers count as the model's.

    Processors round at different places, and so does the model itself in half precision: where
    its own error exceeds the gate, an engine may have one of the same size.

    Args:
        own: error of the model as it is written, in this precision on this machine.
    """
    gate = GATES[precision]
    return max(gate, min(_MARGIN * own, MOST_GATES * gate))


def disagreement(
    model: EvfSam,
    config: EvfSamConfig,
    engine: Any,
    precision: str,
    dtype: torch.dtype = torch.float32,
) -> Disagreement:
    """Return the largest errors of an engine's logits, on random pictures and words.

    The model runs in float32 as it is written: a few images' time.

    Args:
        precision: of the engine.
        dtype: the format that autocast gives the engine; float32: the engine rounds by itself.
    """
    expected = answers(model, config, PlainEngine(model))
    error = error_of(expected, answers(model, config, engine, dtype))
    return judged(model, config, expected, error, precision)


def judged(
    model: EvfSam, config: EvfSamConfig, expected: list[Tensor], error: float, precision: str
) -> Disagreement:
    """Return an engine's error, beside the model's own where the engine misses the gate."""
    if precision == "fp32" or error <= GATES[precision]:
        return Disagreement(error)
    rounded = answers(model, config, PlainEngine(model), PRECISIONS[precision])
    return Disagreement(error, error_of(expected, rounded))


def answers(
    model: EvfSam, config: EvfSamConfig, engine: Any, dtype: torch.dtype = torch.float32
) -> list[Tensor]:
    """Return an engine's logits, on random pictures and words; the model says on which device."""
    return [ask(model, config, engine, each, dtype) for each in _QUESTIONS]


def ask(
    model: EvfSam,
    config: EvfSamConfig,
    engine: Any,
    asked: tuple[int, int],
    dtype: torch.dtype,
) -> Tensor:
    """Return an engine's logits for a random picture with so many prompts of so many tokens."""
    device = next(model.parameters()).device
    images, *rest = (part.to(device) for part in question(config, *asked))
    enabled = dtype != torch.float32
    with torch.inference_mode(), torch.autocast(device.type, dtype, enabled=enabled):
        logits: Tensor = engine.decode(engine.encode(images), engine.prompt(*rest)).logits
    return logits


def has_finite_features(
    model: EvfSam, config: EvfSamConfig, device: torch.device, dtype: torch.dtype
) -> bool:
    """Tell whether image features are numbers in this format: float16 ends at 65504."""
    encode = LeanModel(model, "queries").eval().encode
    images = question(config, 1, 1)[0].to(device)
    with torch.inference_mode(), torch.autocast(device.type, dtype):
        features = [encode(each) for each in (images, torch.zeros_like(images))]
    return all(bool(part.isfinite().all()) for part in tensors_in(features))


def error_of(expected: list[Tensor], computed: list[Tensor]) -> float:
    """Return the largest relative L2 error; not a number stays one."""
    return float(np.max([relative_error(*pair) for pair in zip(expected, computed, strict=True)]))


def question(
    config: EvfSamConfig, prompts: int, words: int, seed: int = 0
) -> tuple[torch.Tensor, ...]:
    """Return a picture for either encoder, tokens, and which are padding.

    Args:
        seed: another one gives other pictures and tokens; the same one always the same.
    """
    random = torch.Generator().manual_seed(1000 * seed + prompts)
    images = torch.randn(1, 3, *config.image_input.size, generator=random)
    fusions = torch.randn(1, 3, *config.fusion_input.size, generator=random)
    tokens = torch.randint(3, config.encoder.vocabulary, (1, prompts, words), generator=random)
    padding = torch.zeros_like(tokens, dtype=torch.bool)
    padding[:, 1:, -_PADDED:] = True
    return images, fusions, tokens, padding


class PlainEngine:
    """The model's own three steps."""

    name = "plain"

    def __init__(self, model: EvfSam) -> None:
        self.prompt = model.prompt
        self.encode = model.segmenter.encode
        self.decode = model.segmenter.decode
