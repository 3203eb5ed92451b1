"""Run a model for every length of words before anybody asks it, so that nobody waits for it."""

from collections.abc import Sequence
from itertools import product
from typing import Any

import torch

from evf_sam_ros.engines.fusion import buckets
from evf_sam_ros.engines.proof import question
from evf_sam_ros.models.evf_sam import EvfSam
from evf_sam_ros.models.variants import EvfSamConfig


def rehearse(
    engine: Any,
    model: EvfSam,
    config: EvfSamConfig,
    dtype: torch.dtype,
    prompts: Sequence[int] = (1,),
) -> None:
    """Ask an engine about one picture, with so many prompts of every bucket of words."""
    device = next(model.parameters()).device
    lengths = buckets(config.encoder.max_tokens)
    enabled = dtype != torch.float32
    with torch.inference_mode(), torch.autocast(device.type, dtype, enabled=enabled):
        features = engine.encode(question(config, 1, 1)[0].to(device))
        for count, words in product(prompts, lengths):
            _, *rest = (part.to(device) for part in question(config, count, words))
            engine.decode(features, engine.prompt(*rest))
