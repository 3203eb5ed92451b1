"""How much arithmetic a model's steps are, as they are written: counted, not run."""

import torch

from evf_sam_ros.engines.engine import PlainEngine
from evf_sam_ros.engines.measure import gflop
from evf_sam_ros.models.variants import EvfSamConfig, build

STEPS = ("encode", "prompt", "decode")


def work(config: EvfSamConfig, prompts: int, words: int) -> dict[str, float]:
    """Return the GFLOP of every step for one image.

    Args:
        prompts: about the image.
        words: tokens of each prompt.
    """
    with torch.device("meta"):  # sizes without numbers
        plain = PlainEngine(build(config).requires_grad_(False))
        image = torch.empty(1, 3, *config.image_input.size)
        fusion = torch.empty(1, 3, *config.fusion_input.size)
        tokens = torch.empty(1, prompts, words, dtype=torch.long)
    padding = torch.zeros_like(tokens, dtype=torch.bool)
    with torch.inference_mode():
        features, prompt = plain.encode(image), plain.prompt(fusion, tokens, padding)
    return {
        "encode": gflop(lambda: plain.encode(image)),
        "prompt": gflop(lambda: plain.prompt(fusion, tokens, padding)),
        "decode": gflop(lambda: plain.decode(features, prompt)),
    }
