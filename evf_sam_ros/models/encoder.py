"""The interface of every vision-language encoder, whose output the projector takes."""

from typing import Any

from torch import Tensor, nn


class Encoder(nn.Module):
    """Reads pictures and words; its first token prompts the segmenter.

    Shape suffixes: I images, P prompts per image, L text tokens, T tokens, D width,
    S S image size.
    """

    width: int  # of a token it returns
    config: Any  # has image_size, vocabulary and max_tokens

    def forward(self, images_I3SS: Tensor, tokens_IPL: Tensor, padding_IPL: Tensor) -> Tensor:
        """Return one or more tokens for each prompt of each image, (I * P, T, D).

        Args:
            images_I3SS: normalised images of the encoder's size.
            tokens_IPL: token ids; at most `config.max_tokens` per prompt.
            padding_IPL: True where a token only fills up its row.
        """
        raise NotImplementedError
