"""Attention map of the likeliest query of DeRIS.

Shape suffixes: N sentences, Q queries, K places (h * w), h w the finest level's grid.
"""

from typing import Any

import torch
from torch import Tensor

from evf_sam_ros.models.deris.pixels import PictureFeatures
from evf_sam_ros.models.deris.prompts import DerisPrompts
from evf_sam_ros.models.deris.query_segmenter import DerisSegmenter


def query_attention(
    segmenter: DerisSegmenter, features: PictureFeatures, prompts: DerisPrompts
) -> Tensor:
    """Return the last attention to the picture of each sentence's best query, (N, h, w), sum 1.

    It is the mean over the heads; outside of the query's mask of the step before it is 0.
    """
    picture = features.repeated(prompts.padding_BPL.shape[1])
    layer: Any = segmenter.decoder.layers[-1]
    read: list[tuple[Any, dict[str, Any]]] = []
    hook = layer.cross.register_forward_pre_hook(
        lambda _module, inputs, named: read.append((inputs, named)), with_kwargs=True
    )
    try:
        steps = segmenter.decoder(picture, prompts)
    finally:
        hook.remove()
    ((inputs, named),) = read
    _, weights_NQK = layer.cross(*inputs, **{**named, "need_weights": True})
    referred_NQ, other_NQ = steps[-1].scores_NQ2.float().unbind(-1)
    best_N = (referred_NQ - other_NQ).argmax(1)
    rows_N = torch.arange(len(best_N), device=best_N.device)
    size = picture.levels[-1].shape[2:]
    return weights_NQK[rows_N, best_N].float().unflatten(1, tuple(size))
