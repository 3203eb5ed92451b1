"""Half precision written into a model's operations, for exporters that do not record autocast.

The rounding is that of PyTorch's autocast on GPUs: matrix products and convolutions take half
precision, norms, softmax and powers float32. A layer with float32 weights stays in float32.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from evf_sam_ros.engines.precision import rounded_twin
from evf_sam_ros.models.evf_sam import EvfSam
from evf_sam_ros.models.sam import Neck

_LAYERS = {"linear", "conv2d", "conv_transpose2d"}  # the second argument holds the weights
_PRODUCTS = {"matmul", "__matmul__", "bmm", "einsum", "scaled_dot_product_attention"}
_EXACT = {"layer_norm", "group_norm", "batch_norm", "softmax", "pow", "__pow__"}
_JOINS = {"cat", "stack"}  # the first argument is a list of tensors of one format


class HalfPrecision(TorchFunctionMode):
    """Cast what goes into every operation, as autocast does, by operations of their own."""

    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        self.dtype = dtype

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        given, named = self._cast(getattr(func, "__name__", ""), args), dict(kwargs or {})
        if "attn_mask" in named:
            named["attn_mask"] = _as(self.dtype, named["attn_mask"])
        return func(*given, **named)

    def _cast(self, name: str, args: Any) -> Any:
        if name in _LAYERS:
            return (_as(args[1].dtype, args[0]), *args[1:])
        if name in _PRODUCTS:
            return tuple(_as(self.dtype, each) for each in args)
        if name in _EXACT:
            return (_as(torch.float32, args[0]), *args[1:])
        if name in _JOINS:
            return (_of_one_format(args[0]), *args[1:])
        return args


def half_twin(model: EvfSam, dtype: torch.dtype) -> EvfSam:
    """Return a twin of a model with its weights rounded, for `HalfPrecision`.

    SAM's neck stays in float32, as everywhere in this package: its numbers exceed float16.
    """
    twin = rounded_twin(model, dtype)
    if dtype == torch.float32:
        return twin
    for module in twin.modules():
        if isinstance(module, Neck):
            module.float()
    return twin


def _as(dtype: torch.dtype, value: Any) -> Any:
    is_float = isinstance(value, Tensor) and value.is_floating_point()
    return value.to(dtype) if is_float else value


def _of_one_format(parts: Any) -> list[Any]:
    dtype = parts[0].dtype
    for part in parts[1:]:
        dtype = torch.promote_types(dtype, part.dtype)
    return [part.to(dtype) for part in parts]
