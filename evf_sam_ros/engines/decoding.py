"""A SAM's mask decoder for several prompts of one image, which computes the shared part once.

The image's keys, values and queries of the first layer do not depend on the prompt: with K
prompts a decoder that repeats the image first computes them K times.

Shape suffixes: B images, P prompts per image, N = B * P, Q tokens of a prompt, K cells of the
image (h * w), C width.
"""

from typing import Any

from torch import Tensor
from torch.nn import functional


def two_way(
    transformer: Any, image_BKC: Tensor, positions_1KC: Tensor, prompts_NQC: Tensor
) -> tuple[Tensor, Tensor]:
    """Run segment-anything's `TwoWayTransformer`, or EfficientSAM's, on images not repeated.

    Returns:
        The prompts' tokens (N, Q, C) and what each prompt made of its image, (N, K, C).
    """
    queries_NQC, keys = prompts_NQC, image_BKC
    for layer in transformer.layers:
        queries_NQC, keys = _layer(layer, queries_NQC, keys, prompts_NQC, positions_1KC)
    read_NQC = _attend(
        transformer.final_attn_token_to_image,
        queries_NQC + prompts_NQC, keys + positions_1KC, keys,
    )  # fmt: skip
    return transformer.norm_final_attn(queries_NQC + read_NQC), keys


def _layer(
    layer: Any, queries_NQC: Tensor, keys: Tensor, prompts_NQC: Tensor, positions_1KC: Tensor
) -> tuple[Tensor, Tensor]:
    queries_NQC = layer.norm1(_self_attended(layer, queries_NQC, prompts_NQC))
    placed = keys + positions_1KC
    into, out_of = layer.cross_attn_token_to_image, layer.cross_attn_image_to_token
    read_NQC = _attend(into, queries_NQC + prompts_NQC, placed, keys)
    queries_NQC = layer.norm2(queries_NQC + read_NQC)
    queries_NQC = layer.norm3(queries_NQC + layer.mlp(queries_NQC))
    written_NKC = _attend(out_of, placed, queries_NQC + prompts_NQC, queries_NQC)
    return queries_NQC, layer.norm4(repeated(keys, queries_NQC.shape[0]) + written_NKC)


def _self_attended(layer: Any, queries_NQC: Tensor, prompts_NQC: Tensor) -> Tensor:
    attention = layer.self_attn
    if hasattr(layer, "skip_first_layer_pe"):  # SAM's own
        if layer.skip_first_layer_pe:
            return _attend(attention, queries_NQC, queries_NQC, queries_NQC)
        placed_NQC = queries_NQC + prompts_NQC
        return queries_NQC + _attend(attention, placed_NQC, placed_NQC, queries_NQC)
    if not layer.first:
        queries_NQC = queries_NQC + prompts_NQC
    return queries_NQC + _attend(attention, queries_NQC, queries_NQC, queries_NQC)


def _attend(attention: Any, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """Attend; what several prompts share is projected before it is repeated for each."""
    heads = attention.num_heads if hasattr(attention, "num_heads") else attention.heads
    rows = keys.shape[0] if queries.shape[1] > keys.shape[1] else queries.shape[0]
    q, k, v = (
        repeated(projected.unflatten(-1, (heads, -1)).transpose(1, 2), rows)
        for projected in (
            attention.q_proj(queries), attention.k_proj(keys), attention.v_proj(values),
        )
    )  # fmt: skip
    attended = functional.scaled_dot_product_attention(q, k, v)
    return attention.out_proj(attended.transpose(1, 2).flatten(2))


def repeated(images: Tensor, rows: int) -> Tensor:
    """Give every prompt its image: (B, ...) to (rows, ...), row by row; as it is if it has it."""
    if images.shape[0] == rows:
        return images
    times = rows // images.shape[0]
    return images[:, None].expand(-1, times, *images.shape[1:]).flatten(0, 1)
