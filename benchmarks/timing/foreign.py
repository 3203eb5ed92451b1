"""Prepare the encoders of other libraries for comparison: copy our weights and compile them."""

import re
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn


def renamed(state: Mapping[str, Tensor], rules: Sequence[tuple[str, str]]) -> dict[str, Tensor]:
    """Return our weights under others' names; the rules apply in order to every name."""
    found = {}
    for name, weights in state.items():
        for pattern, replacement in rules:
            name = re.sub(pattern, replacement, name)
        found[name] = weights
    return found


def compiled(
    encoder: nn.Module, device: torch.device, dtype: torch.dtype
) -> tuple[nn.Module, str]:
    """Return an encoder compiled where that pays, and a note of it.

    What is only compared, in float32, is not compiled.
    """
    if device.type != "cuda" or dtype == torch.float32:
        return encoder, "SDPA"
    return torch.compile(encoder, mode="reduce-overhead"), "SDPA, compiled"
