"""transformers' own SAM image encoder with our weights, for `benchmarks/model.py --against`."""

import re
from typing import Any

import torch
from transformers import SamVisionConfig
from transformers.models.sam.modeling_sam import SamVisionEncoder

RENAMES = (
    (r"^blocks\.", "layers."),
    (r"\.norm(\d)\.", r".layer_norm\1."),
    (r"^patch_embed\.proj\.", "patch_embed.projection."),
    (r"^neck\.0\.", "neck.conv1."),
    (r"^neck\.1\.", "neck.layer_norm1."),
    (r"^neck\.2\.", "neck.conv2."),
    (r"^neck\.3\.", "neck.layer_norm2."),
)


def build(variant: str, model: Any, device: torch.device) -> dict[str, Any]:
    """Return its `encode`; raise ValueError for a variant whose encoder is no SAM's."""
    ours = model.segmenter.image_encoder
    if not hasattr(ours, "pos_embed") or not hasattr(ours, "neck") or "sam2" in variant:
        raise ValueError(f"{variant} has no image encoder of SAM")
    width, depth = ours.pos_embed.shape[-1], len(ours.blocks)
    config = SamVisionConfig(
        hidden_size=width, num_hidden_layers=depth,
        num_attention_heads=ours.blocks[0].attn.num_heads, mlp_dim=4 * width,
        image_size=ours.img_size,
        global_attn_indexes=[i for i, block in enumerate(ours.blocks) if not block.window_size],
        window_size=max(block.window_size for block in ours.blocks),
    )  # fmt: skip
    config._attn_implementation = "sdpa"
    encoder = SamVisionEncoder(config).eval().to(device)
    state = {}
    for name, tensor in ours.state_dict().items():
        for pattern, replacement in RENAMES:
            name = re.sub(pattern, replacement, name)
        state[name] = tensor
    encoder.load_state_dict(state)
    return {"encode": lambda images: encoder(images).last_hidden_state}
