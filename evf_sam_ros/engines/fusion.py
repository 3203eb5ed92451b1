"""BEIT-3 reduced to what EVF-SAM reads: the last layer computes a single query.

Shape suffixes as in `models.beit3`: I images, P prompts per image, B = I * P, V vision tokens,
L text tokens, T = V + L, D width, h heads, d head width, C prompt width, S S image size.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from evf_sam_ros.engines.precision import autocast_dtype
from evf_sam_ros.models.beit3 import Beit3, attend
from evf_sam_ros.models.evf_sam import EvfSam

_MULTIPLE = 8  # numbers at which rows of a bias begin
_LEAST = torch.finfo(torch.float16).min


def lean_prompt(model: EvfSam, *, for_kernels: bool) -> nn.Module:
    """Return what computes `model.prompt` with less work, from the same weights.

    An encoder that this knows no shorter way through is run as it is.

    Args:
        for_kernels: whether to lay biases out for a GPU's kernels.
    """
    encoder = model.encoder
    known = isinstance(encoder, Beit3) and encoder.config.fusion == "early"
    if known and model.prompts_by_first_token:
        return LeanPrompt(model, for_kernels=for_kernels)
    return WholePrompt(model)


class WholePrompt(nn.Module):
    """`EvfSam.prompt` as a module."""

    def __init__(self, model: EvfSam) -> None:
        super().__init__()
        self.model = model

    def forward(self, fusion_I3SS: Tensor, tokens_IPL: Tensor, padding_IPL: Tensor) -> Tensor:
        return self.model.prompt(fusion_I3SS, tokens_IPL, padding_IPL)


class LeanPrompt(nn.Module):
    """Whole layers but for the last, which answers for [CLS] alone."""

    def __init__(self, model: EvfSam, *, for_kernels: bool) -> None:
        super().__init__()
        self.for_kernels = for_kernels
        self.encoder: Any = model.encoder
        self.projector = model.projector

    def forward(self, fusion_I3SS: Tensor, tokens_IPL: Tensor, padding_IPL: Tensor) -> Tensor:
        """Return one prompt per expression, (I, P, C)."""
        encoder = self.encoder
        encoder.check(fusion_I3SS, tokens_IPL)
        vision_IVD = encoder.vision_embed(fusion_I3SS)
        tokens_BTD, split = encoder.embedded(vision_IVD, tokens_IPL, padding_IPL)
        dtype = autocast_dtype(tokens_BTD.device) or tokens_BTD.dtype  # attention's, of both
        biases = encoder.biases(padding_IPL.flatten(0, 1), split, dtype)
        if self.for_kernels:
            biases = _for_kernels(biases)
        *whole, last = zip(encoder.layers, biases, strict=True)
        for layer, bias in whole:
            tokens_BTD = layer(tokens_BTD, split, bias)
        cls_B1D = encoder.layer_norm.A(_cls_of(*last, tokens_BTD, split))
        images, prompts = tokens_IPL.shape[0], tokens_IPL.shape[1]
        return self.projector(cls_B1D.reshape(images, prompts, -1))


def _cls_of(layer: Any, bias_B1QT: Tensor, tokens_BTD: Tensor, split: int) -> Tensor:
    """Return what a layer makes of the first token, (B, 1, D); it is a vision token."""
    attention = layer.self_attn
    normed_BTD = layer.self_attn_layer_norm(tokens_BTD, split)
    q_Bh1d = _heads(attention.q_proj.A(normed_BTD[:, :1]), attention.heads)
    k_BhTd, v_BhTd = (
        _heads(project(normed_BTD, split), attention.heads)
        for project in (attention.k_proj, attention.v_proj)
    )
    joined_Bh1d = attend(q_Bh1d, k_BhTd, v_BhTd, bias_B1QT[:, :, :1])
    joined_B1D = joined_Bh1d.transpose(1, 2).flatten(2)
    attended_B1D = attention.out_proj.A(attention.inner_attn_ln.A(joined_B1D))
    cls_B1D = tokens_BTD[:, :1] + attended_B1D
    return cls_B1D + layer.ffn.A(layer.final_layer_norm.A(cls_B1D))


def _heads(tokens_BTD: Tensor, heads: int) -> Tensor:
    return tokens_BTD.unflatten(-1, (heads, -1)).transpose(1, 2)


def _for_kernels(biases: list[Tensor]) -> list[Tensor]:
    """Make biases what a GPU's fused attention takes, once instead of in every layer.

    Rows that begin at multiples of eight numbers, and no -inf, which not every kernel bears. What
    is hidden by the least float16 is hidden as well: its weight is exp(-65504) = 0.
    """
    made: dict[int, Tensor] = {}  # layers share them
    for bias in biases:
        if id(bias) not in made:
            length = bias.shape[-1]
            hidden = bias.clamp(min=_LEAST)
            made[id(bias)] = functional.pad(hidden, (0, -length % _MULTIPLE))[..., :length]
    return [made[id(bias)] for bias in biases]


class InBuckets(nn.Module):
    """A model's prompts, their words filled up to a bucket: on GPUs libraries plan per shape."""

    def __init__(self, prompt: nn.Module, most: int) -> None:
        super().__init__()
        self.prompt = prompt
        self.most = most

    def forward(self, fusion_I3SS: Tensor, tokens_IPL: Tensor, padding_IPL: Tensor) -> Tensor:
        """Return one prompt per expression, (I, P, C)."""
        return self.prompt(fusion_I3SS, *to_bucket(tokens_IPL, padding_IPL, self.most))


def bucket_of(length: int, most: int) -> int:
    """Return how many tokens a row of that many is filled up to: a power of two, or the most.

    A few shapes instead of one per length: whatever is made for a shape (a graph, a kernel) is
    made a handful of times. What fills up is padding, and masked like all padding.
    """
    bucket = 8
    while bucket < length:
        bucket *= 2
    return min(bucket, most)


def buckets(most: int) -> list[int]:
    """Return every bucket of prompts of at most so many tokens."""
    return sorted({bucket_of(length, most) for length in range(1, most + 1)})


def to_bucket(tokens_IPL: Tensor, padding_IPL: Tensor, most: int) -> tuple[Tensor, Tensor]:
    """Fill rows of tokens up to their bucket; the new ones are padding."""
    missing = bucket_of(tokens_IPL.shape[2], most) - tokens_IPL.shape[2]
    filled = functional.pad(tokens_IPL, (0, missing))
    return filled, functional.pad(padding_IPL, (0, missing), value=True)
