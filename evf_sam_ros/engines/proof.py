"""Whether an engine gives a model's answers: asked before it may answer anybody."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from evf_sam_ros.engines.measure import GATES, relative_error
from evf_sam_ros.engines.plain import PlainEngine
from evf_sam_ros.models.evf_sam import EvfSam
from evf_sam_ros.models.variants import EvfSamConfig

# Prompts per image and their tokens: one bucket and another, some of it padding.
_QUESTIONS = ((1, 5), (3, 12))
_PADDED = 2  # last tokens of the last prompt


def agrees(error: float, precision: str) -> bool:
    """Tell whether answers that far from the model's count as the same; not a number does not."""
    return error <= GATES[precision]


def disagreement(
    model: EvfSam, config: EvfSamConfig, engine: Any, dtype: torch.dtype = torch.float32
) -> float:
    """Return the largest relative L2 error of an engine's logits, on random pictures and words.

    The model runs in float32 as it is written: a few images' time.

    Args:
        dtype: what the engine runs in by autocast; float32: without.
    """
    expected = answers(model, config, PlainEngine(model))
    return error_of(expected, answers(model, config, engine, dtype))


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


def error_of(expected: list[Tensor], computed: list[Tensor]) -> float:
    """Return the largest relative L2 error; not a number stays one."""
    return float(np.max([relative_error(*pair) for pair in zip(expected, computed, strict=True)]))


def question(config: EvfSamConfig, prompts: int, words: int) -> tuple[torch.Tensor, ...]:
    """Return a picture for either encoder, tokens, and which are padding; always the same."""
    random = torch.Generator().manual_seed(prompts)
    images = torch.randn(1, 3, *config.image_input.size, generator=random)
    fusions = torch.randn(1, 3, *config.fusion_input.size, generator=random)
    tokens = torch.randint(3, config.encoder.vocabulary, (1, prompts, words), generator=random)
    padding = torch.zeros_like(tokens, dtype=torch.bool)
    padding[:, 1:, -_PADDED:] = True
    return images, fusions, tokens, padding
