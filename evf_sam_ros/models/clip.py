"""CLIP as the encoder: the words alone, or words and picture encoded separately (table 3).

Both halves are those of `transformers`, under its parameter names.
Shape suffixes: I images, P prompts per image, N = I * P, L text tokens, D width, S S image size.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from evf_sam_ros.models.encoder import Encoder


@dataclass(frozen=True, kw_only=True)
class ClipTower:
    """Sizes of one of the two transformers."""

    width: int
    depth: int
    heads: int
    feed_forward: int


@dataclass(frozen=True, kw_only=True)
class ClipConfig:
    """Sizes of a CLIP; the defaults are those all published ones share."""

    text: ClipTower
    vision: ClipTower | None  # None: the words alone
    joint_width: int  # of the space that both are projected to
    activation: str = "quick_gelu"
    image_size: tuple[int, int] = (224, 224)  # (height, width), pixels; square
    patch: int = 14  # pixels
    vocabulary: int = 49408
    max_tokens: int = 77

    def __post_init__(self) -> None:
        if self.image_size[0] != self.image_size[1]:
            raise ValueError(f"image_size is {self.image_size}, CLIP takes squares")


class Clip(Encoder):
    """Late fusion: the embedding of the words, then that of the picture, one behind the other."""

    def __init__(self, config: ClipConfig) -> None:
        from transformers import (
            CLIPTextConfig,
            CLIPTextModelWithProjection,
            CLIPVisionConfig,
            CLIPVisionModelWithProjection,
        )

        super().__init__()
        self.config = config
        self.width = config.joint_width * (1 if config.vision is None else 2)
        self.text = CLIPTextModelWithProjection(
            CLIPTextConfig(
                vocab_size=config.vocabulary,
                max_position_embeddings=config.max_tokens,
                **_sizes(config.text, config),
            )
        )
        self.vision = None
        if config.vision is not None:
            self.vision = CLIPVisionModelWithProjection(
                CLIPVisionConfig(
                    image_size=config.image_size[0],
                    patch_size=config.patch,
                    **_sizes(config.vision, config),
                )
            )

    def forward(self, images_I3SS: Tensor, tokens_IPL: Tensor, padding_IPL: Tensor) -> Tensor:
        """See `Encoder`; returns a single token."""
        embedding_ND = self._embed_text(tokens_IPL.flatten(0, 1), padding_IPL.flatten(0, 1))
        if self.vision is not None:
            image_ID = self.vision(pixel_values=images_I3SS).image_embeds
            image_ND = image_ID.repeat_interleave(tokens_IPL.shape[1], 0)
            embedding_ND = torch.cat([embedding_ND, image_ND], 1)
        return embedding_ND[:, None]

    def _embed_text(self, tokens_NL: Tensor, padding_NL: Tensor) -> Tensor:
        states_NLD = self.text.text_model(
            input_ids=tokens_NL, attention_mask=(~padding_NL).long()
        ).last_hidden_state
        # The end token, whatever its number: only there has the text been read as a whole.
        last_N = (~padding_NL).sum(1) - 1
        end_ND = states_NLD[torch.arange(len(states_NLD), device=last_N.device), last_N]
        return self.text.text_projection(end_ND)


def _sizes(tower: ClipTower, config: ClipConfig) -> dict[str, Any]:
    return {
        "hidden_size": tower.width,
        "num_hidden_layers": tower.depth,
        "num_attention_heads": tower.heads,
        "intermediate_size": tower.feed_forward,
        "projection_dim": config.joint_width,
        "hidden_act": config.activation,
    }
