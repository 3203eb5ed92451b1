"""Run a model for the usual numbers and lengths of prompts before it serves: nobody waits then."""

from collections.abc import Sequence
from itertools import product
from typing import Any

import torch

from evf_sam_ros.engines.fusion import buckets
from evf_sam_ros.engines.proof import question
from evf_sam_ros.models.evf_sam import EvfSam
from evf_sam_ros.models.variants import EvfSamConfig

MOST_WORDS = 64  # tokens of a prompt that is rehearsed; commands are far shorter
PROMPTS = (1, 2, 3, 4)  # per image: commands and their objects; more run as they are
SEED = 1  # of the questions: others than those of `proof`


def rehearse(
    engine: Any,
    model: EvfSam,
    config: EvfSamConfig,
    dtype: torch.dtype,
    prompts: Sequence[int] = PROMPTS,
) -> None:
    """Ask an engine about one picture, with so many prompts of every bucket of words.

    Longer prompts than `MOST_WORDS` are not rehearsed: of 1022 tokens, eight buckets took minutes.
    """
    device = next(model.parameters()).device
    lengths = buckets(min(MOST_WORDS, config.encoder.max_tokens))
    enabled = dtype != torch.float32
    with torch.inference_mode(), torch.autocast(device.type, dtype, enabled=enabled):
        features = engine.encode(question(config, 1, 1, SEED)[0].to(device))
        for count, words in product(prompts, lengths):
            _, *rest = (part.to(device) for part in question(config, count, words, SEED))
            engine.decode(features, engine.prompt(*rest))
