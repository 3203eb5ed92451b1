"""A model's three steps with less work than in `models`, from the same weights.

Every step is exact: it skips outputs that are never read, and does repeated work once.
Where this knows no shorter way, the step runs as it is written.

Shape suffixes: B images, P prompts per image, C prompt width, H W image size.
"""

from typing import Any

import torch
from torch import Tensor, nn

from evf_sam_ros.engines.fusion import InBuckets, lean_prompt
from evf_sam_ros.engines.lean_segmenters import lean_segmenter
from evf_sam_ros.engines.precision import PRECISIONS
from evf_sam_ros.engines.sam_encoder import LeanAttention, SamAttention
from evf_sam_ros.models.evf_sam import EvfSam
from evf_sam_ros.models.segmenter import Decoded


class LeanModel(nn.Module):
    """`EvfSam` as three steps: `encode` an image, `prompt` by words, `decode` to masks."""

    def __init__(self, model: EvfSam, sam_attention: SamAttention) -> None:
        super().__init__()
        self.prompt = lean_prompt(model, for_kernels=sam_attention == "queries")
        self.segmenter = lean_segmenter(model.segmenter, sam_attention)

    def encode(self, images_B3HW: Tensor) -> Any:
        return self.segmenter.encode(images_B3HW)

    def decode(self, features: Any, prompts_BPC: Tensor) -> Decoded:
        return self.segmenter.decode(features, prompts_BPC)


class TorchEngine(LeanModel):
    """The shorter way as PyTorch runs it."""

    name = "torch"


def torch_engine(model: EvfSam, device: torch.device, precision: str) -> TorchEngine:
    """Return the shorter way for a model on its device, to be run in this precision."""
    on_gpu = device.type == "cuda"
    engine = TorchEngine(model, "queries" if on_gpu else "bias").eval()
    if on_gpu:
        engine.prompt = InBuckets(engine.prompt, model.encoder.config.max_tokens)
    dtype = PRECISIONS[precision]
    for module in engine.modules():
        if isinstance(module, LeanAttention) and dtype != torch.float32:
            module.round_tables(dtype)
    return engine
