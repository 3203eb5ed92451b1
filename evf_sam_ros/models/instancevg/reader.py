"""Queries of an InstanceVG: tokens read the picture, and what they look at gives the points.

Shape suffixes: N sentences, L text tokens, Q queries, C width, M heads, K places (h * w), h w
grid.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from evf_sam_ros.models.bridge.pyramid import grid_sines
from evf_sam_ros.models.instancevg.instancevg_config import InstanceVgConfig
from evf_sam_ros.models.instancevg.perceptron import perceptron
from evf_sam_ros.models.instancevg.query_points import centres, chosen_points, chosen_tokens


@dataclass(frozen=True)
class Queries:
    """Start points of the queries of N sentences."""

    start_NQC: Tensor
    points_NQ2: Tensor  # (x, y), 0..1 over the picture
    places_NQ: Tensor  # the points as places of the grid, row by row
    tokens_NQ: Tensor  # the place of each query's token in the text; -1: it has none
    maps_NQhw: Tensor  # how much each token looks at each place; of one token they sum to 1
    point_map_Nhw: Tensor  # the most that any token looks at each place
    read_NQC: Tensor  # what each token read


class TokenReader(nn.Module):
    """One layer of attention from the tokens to the picture, and the choice of points."""

    def __init__(self, config: InstanceVgConfig) -> None:
        super().__init__()
        width = config.width
        self.candidates = config.candidates
        # The attention of the tokens to each other starts from zeros, so nothing of it but its
        # value bias has an effect: what it adds is the same for every token of every text.
        self.own_value = nn.Parameter(torch.zeros(width))
        self.own_output = nn.Linear(width, width)
        self.own_norm = nn.LayerNorm(width)
        self.picture = nn.MultiheadAttention(width, config.heads, batch_first=True)
        self.picture_norm = nn.LayerNorm(width)
        self.feed_forward = nn.Sequential(
            nn.Linear(width, config.reader_feed_forward),
            nn.ReLU(),
            nn.Linear(config.reader_feed_forward, width),
        )
        self.feed_forward_norm = nn.LayerNorm(width)
        self.norm = nn.LayerNorm(width)
        self.start = perceptron(2 * width, width, width)

    def forward(self, picture_NChw: Tensor, words_NLC: Tensor, padding_NL: Tensor) -> Queries:
        """Return the queries of each sentence.

        Args:
            picture_NChw: the patches as BEIT-3 saw them with the sentence.
            words_NLC: the tokens, projected.
            padding_NL: True where a token only fills up its row.
        """
        height, width = picture_NChw.shape[2:]
        # What follows is an argmax, and half precision would choose other points.
        with torch.autocast(picture_NChw.device.type, enabled=False):
            tokens_NQC, tokens_NQ = chosen_tokens(words_NLC.float(), padding_NL, self.candidates)
            read_NQC, weights_NQK = self._read(tokens_NQC, picture_NChw.float())
            heard_NQK = weights_NQK.masked_fill(tokens_NQ[..., None] < 0, 0)
            point_map_Nhw = heard_NQK.amax(1).unflatten(1, (height, width))
            places_NQ = chosen_points(point_map_Nhw, self.candidates)
        at_points_NQC = picture_NChw.flatten(2).transpose(1, 2).gather(
            1, places_NQ[..., None].expand(-1, -1, picture_NChw.shape[1])
        )  # fmt: skip
        read_NQC = self.norm(self._digested(read_NQC))
        return Queries(
            start_NQC=self.start(torch.cat([read_NQC, at_points_NQC.to(read_NQC.dtype)], 2)),
            points_NQ2=centres(places_NQ, height, width),
            places_NQ=places_NQ,
            tokens_NQ=tokens_NQ,
            maps_NQhw=weights_NQK.unflatten(2, (height, width)),
            point_map_Nhw=point_map_Nhw,
            read_NQC=read_NQC,
        )

    def _read(self, tokens_NQC: Tensor, picture_NChw: Tensor) -> tuple[Tensor, Tensor]:
        """Return what each token reads, (N, Q, C), and how much of each place, (N, Q, K)."""
        same_C = _linear(self.own_value, self.own_output.weight, self.own_output.bias)
        start_C = self.own_norm(same_C)
        values_NKC = picture_NChw.flatten(2).transpose(1, 2)
        size = (picture_NChw.shape[2], picture_NChw.shape[3])
        sines_KC = grid_sines(*size, values_NKC.shape[2], values_NKC).flatten(1).T
        read_NQC, weights_NQK = _attention(
            self.picture, start_C + tokens_NQC, values_NKC + sines_KC, values_NKC
        )
        return self.picture_norm(start_C + read_NQC), weights_NQK

    def _digested(self, read_NQC: Tensor) -> Tensor:
        return self.feed_forward_norm(read_NQC + self.feed_forward(read_NQC))


def _attention(
    layer: nn.MultiheadAttention, query_NQC: Tensor, key_NKC: Tensor, value_NKC: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the layer's output and the mean of its weights, in the inputs' format.

    Autocast may have left the layer's own weights in half precision.
    """
    weights, biases = layer.in_proj_weight.chunk(3), layer.in_proj_bias.chunk(3)
    q_NMQd, k_NMKd, v_NMKd = (
        _linear(each, weight, bias).unflatten(2, (layer.num_heads, -1)).transpose(1, 2)
        for each, weight, bias in zip(
            (query_NQC, key_NKC, value_NKC), weights, biases, strict=True
        )
    )
    scores_NMQK = (q_NMQd * q_NMQd.shape[-1] ** -0.5) @ k_NMKd.transpose(-2, -1)
    weights_NMQK = scores_NMQK.softmax(-1)
    joined_NQC = (weights_NMQK @ v_NMKd).transpose(1, 2).flatten(2)
    output = layer.out_proj
    return _linear(joined_NQC, output.weight, output.bias), weights_NMQK.mean(1)


def _linear(values: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return functional.linear(values, weight.to(values.dtype), bias.to(values.dtype))
