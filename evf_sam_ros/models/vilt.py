"""ViLT as the encoder: the words alone, words and picture separately, or fused (table 3).

The network is that of `transformers`, under its parameter names.
Shape suffixes: I images, P prompts per image, N = I * P, L text tokens, V image tokens,
T tokens, D width, S S image size.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from evf_sam_ros.models.beit3 import FUSIONS, Fusion
from evf_sam_ros.models.encoder import Encoder


@dataclass(frozen=True, kw_only=True)
class ViltConfig:
    """Sizes of a ViLT; the defaults are those of the published one."""

    fusion: Fusion
    width: int = 768
    depth: int = 12
    heads: int = 12
    feed_forward: int = 3072
    image_size: tuple[int, int] = (384, 384)  # (height, width), pixels; square
    patch: int = 32  # pixels
    vocabulary: int = 30522
    max_tokens: int = 40

    def __post_init__(self) -> None:
        if self.fusion not in FUSIONS:
            raise ValueError(f"fusion is {self.fusion!r}, need one of {', '.join(FUSIONS)}")
        if self.image_size[0] != self.image_size[1]:
            raise ValueError(f"image_size is {self.image_size}, ViLT takes squares")


class Vilt(Encoder):
    """One transformer over words and patches; where and whether they meet, `fusion` says."""

    def __init__(self, config: ViltConfig) -> None:
        from transformers import ViltConfig as Sizes
        from transformers import ViltModel

        super().__init__()
        self.config = config
        self.width = config.width * (2 if config.fusion == "late" else 1)
        self.vilt = ViltModel(
            Sizes(
                vocab_size=config.vocabulary,
                max_position_embeddings=config.max_tokens,
                hidden_size=config.width,
                num_hidden_layers=config.depth,
                num_attention_heads=config.heads,
                intermediate_size=config.feed_forward,
                image_size=config.image_size[0],
                patch_size=config.patch,
            ),
            add_pooling_layer=False,
        )

    def forward(self, images_I3SS: Tensor, tokens_IPL: Tensor, padding_IPL: Tensor) -> Tensor:
        """See `Encoder`; the first token is the words' [CLS], for late fusion with the image's."""
        padding_NL = padding_IPL.flatten(0, 1)
        text_NLD = self._embed_text(tokens_IPL.flatten(0, 1))
        if self.config.fusion == "text":
            return self._encode(text_NLD, padding_NL)
        image_IVD = self._embed_image(images_I3SS)
        visible_IV = padding_NL.new_zeros(image_IVD.shape[:2])
        prompts = tokens_IPL.shape[1]
        if self.config.fusion == "late":
            words_N1D = self._encode(text_NLD, padding_NL)[:, :1]
            image_I1D = self._encode(image_IVD, visible_IV)[:, :1]
            return torch.cat([words_N1D, image_I1D.repeat_interleave(prompts, 0)], 2)
        image_NVD, visible_NV = (
            each.repeat_interleave(prompts, 0) for each in (image_IVD, visible_IV)
        )
        return self._encode(
            torch.cat([text_NLD, image_NVD], 1), torch.cat([padding_NL, visible_NV], 1)
        )

    def _embed_text(self, tokens_NL: Tensor) -> Tensor:
        parts = self.vilt.embeddings
        return parts.text_embeddings(input_ids=tokens_NL) + parts.token_type_embeddings.weight[0]

    def _embed_image(self, images_I3SS: Tensor) -> Tensor:
        # Its own `visual_embed` draws the order of the patches by chance.
        parts = self.vilt.embeddings
        patches_IVD = parts.patch_embeddings(images_I3SS).flatten(2).transpose(1, 2)
        cls_I1D = parts.cls_token.to(patches_IVD.dtype).expand(len(patches_IVD), -1, -1)
        tokens_IVD = torch.cat([cls_I1D, patches_IVD], 1) + parts.position_embeddings
        return tokens_IVD + parts.token_type_embeddings.weight[1]

    def _encode(self, tokens_NTD: Tensor, padding_NT: Tensor) -> Tensor:
        hidden = torch.finfo(tokens_NTD.dtype).min
        bias_N11T = torch.zeros_like(padding_NT, dtype=tokens_NTD.dtype)
        bias_N11T = bias_N11T.masked_fill(padding_NT, hidden)[:, None, None]
        encoded = self.vilt.encoder(tokens_NTD, attention_mask=bias_N11T).last_hidden_state
        return self.vilt.layernorm(encoded)
