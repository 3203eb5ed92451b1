"""How much arithmetic a model's steps need, by the shorter way: counted, not run."""

import torch

from evf_sam_ros.engines.lean import LeanModel
from evf_sam_ros.engines.measure import gflop
from evf_sam_ros.models.variants import EvfSamConfig, build


def work(config: EvfSamConfig, prompts: int, words: int) -> dict[str, float]:
    """Return the GFLOP of every step for one image: the least that is known to give its answers.

    Args:
        prompts: about the image.
        words: tokens of each prompt.
    """
    with torch.device("meta"):  # sizes without numbers
        engine = LeanModel(build(config).requires_grad_(False), "bias").eval()
        image = torch.empty(1, 3, *config.image_input.size)
        fusion = torch.empty(1, 3, *config.fusion_input.size)
        tokens = torch.empty(1, prompts, words, dtype=torch.long)
    padding = torch.zeros_like(tokens, dtype=torch.bool)
    with torch.inference_mode():
        features, prompt = engine.encode(image), engine.prompt(fusion, tokens, padding)
    return {
        "encode": gflop(lambda: engine.encode(image)),
        "prompt": gflop(lambda: engine.prompt(fusion, tokens, padding)),
        "decode": gflop(lambda: engine.decode(features, prompt)),
    }
