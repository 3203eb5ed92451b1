"""Attention maps: of BEIT-3's [CLS] token, as in figure 5 of the paper, or of the queries.

Shape suffixes: N prompts, V vision tokens ([CLS] first), T all tokens, D width, h heads,
d head width, Q queries (1 where all share a bias), H W the grid of patches.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from evf_sam_ros.models.beit3 import Attention, Beit3
from evf_sam_ros.models.deris.deris import Deris
from evf_sam_ros.models.deris.query_attention import query_attention
from evf_sam_ros.models.evf_sam import EvfSam
from evf_sam_ros.models.instancevg.instancevg import InstanceVg


def looked_at(
    model: EvfSam, features: Any, fusions_B3SS: Tensor, tokens_BPL: Tensor, padding_BPL: Tensor
) -> Tensor:
    """Return how much a model looks at each patch for each prompt, (B, P, H, W).

    Of EVF-SAM the attention of [CLS] in the last layer. The others do not read [CLS]: of DeRIS
    the attention of the likeliest query, of InstanceVG the map that its queries start from, each
    as shares of its sum.

    Args:
        features: of the pictures, as the model's segmenter encodes them.

    Raises:
        ValueError: the encoder is not a BEIT-3, or does not read a picture.
    """
    shape = tokens_BPL.shape[:2]
    if isinstance(model, InstanceVg):
        prompts = model.prompt(fusions_B3SS, tokens_BPL, padding_BPL)
        map_NHW = model.segmenter.start_queries(prompts).point_map_Nhw
        return (map_NHW / map_NHW.sum((1, 2), keepdim=True)).unflatten(0, shape)
    if isinstance(model, Deris):
        prompts = model.prompt(fusions_B3SS, tokens_BPL, padding_BPL)
        return query_attention(model.segmenter, features, prompts).unflatten(0, shape)
    with recorded_attention(model.encoder) as maps:
        model.prompt(fusions_B3SS, tokens_BPL, padding_BPL)
    return maps[0].unflatten(0, shape)


@contextmanager
def recorded_attention(encoder: nn.Module) -> Iterator[list[Tensor]]:
    """Record, while the encoder runs, how much [CLS] attends to each patch in the last layer.

    Yields a list that gets one tensor (N, H, W) per run, float32: the mean over the heads. A
    prompt's values sum to what [CLS] does not spend on itself and on the words. The run itself
    is not changed by it.

    Raises:
        ValueError: the encoder is not a BEIT-3, or does not read a picture.
    """
    if not isinstance(encoder, Beit3):
        raise ValueError(f"attention is known of BEIT-3 only, this is {type(encoder).__name__}")
    height, width = (side // encoder.config.patch for side in encoder.config.image_size)
    maps: list[Tensor] = []

    def record(module: nn.Module, inputs: tuple[Any, ...]) -> None:
        assert isinstance(module, Attention)
        maps.append(_cls_to_patches(module, *inputs).unflatten(1, (height, width)))

    last: Any = encoder.layers[-1]
    hook = last.self_attn.register_forward_pre_hook(record)
    try:
        yield maps
    finally:
        hook.remove()


def _cls_to_patches(
    attention: Attention, tokens_NTD: Tensor, split: int, bias_N1QT: Tensor
) -> Tensor:
    if not split:
        raise ValueError("this model reads no picture that its attention could be drawn on")
    cls_Nh1d = _heads(attention.q_proj.A(tokens_NTD[:, :1]), attention.heads)
    keys_NhTd = _heads(attention.k_proj(tokens_NTD, split), attention.heads)
    with torch.autocast(tokens_NTD.device.type, enabled=False):
        scores_Nh1T = cls_Nh1d.float() @ keys_NhTd.float().transpose(-2, -1)
        scores_Nh1T = scores_Nh1T * cls_Nh1d.shape[-1] ** -0.5 + bias_N1QT[:, :, :1].float()
        return scores_Nh1T.softmax(-1)[:, :, 0, 1:split].mean(1)


def _heads(tokens_NTD: Tensor, heads: int) -> Tensor:
    return tokens_NTD.unflatten(-1, (heads, -1)).transpose(1, 2)
