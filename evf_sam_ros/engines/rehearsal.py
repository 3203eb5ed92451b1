"""Run a model for every length of words before anybody asks it, so that nobody waits for it."""

from collections.abc import Sequence
from typing import Any

import torch

from evf_sam_ros.engines.fusion import buckets
from evf_sam_ros.engines.proof import ask
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
    for count in prompts:
        for words in buckets(config.encoder.max_tokens):
            ask(model, config, engine, (count, words), dtype)
