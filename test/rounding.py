"""Bounds on the difference of two orders of one computation: a format's rounding, over a depth.

Processors sum in different orders and round at different places, so no test may compare with
the last digit that one machine gives.
"""

from math import sqrt
from typing import Any

import torch
from torch import nn

# The largest relative error of one rounding: half the distance of two neighbours.
UNIT = {torch.float32: 2**-24, torch.bfloat16: 2**-8, torch.float16: 2**-11}
_DEEP, _LONG = 100, 256  # layers behind each other, products in one sum: of the models in tests
WORST = 4  # standard deviations within which the worst of some ten thousand numbers lies


def expected_error(dtype: torch.dtype, layers: int = _DEEP, products: int = _LONG) -> float:
    """Return the relative error that so many layers in a format leave.

    A layer rounds what it reads, its weights and what it returns. Independent errors add as
    squares do: N layers leave sqrt(3 N) roundings. Half formats are summed in float32; in float32
    every product is one more rounding.
    """
    return UNIT[dtype] * sqrt(3 * layers * (products if dtype == torch.float32 else 1))


def error_of_format(model: nn.Module, dtype: torch.dtype) -> float:
    """Return the relative error that a format leaves in what a model computes."""
    layers = sum(isinstance(each, nn.Linear | nn.Conv2d | nn.ConvTranspose2d)
                 for each in model.modules())  # fmt: skip
    return expected_error(dtype, layers)


def assert_same(computed: Any, expected: Any) -> None:
    """Compare numbers that are one computation in float32, done in another order."""
    computed, expected = (torch.as_tensor(each).detach() for each in (computed, expected))
    size = max(1.0, float(expected.abs().max()))
    allowed = WORST * expected_error(torch.float32) * size
    torch.testing.assert_close(computed, expected, atol=allowed, rtol=0, check_dtype=False)
