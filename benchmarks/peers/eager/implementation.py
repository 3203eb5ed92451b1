"""Our models with attention written out, in float32: the reference's form on a CPU.

The published code multiplies queries by keys, takes the softmax and multiplies by the values. Our
models hand the three to PyTorch, which is faster; this is what P18 is a ratio to.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from evf_sam_ros.engines.engine import PlainEngine


def build(variant: str, model: Any, device: torch.device) -> dict[str, Callable[..., Any]]:
    """Return all three steps."""
    plain = PlainEngine(model)
    return {step: _eager(getattr(plain, step)) for step in ("encode", "prompt", "decode")}


def _eager(step: Callable[..., Any]) -> Callable[..., Any]:
    def run(*inputs: Any) -> Any:
        with _written_out():
            return step(*inputs)

    return run


@contextmanager
def _written_out() -> Iterator[None]:
    fused = functional.scaled_dot_product_attention
    functional.scaled_dot_product_attention = _attention
    try:
        yield
    finally:
        functional.scaled_dot_product_attention = fused


def _attention(
    queries: Tensor, keys: Tensor, values: Tensor, bias: Tensor | None = None
) -> Tensor:
    scores = (queries * queries.shape[-1] ** -0.5) @ keys.transpose(-2, -1)
    if bias is not None:
        scores = scores + bias
    return scores.softmax(-1) @ values
