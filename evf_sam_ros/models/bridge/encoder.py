"""The bridge's encoder: a picture and a sentence become a sparse and a dense prompt for SAM.

Shape suffixes: B images, P prompts per image, N = B * P, L text tokens, T text width, C width,
D CLIP's joint width, V picture width, S S image size, h w grid, K categories.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from evf_sam_ros.models.bridge.config import BridgeEncoderConfig
from evf_sam_ros.models.bridge.pixel_decoder import PixelDecoder
from evf_sam_ros.models.bridge.pwam import PixelWordAttention
from evf_sam_ros.models.bridge.pyramid import FeaturePyramid
from evf_sam_ros.models.bridge.towers import PictureTower, bert

SCALES = (0.5, 1.0, 2.0)  # the coarsest first


@dataclass(frozen=True)
class BridgePrompts:
    """Input of the segmenter for each prompt."""

    sparse_BPC: Tensor
    dense_BPChw: Tensor
    pyramid: list[Tensor]  # (N, C, h, w) each, the coarsest first: CLIP's side of the queries
    sentences_NC: Tensor  # each sentence's [CLS], which training compares objects with


class BridgeEncoder(nn.Module):
    """CLIP's patches read the sentence place by place; the sentence reads itself."""

    def __init__(self, config: BridgeEncoderConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.picture = PictureTower(config)
        self.bert = bert(config.bert)
        self.words = nn.Linear(config.bert.width, width)
        self.fusion = PixelWordAttention(config.vision.width, width, width)
        self.pyramid = FeaturePyramid(width, width, SCALES)
        self.pixel_decoder = PixelDecoder(width, config.pixel_decoder)
        self.read = nn.MultiheadAttention(width, config.heads, batch_first=True)
        self.read_norm = nn.LayerNorm(width)
        # What CLIP's text half says of each category, of length 1; computed once, never learned.
        self.category_texts_KD: Tensor
        table_KD = torch.zeros(len(config.categories), config.joint_width)
        self.register_buffer("category_texts_KD", table_KD)
        if config.sparse == "category":
            self.category = nn.Linear(config.joint_width, width)

    def forward(
        self, images_B3SS: Tensor, tokens_BPL: Tensor, padding_BPL: Tensor
    ) -> BridgePrompts:
        """Return what to tell the segmenter.

        Args:
            images_B3SS: normalised images of `config.image_size`.
            tokens_BPL: token ids; at most `config.max_tokens` per prompt. Where `config.sparse`
                is "category", the second is the number of one, counted on from BERT's own.
            padding_BPL: True where a token only fills up its row.

        Raises:
            ValueError: too many tokens, or no category where one is needed.
        """
        if tokens_BPL.shape[2] > self.config.max_tokens:
            raise ValueError(
                f"a prompt has {tokens_BPL.shape[2]} tokens, "
                f"this model reads at most {self.config.max_tokens}"
            )
        tokens_NL, padding_NL = tokens_BPL.flatten(0, 1), padding_BPL.flatten(0, 1)
        categories_N = None
        if self.config.sparse == "category":
            categories_N = self._categories(tokens_NL[:, 1])
            tokens_NL = torch.cat([tokens_NL[:, :1], tokens_NL[:, 2:]], 1)
            padding_NL = padding_NL[:, 1:]
        words_NLC = self.read_words(tokens_NL, padding_NL)
        shape = tokens_BPL.shape[:2]
        picture_NVhw = self.picture(images_B3SS).repeat_interleave(shape[1], 0)
        fused_NChw = self.fusion(picture_NVhw, words_NLC, padding_NL)
        dense_NChw, pyramid = self.pixel_decoder(self.pyramid(fused_NChw))
        sparse_NC = self._sparse(words_NLC, padding_NL, categories_N)
        return BridgePrompts(
            sparse_BPC=sparse_NC.unflatten(0, shape),
            dense_BPChw=dense_NChw.unflatten(0, shape),
            pyramid=pyramid,
            sentences_NC=words_NLC[:, 0],
        )

    def read_words(self, tokens_NL: Tensor, padding_NL: Tensor) -> Tensor:
        """Return BERT's states of every token, projected, (N, L, C)."""
        states = self.bert(input_ids=tokens_NL, attention_mask=(~padding_NL).long())
        return self.words(states.last_hidden_state)

    def _categories(self, tokens_N: Tensor) -> Tensor:
        categories_N = tokens_N - self.config.bert.vocabulary
        if not ((categories_N >= 0) & (categories_N < len(self.config.categories))).all():
            raise ValueError("this bridge starts from a category, and a prompt tells none")
        return categories_N

    def _sparse(
        self, words_NLC: Tensor, padding_NL: Tensor, categories_N: Tensor | None
    ) -> Tensor:
        """Equations 3 and 4 of the supplement, or the same from the category's name."""
        if categories_N is None:
            start_NC = words_NLC[:, 0]
        else:
            start_NC = self.category(self.category_texts_KD[categories_N])
        # Padding is not read, unlike in the authors' code: an answer must not depend on it.
        read_N1C, _ = self.read(
            start_NC[:, None], words_NLC, words_NLC, key_padding_mask=padding_NL,
            need_weights=False,
        )  # fmt: skip
        return self.read_norm(start_NC + read_N1C[:, 0])
