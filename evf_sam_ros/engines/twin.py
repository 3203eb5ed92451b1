"""A model's modules a second time, to be changed: its weights are shared, not copied."""

import copy
from typing import TypeVar

import torch
from torch import nn

from evf_sam_ros.engines.precision import rounded, rounded_modules

Module = TypeVar("Module", bound=nn.Module)


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
