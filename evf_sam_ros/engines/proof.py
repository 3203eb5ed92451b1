"""Whether an engine gives a model's answers: asked before it may answer anybody."""

from typing import Any

import numpy as np
import torch

from evf_sam_ros.engines.measure import GATES, relative_error
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
    device = next(model.parameters()).device
    errors = []
    for prompts, words in _QUESTIONS:
        images, *rest = (part.to(device) for part in _question(config, prompts, words))
        with torch.inference_mode():
            expected = model.segmenter.decode(model.segmenter.encode(images), model.prompt(*rest))
            with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
                computed = engine.decode(engine.encode(images), engine.prompt(*rest))
        errors.append(relative_error(expected.logits, computed.logits))
    return float(np.max(errors))  # not a number stays one


def _question(config: EvfSamConfig, prompts: int, words: int) -> tuple[torch.Tensor, ...]:
    random = torch.Generator().manual_seed(prompts)
    images = torch.randn(1, 3, *config.image_input.size, generator=random)
    fusions = torch.randn(1, 3, *config.fusion_input.size, generator=random)
    tokens = torch.randint(3, config.encoder.vocabulary, (1, prompts, words), generator=random)
    padding = torch.zeros_like(tokens, dtype=torch.bool)
    padding[:, 1:, -_PADDED:] = True
    return images, fusions, tokens, padding
