"""Number formats by name, weights rounded to them, and copies of a model's modules.

A twin shares the weights of its model and may be changed, rounded or compiled.
"""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch
from torch import Tensor, nn

# What is computed in; int8 stores weights in 8 bits and computes in float32, by OpenVINO alone.
PRECISIONS = {
    "fp32": torch.float32,
    "bf16": torch.bfloat16,
    "fp16": torch.float16,
    "int8": torch.float32,
}
_ROUNDED = "evf_sam_ros_rounded"  # attribute of a parameter
Module = TypeVar("Module", bound=nn.Module)


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
    for module in rounded_modules(model):
        for weights in module.parameters(recurse=False):
            weights.data = rounded(weights, dtype)


def rounded_names(model: nn.Module) -> set[str]:
    """Return the names of the weights that autocast rounds."""
    rounded_ids = {id(own) for each in rounded_modules(model) for own in each.parameters(False)}
    return {name for name, weights in model.named_parameters() if id(weights) in rounded_ids}


def rounded_modules(model: nn.Module) -> list[nn.Module]:
    """Return the modules whose weights autocast rounds."""
    kinds = nn.Linear | nn.Conv2d | nn.ConvTranspose2d
    return [module for module in model.modules() if isinstance(module, kinds)]


def rounded(weights: nn.Parameter, dtype: torch.dtype) -> Tensor:
    """Return the weights in that format, in memory that all users of them share."""
    if weights.dtype == dtype:
        return weights.data
    known: Tensor | None = vars(weights).get(_ROUNDED)
    if known is None or known.dtype != dtype:
        known = weights.detach().to(dtype)
        setattr(weights, _ROUNDED, known)
    return known


def twin_of(model: Module) -> Module:
    """Return modules of their own with the very parameters and buffers of `model`."""
    weights = [*model.parameters(), *model.buffers()]
    return copy.deepcopy(model, {id(each): each for each in weights})


def rounded_twin(model: Module, dtype: torch.dtype) -> Module:
    """Return a twin with its weights as autocast rounds them.

    The model keeps its own until it is rounded itself; then they share those, too. So they stay
    where they are, as whatever is compiled or recorded needs them to.
    """
    twin = twin_of(model)
    if dtype == torch.float32:
        return twin
    for module in rounded_modules(twin):
        for name, weights in list(module.named_parameters(recurse=False)):
            setattr(module, name, nn.Parameter(rounded(weights, dtype), requires_grad=False))
    return twin
