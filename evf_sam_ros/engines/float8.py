"""Linear layers in 8 bits: twice the arithmetic of half precision, on GPUs that have it.

Weights and what meets them are rounded to float8 (e4m3: 3 bits of mantissa), each row with a scale
of its own, measured at every use; sums and everything else are bfloat16. One product so rounded is
3.5 % off: a model runs so only after it gave its own answers, see `proof`.

Shape suffixes: N rows, K inputs, O outputs of a layer.
"""

import logging

import torch
from torch import Tensor, nn

from evf_sam_ros.engines.lean import LeanModel
from evf_sam_ros.engines.proof import disagreement
from evf_sam_ros.engines.twin import twin_of
from evf_sam_ros.models.evf_sam import EvfSam
from evf_sam_ros.models.variants import EvfSamConfig

FLOAT8 = torch.float8_e4m3fn
LEAST_CAPABILITY = (8, 9)  # of a CUDA device
_LARGEST = torch.finfo(FLOAT8).max
_SMALLEST_SCALE = 1e-12  # of a row of zeros
_MULTIPLE = 16  # kernels want sides that are one

_log = logging.getLogger(__name__)


def in_float8(values_NK: Tensor) -> tuple[Tensor, Tensor]:
    """Return float8 values (N, K), and the scales (N, 1) by which they are to be multiplied."""
    scales_N1 = values_NK.abs().amax(-1, keepdim=True).float() / _LARGEST
    scales_N1 = scales_N1.clamp(min=_SMALLEST_SCALE)
    rounded_NK = (values_NK / scales_N1).clamp(-_LARGEST, _LARGEST).to(FLOAT8)
    return rounded_NK.contiguous(), scales_N1  # kernels take rows, whatever the values lay in


class Float8Linear(nn.Module):
    """A linear layer; returns bfloat16, as one under autocast does."""

    weight_OK: Tensor
    scales_O1: Tensor
    bias: Tensor | None  # bfloat16

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        bias = None if linear.bias is None else linear.bias.detach().to(torch.bfloat16)
        self.register_buffer("bias", bias, persistent=False)
        weight_OK, scales_O1 = in_float8(linear.weight.detach())
        self.register_buffer("weight_OK", weight_OK, persistent=False)
        self.register_buffer("scales_O1", scales_O1, persistent=False)

    def forward(self, values: Tensor) -> Tensor:
        rows_NK, scales_N1 = in_float8(values.flatten(0, -2))
        product_NO = torch._scaled_mm(
            rows_NK,
            self.weight_OK.T,
            scale_a=scales_N1,
            scale_b=self.scales_O1.T,
            bias=self.bias,
            out_dtype=torch.bfloat16,
            use_fast_accum=True,  # of Hopper: half the time; `proof` judges the sums as well
        )
        return product_NO.unflatten(0, values.shape[:-1])


def float8_twin(model: EvfSam) -> EvfSam:
    """Return a model whose encoders have linear layers in float8; it shares all other weights."""
    twin = twin_of(model)
    for encoder in (twin.encoder, getattr(twin.segmenter, "image_encoder", None)):
        if encoder is not None:
            _convert(encoder)
    return twin


def proven_twin(model: EvfSam, config: EvfSamConfig) -> EvfSam | None:
    """Return the `float8_twin` of a float32 model; None where it does not give its answers."""
    twin = float8_twin(model)
    engine = LeanModel(twin, "queries").eval()
    try:
        found = disagreement(model, config, engine, "fp8", torch.bfloat16)
    except RuntimeError as refusal:
        _log.warning("float8 does not run here, bf16 does: %s", refusal)
        return None
    if found.agrees("fp8"):
        return twin
    _log.warning(
        "float8 does not run this model: its answers differ by %.0e; bf16 runs it", found.error
    )
    return None


def _convert(encoder: nn.Module) -> None:
    for module in list(encoder.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.Linear) and _fits(child):
                setattr(module, name, Float8Linear(child))


def _fits(linear: nn.Linear) -> bool:
    return linear.in_features % _MULTIPLE == linear.out_features % _MULTIPLE == 0
