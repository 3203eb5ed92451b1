"""Specification of a model's input pictures; `perception.preprocess` makes them from images."""

from dataclasses import dataclass
from typing import Literal, get_args

# How a photograph of any size is brought to `ImageInput.size`:
#   pad      longest side to fit (PIL bilinear), then zeros to the right and below
#   stretch  both sides to fit, aspect ratio lost, antialiased (PIL bilinear)
#   sample   as stretch but without antialiasing (torch bilinear on uint8)
#   bicubic  as sample but bicubic, in float, not clamped
#   twice    longest side to fit (PIL bilinear), normalised, then as sample but in float
#   opencv   as sample, but by OpenCV, whose rounding differs by one grey level
Resize = Literal["pad", "stretch", "sample", "bicubic", "twice", "opencv"]


@dataclass(frozen=True, kw_only=True)
class ImageInput:
    """Size, resizing and normalisation of one of a model's image inputs."""

    size: tuple[int, int]  # (height, width), pixels
    resize: Resize
    mean: tuple[float, float, float]  # RGB, grey levels 0..255; subtracted first
    std: tuple[float, float, float]  # RGB, grey levels; divided by then

    def __post_init__(self) -> None:
        if self.resize not in get_args(Resize):
            raise ValueError(f"resize is {self.resize!r}, need one of {get_args(Resize)}")
        if len(self.size) != 2 or min(self.size) < 1:
            raise ValueError(f"size is {self.size}, need (height, width) of at least (1, 1)")
        if min(self.std) <= 0:
            raise ValueError(f"std is {self.std}, need three numbers above 0")


IMAGENET_MEAN = (123.675, 116.28, 103.53)
IMAGENET_STD = (58.395, 57.12, 57.375)
CLIP_MEAN = (122.771, 116.746, 104.094)
CLIP_STD = (68.501, 66.632, 70.323)
HALF = (127.5, 127.5, 127.5)


def sam_input(side: int = 1024) -> ImageInput:
    """Return what SAM takes: aspect ratio kept, the rest of the square is zero."""
    return ImageInput(size=(side, side), resize="pad", mean=IMAGENET_MEAN, std=IMAGENET_STD)


def sam_square_input(side: int = 1024) -> ImageInput:
    """Return SAM's input in the SAM-CLIP bridge: the whole picture, stretched to a square."""
    return ImageInput(size=(side, side), resize="stretch", mean=IMAGENET_MEAN, std=IMAGENET_STD)


def clip_input(side: int = 224) -> ImageInput:
    """Return what CLIP takes, of the whole photograph."""
    return ImageInput(size=(side, side), resize="bicubic", mean=CLIP_MEAN, std=CLIP_STD)


def efficient_sam_input(side: int = 1024) -> ImageInput:
    """Return what EfficientSAM takes when EVF-SAM answers a user.

    Its training and evaluation used "stretch" instead, which differs above `side` pixels.
    """
    return ImageInput(size=(side, side), resize="sample", mean=IMAGENET_MEAN, std=IMAGENET_STD)


def sam2_input(side: int = 1024) -> ImageInput:
    """Return what SAM-2 takes: what EfficientSAM does."""
    return efficient_sam_input(side)


def deris_input(side: int) -> ImageInput:
    """Return what either encoder of DeRIS takes; BEIT-3 gets ImageNet's values here as well."""
    return ImageInput(size=(side, side), resize="opencv", mean=IMAGENET_MEAN, std=IMAGENET_STD)


def beit3_input(size: tuple[int, int] = (224, 224)) -> ImageInput:
    """Return the BEIT-3 input of the released checkpoints, about -1 to 1."""
    return ImageInput(size=size, resize="bicubic", mean=HALF, std=HALF)
