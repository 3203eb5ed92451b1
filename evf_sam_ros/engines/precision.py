"""Number formats by the names that users give them."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
AUTOCAST = PRECISIONS | {"fp8": torch.bfloat16}  # what everything runs in that is not float8


def autocast_dtype(device: torch.device) -> torch.dtype | None:
    """Return what autocast makes of float32 on this device now; None: nothing."""
    kind = device.type
    if not torch.amp.is_autocast_available(kind) or not torch.is_autocast_enabled(kind):
        return None
    return torch.get_autocast_dtype(kind)


@contextmanager
def uncached_autocast(device: torch.device) -> Iterator[None]:
    """Keep autocast, as it is, from keeping rounded weights: a recording would outlive them."""
    dtype = autocast_dtype(device)
    if dtype is None:
        yield
        return
    with torch.autocast(device.type, dtype, cache_enabled=False):
        yield


def round_weights(model: nn.Module, dtype: torch.dtype) -> None:
    """Store weights in the format that autocast rounds them to at every use.

    The answers do not change by a bit: only what autocast would convert is. It saves half the
    memory, and the conversion of every weight for every image.
    """
    for module in model.modules():
        if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            module.to(dtype)
