"""The loopback of DeRIS: after every layer the queries read the words and score themselves.

Shape suffixes: N sentences, Q queries, L text tokens, C width, H heads, d head width.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

HIDDEN = -100.0  # bias of padding among the words; not -inf


class Loopback(nn.Module):
    """Outputs of one step of the queries about the words, and the queries of the next step."""

    def __init__(self, width: int, heads: int, feed_forward: int) -> None:
        super().__init__()
        self.alone = SelfReading(width, heads)
        self.refer = WordReading(width, heads, feed_forward)
        self.join = nn.Linear(2 * width, width)

    def forward(
        self, queries_NQC: Tensor, words_NLC: Tensor, padding_NL: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return what each query refers to, and the next queries, (N, Q, C) each."""
        queries_NQC = self.alone(queries_NQC)
        refer_NQC = self.refer(queries_NQC, words_NLC, padding_NL)
        return refer_NQC, self.join(torch.cat([queries_NQC, refer_NQC], -1))


class SelfReading(nn.Module):
    """Attention in which each query sees nothing but itself.

    The published models attend over the axis of the batch by mistake, and the gRefCOCO ones were
    trained with one sentence per batch. Of one sentence, each query attends to itself alone: its
    weight is 1, whatever its query and key are, and where it looks adds nothing. The released
    weights of queries and keys are kept but have no effect.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.norm = nn.LayerNorm(width)

    def forward(self, queries_NQC: Tensor) -> Tensor:
        width = queries_NQC.shape[-1]
        weight, bias = self.attention.in_proj_weight, self.attention.in_proj_bias
        values_NQC = functional.linear(queries_NQC, weight[-width:], bias[-width:])
        return self.norm(queries_NQC + self.attention.out_proj(values_NQC))


class WordReading(nn.Module):
    """Attention among the queries, then to the words, then feed-forward; norms come last."""

    def __init__(self, width: int, heads: int, feed_forward: int) -> None:
        super().__init__()
        self.heads = heads
        self.own = nn.MultiheadAttention(width, heads, batch_first=True)
        self.own_norm = nn.LayerNorm(width)
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.output = nn.Linear(width, width)
        self.words_norm = nn.LayerNorm(width)
        self.feed_forward = nn.Sequential(
            nn.Linear(width, feed_forward), nn.ReLU(), nn.Linear(feed_forward, width)
        )
        self.feed_forward_norm = nn.LayerNorm(width)

    def forward(self, queries_NQC: Tensor, words_NLC: Tensor, padding_NL: Tensor) -> Tensor:
        """Return the queries with what they read, (N, Q, C)."""
        read_NQC, _ = self.own(queries_NQC, queries_NQC, queries_NQC, need_weights=False)
        queries_NQC = self.own_norm(queries_NQC + read_NQC)
        read_NQC = self._words(queries_NQC, words_NLC, padding_NL)
        queries_NQC = self.words_norm(queries_NQC + read_NQC)
        return self.feed_forward_norm(queries_NQC + self.feed_forward(queries_NQC))

    def _words(self, queries_NQC: Tensor, words_NLC: Tensor, padding_NL: Tensor) -> Tensor:
        keys_NLC = words_NLC + word_positions(words_NLC.shape[1], words_NLC)
        q_NHQd, k_NHLd, v_NHLd = (
            each.unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for each in (self.query(queries_NQC), self.key(keys_NLC), self.value(words_NLC))
        )
        bias_N11L = q_NHQd.new_zeros(padding_NL.shape).masked_fill(padding_NL, HIDDEN)
        read_NHQd = functional.scaled_dot_product_attention(
            q_NHQd, k_NHLd, v_NHLd, bias_N11L[:, None, None]
        )
        return self.output(read_NHQd.transpose(1, 2).flatten(2))


def word_positions(length: int, like: Tensor) -> Tensor:
    """Return the positions that the published models were trained with, (L, C).

    Meant were sines of many frequencies, which were rounded to integers: all but the first are 0,
    so what is left is one sine, one cosine, zeros and ones.
    """
    positions_LC = torch.zeros(length, like.shape[-1], device=like.device)
    places_L = torch.arange(length, device=like.device)
    positions_LC[:, 1::2] = 1
    positions_LC[:, 0] = places_L.sin()
    positions_LC[:, 1] = places_L.cos()
    return positions_LC.to(like.dtype)
