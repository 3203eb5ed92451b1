"""Pixel-word attention (Yang et al. 2022, LAVT): each cell of the picture attends to the words.

Shape suffixes: N sentences, V picture width, T text width, C fused width, h w grid, K places
(h * w), L words.
"""

from torch import Tensor, nn
from torch.nn import functional


class PixelWordAttention(nn.Module):
    """Each place gathers the words that matter to it, and is gated by them.

    With w_x a 1 x 1 convolution and norm the normalisation over all places of one channel:

        read  = softmax(norm(w_query V)^T (w_key L) / sqrt(C)) (w_value L)^T
        fused = relu(w_fused (relu(w_picture V) * norm(w_read read)))
    """

    def __init__(self, picture_width: int, text_width: int, width: int) -> None:
        super().__init__()
        self.query = nn.Linear(picture_width, width)
        self.key = nn.Linear(text_width, width)
        self.value = nn.Linear(text_width, width)
        self.read = nn.Linear(width, width)
        self.picture = nn.Linear(picture_width, width)
        self.fused = nn.Linear(width, width)

    def forward(self, picture_NVhw: Tensor, words_NLT: Tensor, padding_NL: Tensor) -> Tensor:
        """Return the fused grid (N, C, h, w); words that are padding are not read."""
        places_NKV = picture_NVhw.flatten(2).transpose(1, 2)
        query_NKC = _norm_over_places(self.query(places_NKV))
        read_NKC = functional.scaled_dot_product_attention(
            query_NKC, self.key(words_NLT), self.value(words_NLT), ~padding_NL[:, None]
        )
        read_NKC = _norm_over_places(self.read(read_NKC))
        fused_NKC = self.fused(self.picture(places_NKV).relu() * read_NKC).relu()
        return fused_NKC.transpose(1, 2).unflatten(2, picture_NVhw.shape[2:])


def _norm_over_places(places_NKC: Tensor) -> Tensor:
    return functional.instance_norm(places_NKC.transpose(1, 2)).transpose(1, 2)
