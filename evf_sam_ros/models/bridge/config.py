"""Sizes of a SAM-CLIP bridge; the defaults are those of the paper's."""

from dataclasses import dataclass, field
from typing import Literal, get_args

from evf_sam_ros.models.clip import ClipTower
from evf_sam_ros.models.compact import CompactConfig
from evf_sam_ros.models.sam import SamConfig

NORM_GROUPS = 32  # of channels, in the pixel decoder

# What the sparse prompt starts from: the sentence's [CLS] (equation 3), which is all that a robot
# has, or the name of the object's category, which somebody has to tell the model.
Sparse = Literal["sentence", "category"]


@dataclass(frozen=True, kw_only=True)
class BertConfig:
    """Sizes of a BERT; the defaults are those of bert-base-uncased."""

    width: int = 768
    depth: int = 12
    heads: int = 12
    feed_forward: int = 3072
    vocabulary: int = 30522
    positions: int = 512  # of which prompts use `max_tokens`
    dropout: float = 0.1


@dataclass(frozen=True, kw_only=True)
class PixelDecoderConfig:
    """Sizes of the deformable attention over the feature pyramid."""

    depth: int = 6
    heads: int = 8
    points: int = 4  # that each head looks at, on each level
    feed_forward: int = 1024


@dataclass(frozen=True, kw_only=True)
class BridgeEncoderConfig:
    """CLIP's picture half, BERT, and what fuses them."""

    vision: ClipTower
    image_size: tuple[int, int]  # (height, width), pixels; CLIP's own are squares
    patch: int = 14  # pixels
    joint_width: int = 768  # of the space that CLIP shares between pictures and words
    activation: str = "quick_gelu"
    stem: tuple[int, int, int] | None = None  # widths of a convolution trunk before the patches
    bert: BertConfig = field(default_factory=BertConfig)
    width: int = 256  # of everything that is fused, as SAM's prompts
    heads: int = 8  # of the sparse prompt's attention
    max_tokens: int = 35  # with [CLS], [SEP] and, where it is told one, the category
    pixel_decoder: PixelDecoderConfig = field(default_factory=PixelDecoderConfig)
    sparse: Sparse = "sentence"
    categories: tuple[str, ...] = ()  # names; the last one is "background"

    def __post_init__(self) -> None:
        if self.sparse not in get_args(Sparse):
            raise ValueError(f"sparse is {self.sparse!r}, need one of {get_args(Sparse)}")
        if self.sparse == "category" and not self.categories:
            raise ValueError("sparse is 'category', which needs the names of categories")
        if any(side % (2 * self.patch) for side in self.image_size):
            raise ValueError(
                f"image_size is {self.image_size}, need multiples of {2 * self.patch}: "
                "the pyramid halves the patches"
            )
        if self.width % NORM_GROUPS or self.width % self.heads:
            raise ValueError(
                f"width is {self.width}, need a multiple of {NORM_GROUPS} groups "
                f"and of {self.heads} heads"
            )

    @property
    def vocabulary(self) -> int:
        """Size of the token embedding: BERT's vocabulary and one token for each category."""
        return self.bert.vocabulary + (len(self.categories) if self.sparse == "category" else 0)


@dataclass(frozen=True, kw_only=True)
class QueryConfig:
    """Sizes of the module of object queries."""

    queries: int = 100
    depth: int = 3  # one per level of the pyramids
    heads: int = 8
    feed_forward: int = 1024


@dataclass(frozen=True, kw_only=True)
class BridgeSegmenterConfig:
    """A segmenter that takes a dense prompt, and the queries beside it."""

    promptable: SamConfig | CompactConfig
    queries: QueryConfig = field(default_factory=QueryConfig)
    joint_width: int = 768  # as the encoder's
    no_target: bool = True  # whether it may answer "there is none" (GRES)
