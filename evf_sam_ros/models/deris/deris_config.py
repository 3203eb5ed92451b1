"""Sizes of a DeRIS; the defaults are those that both published sizes share."""

from dataclasses import dataclass, field

from evf_sam_ros.models.bridge.config import NORM_GROUPS, PixelDecoderConfig, QueryConfig

STAGES = 4  # of a Swin; their grids have strides 4, 8, 16 and 32


@dataclass(frozen=True, kw_only=True)
class SwinConfig:
    """Sizes of a Swin transformer."""

    width: int  # of the first stage; each next one has twice as much
    heads: tuple[int, ...]  # by stage
    window: int  # cells
    depths: tuple[int, ...] = (2, 2, 18, 2)  # blocks by stage
    patch: int = 4  # pixels
    feed_forward_ratio: int = 4

    def __post_init__(self) -> None:
        for name in ("heads", "depths"):
            if len(getattr(self, name)) != STAGES:
                raise ValueError(f"{name} are {getattr(self, name)}, need {STAGES}, one per stage")
        for width, heads in zip(self.widths, self.heads, strict=True):
            if width % heads:
                raise ValueError(f"width {width} is not a multiple of heads {heads}")
        if self.window < 1:
            raise ValueError(f"window is {self.window}, need at least 1 cell")

    @property
    def widths(self) -> tuple[int, ...]:
        """Width of each stage."""
        return tuple(self.width * 2**stage for stage in range(STAGES))


@dataclass(frozen=True, kw_only=True)
class ExistenceConfig:
    """Sizes of the head that tells whether there is a target at all."""

    depth: int = 3
    heads: int = 8
    feed_forward: int = 512


@dataclass(frozen=True, kw_only=True)
class DerisConfig:
    """Everything of a DeRIS but BEIT-3: picture encoder, pixel decoder, queries, answer."""

    swin: SwinConfig
    score_threshold: float  # a query whose score is above it belongs to the answer
    image_side: int = 384  # pixels
    width: int = 256  # of everything behind the encoders
    pixel_decoder: PixelDecoderConfig = field(default_factory=PixelDecoderConfig)
    queries: QueryConfig = field(
        default_factory=lambda: QueryConfig(queries=20, feed_forward=2048)
    )
    existence: ExistenceConfig = field(default_factory=ExistenceConfig)

    def __post_init__(self) -> None:
        stride = self.swin.patch * 2 ** (STAGES - 1)
        if self.image_side % stride:
            raise ValueError(f"image_side is {self.image_side}, need a multiple of {stride}")
        if self.width % NORM_GROUPS:
            raise ValueError(f"width is {self.width}, need a multiple of {NORM_GROUPS} groups")
        if not 0.0 < self.score_threshold < 1.0:
            raise ValueError(
                f"score_threshold is {self.score_threshold}, need a number between 0 and 1"
            )
