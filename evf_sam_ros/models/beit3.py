"""BEIT-3: one transformer that reads picture and words together (Wang et al. 2022, via EVF-SAM).

Shape suffixes: B sequences, I images, P prompts per image, V vision tokens ([CLS] first),
L text tokens, T = V + L, D width, h heads, d head width, S S image size.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional

from evf_sam_ros.models.encoder import Encoder
from evf_sam_ros.models.trunk import ConvTrunk

# Where words and picture meet, and what of it prompts the segmenter:
#   early  in attention; the picture's [CLS]
#   late   nowhere; both [CLS], one behind the other
#   text   the words alone; their [CLS]
Fusion = Literal["early", "late", "text"]
FUSIONS: tuple[Fusion, ...] = get_args(Fusion)

FIRST_POSITION = 2  # rows 0 and 1 of both position tables are never read (a fairseq convention)


@dataclass(frozen=True, kw_only=True)
class Beit3Config:
    """Sizes of a BEIT-3 encoder; the defaults are those all published checkpoints share."""

    width: int
    depth: int
    heads: int
    feed_forward: int
    image_size: tuple[int, int] = (224, 224)  # (height, width), pixels
    patch: int = 16  # pixels
    vocabulary: int = 64010
    text_positions: int = 1024  # rows of the table; two fewer tokens fit
    stem: tuple[int, int, int] | None = None  # trunk widths; None: one patch convolution
    fusion: Fusion = "early"
    fused_layers: int | None = None  # of early fusion: how many of the first layers; None: all
    fine: bool = False  # with a stem: patches also read what it has at strides 2 and 4
    most_tokens: int | None = None  # of a prompt; None: as many as there are positions

    def __post_init__(self) -> None:
        if self.fusion not in FUSIONS:
            raise ValueError(f"fusion is {self.fusion!r}, need one of {', '.join(FUSIONS)}")
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is not a multiple of heads {self.heads}")
        if any(side % self.patch for side in self.image_size):
            raise ValueError(f"image_size {self.image_size} is not a multiple of {self.patch}")
        if self.stem is not None and self.patch != 16:
            raise ValueError(f"a convolution stem has patches of 16 pixels, not {self.patch}")
        if self.fine and self.stem is None:
            raise ValueError("fine features come from a convolution stem, and there is none")

    @property
    def patches(self) -> int:
        height, width = self.image_size
        return (height // self.patch) * (width // self.patch)

    @property
    def max_tokens(self) -> int:
        """The longest prompt, in tokens with start and end."""
        positions = self.text_positions - FIRST_POSITION
        return positions if self.most_tokens is None else min(positions, self.most_tokens)


class Beit3(Encoder):
    """Fuse an image with each of its prompts, attention joint, everything else per modality."""

    def __init__(self, config: Beit3Config) -> None:
        super().__init__()
        self.config = config
        self.width = config.width * (2 if config.fusion == "late" else 1)
        self.vision_embed = VisionEmbedding(config)
        self.text_embed = nn.Embedding(config.vocabulary, config.width)
        self.embed_positions = nn.ModuleDict(
            {
                "A": nn.Embedding(config.patches + 1 + FIRST_POSITION, config.width),
                "B": nn.Embedding(config.text_positions, config.width),
            }
        )
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.depth))
        self.layer_norm = Multiway(lambda: nn.LayerNorm(config.width))

    def forward(self, images_I3SS: Tensor, tokens_IPL: Tensor, padding_IPL: Tensor) -> Tensor:
        """Return the fused tokens (I * P, T, D): vision [CLS], patches, then text.

        Of late fusion, both [CLS] as one token (I * P, 1, 2 D); without a picture, only the text.

        Args:
            images_I3SS: normalised images of `config.image_size`.
            tokens_IPL: token ids; at most `config.max_tokens` per prompt.
            padding_IPL: True where a token only fills up its row.

        Raises:
            ValueError: an image of another size, or too many tokens.
        """
        self.check(images_I3SS, tokens_IPL)
        vision_IVD = self.vision_embed(images_I3SS)
        return self.fuse(vision_IVD, tokens_IPL, padding_IPL)

    def fuse(self, vision_IVD: Tensor, tokens_IPL: Tensor, padding_IPL: Tensor) -> Tensor:
        """Fuse embedded images with their prompts; see `forward`."""
        tokens_BTD, split = self.embedded(vision_IVD, tokens_IPL, padding_IPL)
        biases = self.biases(padding_IPL.flatten(0, 1), split, tokens_BTD.dtype)
        for layer, bias in zip(self.layers, biases, strict=True):
            tokens_BTD = layer(tokens_BTD, split, bias)
        tokens_BTD = self.layer_norm(tokens_BTD, split)
        if self.config.fusion == "late":
            return torch.cat([tokens_BTD[:, :1], tokens_BTD[:, split : split + 1]], 2)
        return tokens_BTD

    def embedded(
        self, vision_IVD: Tensor, tokens_IPL: Tensor, padding_IPL: Tensor
    ) -> tuple[Tensor, int]:
        """Return the input of the first layer, (I * P, T, D), and the number of vision tokens."""
        prompts = tokens_IPL.shape[1]
        vision_BVD = vision_IVD.repeat_interleave(prompts, 0) + self._positions(
            "A", vision_IVD.shape[1]
        )
        text_BLD = self.text_embed(tokens_IPL.flatten(0, 1))
        text_BLD = text_BLD + self._positions("B", text_BLD.shape[1])
        text_BLD = text_BLD.masked_fill(padding_IPL.flatten(0, 1)[..., None], 0)

        if self.config.fusion == "text":
            vision_BVD = vision_BVD[:, :0]
        tokens_BTD = torch.cat([vision_BVD, text_BLD.to(vision_BVD.dtype)], 1)
        return tokens_BTD, vision_BVD.shape[1]

    def biases(self, padding_BL: Tensor, split: int, dtype: torch.dtype) -> list[Tensor]:
        """Return each layer's attention bias: masks padding, and other modalities if unfused."""
        joint = key_bias(padding_BL, split, dtype)
        fused = self.config.fused_layers if self.config.fusion == "early" else 0
        if fused is None or fused >= len(self.layers):
            return [joint] * len(self.layers)
        return [joint] * fused + [_apart(joint, split)] * (len(self.layers) - fused)

    def _positions(self, modality: str, count: int) -> Tensor:
        table = self.embed_positions.get_parameter(f"{modality}.weight")
        return table[FIRST_POSITION : FIRST_POSITION + count]

    def check(self, images_I3SS: Tensor, tokens_IPL: Tensor) -> None:
        """Raise ValueError for images of another size, or too many tokens."""
        if tuple(images_I3SS.shape[-2:]) != self.config.image_size:
            raise ValueError(
                f"the fusion image is {tuple(images_I3SS.shape[-2:])}, "
                f"this encoder takes {self.config.image_size}"
            )
        if tokens_IPL.shape[-1] > self.config.max_tokens:
            raise ValueError(
                f"the prompt has {tokens_IPL.shape[-1]} tokens, "
                f"this encoder takes at most {self.config.max_tokens}"
            )


class VisionEmbedding(nn.Module):
    """Image to patch tokens, with a learned [CLS] in front."""

    def __init__(self, config: Beit3Config) -> None:
        super().__init__()
        # In the released checkpoints, though nothing reads it.
        self.mask_token = nn.Parameter(torch.zeros(1, 1, config.width))
        self.cls_token = nn.Parameter(torch.zeros(1, 1, config.width))
        self.trunk = None if config.stem is None else ConvTrunk(config.stem)
        self.fine = config.fine
        self.features = 3  # of what `see` returns
        if config.stem is not None:
            half, quarter, eighth = config.stem
            self.features = eighth + (2 * (quarter + half) if config.fine else 0)
        self.proj = (
            nn.Conv2d(3, config.width, config.patch, config.patch)
            if config.stem is None
            else nn.Conv2d(self.features, config.width, 3, stride=2, padding=1)
        )

    def forward(self, images_I3SS: Tensor) -> Tensor:
        return self.embed(self.see(images_I3SS))

    def see(self, images_I3SS: Tensor) -> Tensor:
        """Return the input of the patch embedding: the image, or its trunk features.

        Fine features are those of stride 8, then mean and deviation of strides 4 and 2.
        """
        if self.trunk is None:
            return images_I3SS
        half, quarter, eighth = self.trunk(images_I3SS)
        if not self.fine:
            return eighth
        return torch.cat([eighth, *_spread(quarter, 2), *_spread(half, 4)], 1)

    def embed(self, features: Tensor) -> Tensor:
        """Turn features into [CLS] and patch tokens (I, V, D), positions not yet added."""
        patches_IND = self.proj(features).flatten(2).transpose(1, 2)
        cls_I1D = self.cls_token.to(patches_IND.dtype).expand(len(patches_IND), -1, -1)
        return torch.cat([cls_I1D, patches_IND], 1)


def _spread(features_ICHW: Tensor, step: int) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation of cells of `step` x `step`, (I, C, H/step, W/step)."""
    mean = functional.avg_pool2d(features_ICHW, step)
    squares = functional.avg_pool2d(features_ICHW.square(), step)
    return mean, (squares - mean.square()).clamp(min=1e-6).sqrt()


class Multiway(nn.Module):
    """Two copies of a module: A sees the vision tokens, B the text tokens."""

    def __init__(self, make: Callable[[], nn.Module]) -> None:
        super().__init__()
        self.A = make()
        self.B = make()

    def forward(self, tokens_BTD: Tensor, split: int) -> Tensor:
        vision, text = self.A(tokens_BTD[:, :split]), self.B(tokens_BTD[:, split:])
        return torch.cat([vision, text], 1)


class Layer(nn.Module):
    """Pre-norm transformer layer with the extra norms of Sub-LN."""

    def __init__(self, config: Beit3Config) -> None:
        super().__init__()
        self.self_attn = Attention(config.width, config.heads)
        self.self_attn_layer_norm = Multiway(lambda: nn.LayerNorm(config.width))
        self.ffn = Multiway(lambda: FeedForward(config.width, config.feed_forward))
        self.final_layer_norm = Multiway(lambda: nn.LayerNorm(config.width))

    def forward(self, tokens_BTD: Tensor, split: int, bias_B11T: Tensor) -> Tensor:
        normed_BTD = self.self_attn_layer_norm(tokens_BTD, split)
        tokens_BTD = tokens_BTD + self.self_attn(normed_BTD, split, bias_B11T)
        return tokens_BTD + self.ffn(self.final_layer_norm(tokens_BTD, split), split)


class Attention(nn.Module):
    """Joint attention over both modalities, with projections of their own."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q_proj = Multiway(lambda: nn.Linear(width, width))
        self.k_proj = Multiway(lambda: nn.Linear(width, width))
        self.v_proj = Multiway(lambda: nn.Linear(width, width))
        self.out_proj = Multiway(lambda: nn.Linear(width, width))
        self.inner_attn_ln = Multiway(lambda: nn.LayerNorm(width))

    def forward(self, tokens_BTD: Tensor, split: int, bias_B11T: Tensor) -> Tensor:
        q_BhTd, k_BhTd, v_BhTd = (
            project(tokens_BTD, split).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for project in (self.q_proj, self.k_proj, self.v_proj)
        )
        heads_BhTd = attend(q_BhTd, k_BhTd, v_BhTd, bias_B11T)
        joined_BTD = heads_BhTd.transpose(1, 2).flatten(2)
        return self.out_proj(self.inner_attn_ln(joined_BTD, split), split)


class FeedForward(nn.Module):
    """Two linear layers with a norm between (Sub-LN)."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.ffn_layernorm = nn.LayerNorm(hidden)
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, tokens_BTD: Tensor) -> Tensor:
        return self.fc2(self.ffn_layernorm(functional.gelu(self.fc1(tokens_BTD))))


def attend(q_BhTd: Tensor, k_BhTd: Tensor, v_BhTd: Tensor, bias_B11T: Tensor) -> Tensor:
    """Softmax attention with an additive bias on the keys."""
    if not torch.is_grad_enabled():
        bias_B11T = bias_B11T.to(q_BhTd.dtype)
        return functional.scaled_dot_product_attention(q_BhTd, k_BhTd, v_BhTd, bias_B11T)
    # On a CPU the backward pass of the fused kernel takes longer than all of this, and autocast
    # would turn the scores to float32 and back.
    with torch.autocast(q_BhTd.device.type, enabled=False):
        scores_BhTT = (q_BhTd * q_BhTd.shape[-1] ** -0.5) @ k_BhTd.transpose(-2, -1)
        return (scores_BhTT + bias_B11T.to(q_BhTd.dtype)).softmax(-1) @ v_BhTd


def key_bias(padding_BL: Tensor, split: int, dtype: torch.dtype) -> Tensor:
    """Return the bias of the keys, (B, 1, 1, T): -inf for padding, 0 elsewhere."""
    visible_BV = padding_BL.new_zeros(padding_BL.shape[0], split)
    hidden_BT = torch.cat([visible_BV, padding_BL], 1)
    bias_BT = torch.zeros_like(hidden_BT, dtype=dtype).masked_fill(hidden_BT, float("-inf"))
    return bias_BT[:, None, None]


def _apart(bias_B11T: Tensor, split: int) -> Tensor:
    """Hide the words from the picture and the picture from the words as well."""
    vision_T = torch.arange(bias_B11T.shape[-1], device=bias_B11T.device) < split
    other_TT = vision_T[:, None] != vision_T
    return bias_B11T.masked_fill(other_TT, float("-inf"))
