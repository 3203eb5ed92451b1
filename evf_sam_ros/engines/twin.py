"""A model's modules a second time, to be changed: its weights are shared, not copied."""

import copy
from typing import TypeVar

from torch import nn

Module = TypeVar("Module", bound=nn.Module)


def twin_of(model: Module) -> Module:
    """Return modules of their own with the very parameters and buffers of `model`."""
    weights = [*model.parameters(), *model.buffers()]
    return copy.deepcopy(model, {id(each): each for each in weights})
