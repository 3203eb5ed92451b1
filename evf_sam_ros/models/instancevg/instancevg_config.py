"""Sizes of an InstanceVG; the defaults are those of the published gRefCOCO model."""

from dataclasses import dataclass

LEVELS = 4  # of the pyramid: 4 and 2 times as fine as the patches, as fine, half as fine


@dataclass(frozen=True, kw_only=True)
class InstanceVgConfig:
    """Everything of an InstanceVG but BEIT-3: pyramid, queries, decoder, answer."""

    score_threshold: float = 0.7  # a query whose score is above it belongs to the answer
    width: int = 256  # of everything behind BEIT-3
    candidates: int = 10  # queries; the most objects of an answer
    heads: int = 8
    reader_feed_forward: int = 512  # where tokens read the picture
    depth: int = 3  # layers of the decoder
    points: int = 4  # that each head of the decoder looks at, on each level
    feed_forward: int = 1024

    def __post_init__(self) -> None:
        if self.width % 4 or self.width % self.heads:
            raise ValueError(
                f"width is {self.width}, need a multiple of 4 and of {self.heads} heads"
            )
        for name in ("candidates", "depth", "points"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}, need at least 1")
        if not 0.0 < self.score_threshold < 1.0:
            raise ValueError(
                f"score_threshold is {self.score_threshold}, need a number between 0 and 1"
            )
