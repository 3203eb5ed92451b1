"""transformers' own SAM-2 image encoder with our weights, for `benchmarks/model.py --against`.

Fused attention (SDPA); in half precision all of it is, weights and residuals; on a GPU compiled,
its kernels recorded ("reduce-overhead"). The few convolutions behind the pyramid, by which its
levels become what the mask decoder takes, are ours as they are written.
"""

from typing import Any

import torch
from torch import Tensor
from transformers import Sam2HieraDetConfig, Sam2VisionConfig, Sam2VisionModel

from benchmarks.timing.foreign import compiled, renamed
from evf_sam_ros.models.hiera import HieraConfig
from evf_sam_ros.models.sam2_decoder import Sam2Features

RENAMES = (
    (r"^trunk\.", "backbone."),
    (r"\.norm(\d)\.", r".layer_norm\1."),
    (r"\.patch_embed\.proj\.", ".patch_embed.projection."),
    (r"\.mlp\.layers\.0\.", ".mlp.proj_in."),
    (r"\.mlp\.layers\.1\.", ".mlp.proj_out."),
    (r"^neck\.lateral\.", "neck.convs."),
)


def build(config: Any, model: Any, device: torch.device, dtype: torch.dtype) -> dict[str, Any]:
    """Return its `encode`; raise ValueError for a variant whose encoder is not SAM-2's."""
    hiera = getattr(config.segmenter, "hiera", None)
    if hiera is None:
        raise ValueError("this variant has no image encoder of SAM-2")
    segmenter = model.segmenter
    with device:
        encoder = Sam2VisionModel(_config(hiera, config.segmenter)).eval().requires_grad_(False)
    encoder.load_state_dict(renamed(segmenter.image_encoder.state_dict(), RENAMES))
    runs, note = compiled(encoder.to(dtype), device, dtype)

    def encode(images: Tensor) -> Sam2Features:
        coarsest_first = runs(images.to(dtype)).fpn_hidden_states
        enabled = dtype != torch.float32
        with torch.autocast(device.type, dtype, enabled=enabled):
            seen = segmenter.seen(list(coarsest_first))
            return Sam2Features(segmenter.unremembered(seen), seen.eighth_BChw, seen.quarter_BChw)

    return {"encode": encode, "note": note}


def _config(hiera: HieraConfig, segmenter: Any) -> Sam2VisionConfig:
    trunk = Sam2HieraDetConfig(
        hidden_size=hiera.width, num_attention_heads=hiera.heads,
        image_size=[segmenter.image_side] * 2,
        window_positional_embedding_background_size=[hiera.background_side] * 2,
        blocks_per_stage=list(hiera.stages), embed_dim_per_stage=list(hiera.widths),
        num_attention_heads_per_stage=[hiera.heads * 2**stage for stage in range(4)],
        window_size_per_stage=list(hiera.windows),
        global_attention_blocks=list(hiera.global_attention),
    )  # fmt: skip
    vision = Sam2VisionConfig(
        backbone_config=trunk, backbone_channel_list=list(reversed(hiera.widths)),
        fpn_hidden_size=segmenter.prompt_width,
    )  # fmt: skip
    vision._attn_implementation = trunk._attn_implementation = "sdpa"
    return vision
