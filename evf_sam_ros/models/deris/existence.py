"""The head that tells whether a sentence means anything in the picture at all.

Shape suffixes: N sentences, Q queries, C width, L text tokens.
"""

from torch import Tensor, nn

from evf_sam_ros.models.deris.deris_config import ExistenceConfig


class Existence(nn.Module):
    """The last queries read each other and the words once more, then vote."""

    def __init__(self, width: int, config: ExistenceConfig) -> None:
        super().__init__()
        self.layers = nn.ModuleList(_Layer(width, config) for _ in range(config.depth))
        self.norm = nn.LayerNorm(width)
        self.vote = nn.Linear(width, 1)

    def read(self, queries_NQC: Tensor, words_NLC: Tensor, padding_NL: Tensor) -> Tensor:
        """Return what each query votes by, (N, Q, C)."""
        for layer in self.layers:
            queries_NQC = layer(queries_NQC, words_NLC, padding_NL)
        return self.norm(queries_NQC)

    def forward(self, queries_NQC: Tensor, words_NLC: Tensor, padding_NL: Tensor) -> Tensor:
        """Return the logit that there is a target, (N,)."""
        return self.vote(self.read(queries_NQC, words_NLC, padding_NL)).mean(1)[:, 0]


class _Layer(nn.Module):
    def __init__(self, width: int, config: ExistenceConfig) -> None:
        super().__init__()
        self.own = nn.MultiheadAttention(width, config.heads, batch_first=True)
        self.own_norm = nn.LayerNorm(width)
        self.words = nn.MultiheadAttention(width, config.heads, batch_first=True)
        self.words_norm = nn.LayerNorm(width)
        self.feed_forward = nn.Sequential(
            nn.Linear(width, config.feed_forward),
            nn.ReLU(),
            nn.Linear(config.feed_forward, width),
        )
        self.feed_forward_norm = nn.LayerNorm(width)

    def forward(self, queries_NQC: Tensor, words_NLC: Tensor, padding_NL: Tensor) -> Tensor:
        read_NQC, _ = self.own(queries_NQC, queries_NQC, queries_NQC, need_weights=False)
        queries_NQC = self.own_norm(queries_NQC + read_NQC)
        read_NQC, _ = self.words(
            queries_NQC, words_NLC, words_NLC, key_padding_mask=padding_NL, need_weights=False
        )
        queries_NQC = self.words_norm(queries_NQC + read_NQC)
        return self.feed_forward_norm(queries_NQC + self.feed_forward(queries_NQC))
