"""DeRIS's pixel decoder: three mixed levels, and a finer grid that the masks are read from.

Shape suffixes: B images, C width, h w size of a grid.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional

from evf_sam_ros.models.bridge.config import NORM_GROUPS, PixelDecoderConfig
from evf_sam_ros.models.bridge.pixel_decoder import LevelMixer
from evf_sam_ros.models.deris.swin import Swin


@dataclass(frozen=True)
class PictureFeatures:
    """Everything that the queries read of a picture; it knows nothing of the words."""

    levels: list[Tensor]  # (B, C, h, w) each, the coarsest first
    mask_features_BChw: Tensor  # at a quarter of the image's size

    def repeated(self, times: int) -> "PictureFeatures":
        """Return each image's features so many times, one after the other."""
        if times == 1:
            return self
        return PictureFeatures(
            [level.repeat_interleave(times, 0) for level in self.levels],
            self.mask_features_BChw.repeat_interleave(times, 0),
        )


class Pixels(LevelMixer):
    """The three coarser grids are mixed; the finest one is added to their finest."""

    def __init__(self, inputs: Sequence[int], width: int, config: PixelDecoderConfig) -> None:
        finest, *coarser = inputs
        super().__init__(coarser[::-1], width, config)
        # Unlike in Mask2Former, with biases, and a ReLU behind the first as well.
        self.lateral = nn.Sequential(
            nn.Conv2d(finest, width, 1), nn.GroupNorm(NORM_GROUPS, width), nn.ReLU()
        )
        self.fine = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1), nn.GroupNorm(NORM_GROUPS, width), nn.ReLU()
        )
        self.dense = nn.Conv2d(width, width, 1)

    def forward(self, grids: Sequence[Tensor]) -> PictureFeatures:
        """Return what the queries read.

        Args:
            grids: of the picture encoder, the finest first.
        """
        finest, *coarser = grids
        levels = self.mix(coarser[::-1])
        lateral = self.lateral(finest)
        raised = functional.interpolate(
            levels[-1], lateral.shape[2:], mode="bilinear", align_corners=False
        )
        return PictureFeatures(levels, self.dense(self.fine(lateral + raised)))


class PictureEncoder(nn.Module):
    """A Swin and the pixel decoder behind it."""

    def __init__(self, swin: Swin, pixels: Pixels) -> None:
        super().__init__()
        self.swin = swin
        self.pixels = pixels

    def forward(self, images_B3HW: Tensor) -> PictureFeatures:
        return self.pixels(self.swin(images_B3HW))
