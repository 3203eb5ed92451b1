"""transformers' own SAM image encoder with our weights, for `benchmarks/model.py --against`.

Fused attention (SDPA); in half precision all of it is, weights and residuals; on a GPU compiled,
its kernels recorded ("reduce-overhead").
"""

from typing import Any

import torch
from torch import Tensor
from transformers import SamVisionConfig
from transformers.models.sam.modeling_sam import SamVisionEncoder

from benchmarks.timing.foreign import compiled, renamed

RENAMES = (
    (r"^blocks\.", "layers."),
    (r"\.norm(\d)\.", r".layer_norm\1."),
    (r"^patch_embed\.proj\.", "patch_embed.projection."),
    (r"^neck\.0\.", "neck.conv1."),
    (r"^neck\.1\.", "neck.layer_norm1."),
    (r"^neck\.2\.", "neck.conv2."),
    (r"^neck\.3\.", "neck.layer_norm2."),
)


def build(config: Any, model: Any, device: torch.device, dtype: torch.dtype) -> dict[str, Any]:
    """Return its `encode`; raise ValueError for a variant whose encoder is not SAM's."""
    ours = model.segmenter.image_encoder
    if not hasattr(ours, "pos_embed") or not hasattr(ours, "img_size"):
        raise ValueError("this variant has no image encoder of SAM")
    with device:
        encoder = SamVisionEncoder(_config(ours)).eval().requires_grad_(False)
    encoder.load_state_dict(renamed(ours.state_dict(), RENAMES))
    runs, note = compiled(encoder.to(dtype), device, dtype)

    def encode(images: Tensor) -> Tensor:
        return runs(images.to(dtype)).last_hidden_state

    return {"encode": encode, "note": note}


def _config(ours: Any) -> SamVisionConfig:
    width = ours.pos_embed.shape[-1]
    config = SamVisionConfig(
        hidden_size=width, num_hidden_layers=len(ours.blocks),
        num_attention_heads=ours.blocks[0].attn.num_heads,
        mlp_dim=ours.blocks[0].mlp.lin1.out_features, image_size=ours.img_size,
        patch_size=ours.patch_embed.proj.kernel_size[0],
        output_channels=ours.neck[0].out_channels,
        global_attn_indexes=[i for i, block in enumerate(ours.blocks) if not block.window_size],
        window_size=max(block.window_size for block in ours.blocks),
    )  # fmt: skip
    config._attn_implementation = "sdpa"
    return config
