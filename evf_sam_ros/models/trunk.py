"""A small residual convolution trunk, the image encoder of models without a pretrained backbone.

Shape suffixes: B batch, C channels, H W image size.
"""

from torch import Tensor, nn
from torch.nn import functional


class ConvTrunk(nn.Module):
    """Three stages of stride 2: features at 1/2, 1/4 and 1/8 of the image."""

    def __init__(self, widths: tuple[int, int, int]) -> None:
        super().__init__()
        half, quarter, eighth = widths
        self.to_half = _convolution(3, half, stride=2)
        self.to_quarter = nn.Sequential(_convolution(half, quarter, stride=2), _Residual(quarter))
        self.to_eighth = nn.Sequential(
            _convolution(quarter, eighth, stride=2), _Residual(eighth), _Residual(eighth)
        )

    def forward(self, images_B3HW: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the features at strides 2, 4 and 8."""
        half = self.to_half(images_B3HW)
        quarter = self.to_quarter(half)
        return half, quarter, self.to_eighth(quarter)


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = _convolution(width, width)
        self.second = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(width)
        nn.init.zeros_(self.norm.weight)  # each block starts as the identity

    def forward(self, features_BCHW: Tensor) -> Tensor:
        change_BCHW = self.norm(self.second(self.first(features_BCHW)))
        return functional.relu(features_BCHW + change_BCHW)


def _convolution(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )
