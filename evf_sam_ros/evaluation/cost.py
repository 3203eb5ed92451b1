"""Cost of a model: parameters and operations by component, time and memory."""

import resource
import sys
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from evf_sam_ros.models.variants import EvfSamConfig, build
from evf_sam_ros.perception.predictor import Predictor

SENTENCE_TOKENS = 8  # with begin and end
DECODING = "projector and mask decoder"  # of a bridge, its queries as well
LEAST_SHARE = 0.005  # of all parameters; smaller parts are not listed


def measure(predict: Predictor) -> dict[str, Any]:
    """Return parameters (millions), operations (billions) and peak memory (MB) by part."""
    return {
        "parameters_m": parameters(predict.config),
        "gflops": operations(predict.config),
        "memory_mb": peak_memory(predict.device),
    }


def parameters(config: EvfSamConfig) -> dict[str, float]:
    """Count millions of parameters: the model, its parts, and the parts of its segmenter."""
    with torch.device("meta"):
        model = build(config)
    counts = {"total": millions(model)}
    counts.update({name: millions(part) for name, part in model.named_children()})
    inner = model.segmenter.named_children()
    counts.update({f"segmenter.{name}": millions(part) for name, part in inner})
    return {name: n for name, n in counts.items() if n >= LEAST_SHARE * counts["total"]}


def operations(config: EvfSamConfig) -> dict[str, float]:
    """Count billions of operations (a multiply-add is two) of one picture and one sentence.

    Only what torch counts: products of matrices, convolutions and attention. Nothing is computed,
    so that the largest model takes seconds; empty for a model that looks at values on its way.
    """
    # Unlike those of the meta device, such tensors tell `transformers` not to look at values.
    # Of attention's kernels, torch counts only the one that is made of products.
    with FakeTensorMode(), torch.no_grad(), sdpa_kernel(SDPBackend.MATH):
        model = build(config).eval().requires_grad_(False)
        words = torch.zeros((1, 1, SENTENCE_TOKENS), dtype=torch.long)
        inputs = [
            torch.zeros(1, 3, *spec.size) for spec in (config.fusion_input, config.image_input)
        ]
        parts: dict[str, Callable[[], Any]] = {
            "encoder": lambda: model.encoder(inputs[0], words, words.bool()),
            "segmenter's image encoder": lambda: model.segmenter.encode(inputs[1]),
            "all": lambda: model(*inputs, words, words.bool()),
        }
        try:
            counted = {name: _operations(work) for name, work in parts.items()}
        except RuntimeError:  # DataDependentOutputException
            return {}
    rest = 2 * counted["all"] - sum(counted.values())
    return {**counted, DECODING: rest}


def _operations(work: Callable[[], Any]) -> float:
    with FlopCounterMode(display=False) as counter:
        work()
    return counter.get_total_flops() / 1e9


def peak_memory(device: torch.device) -> dict[str, float]:
    """Return the most memory this process held so far, and on its GPU, in MB of 10^6 bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    peak = {"process": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6}
    if device.type == "cuda":
        peak["gpu"] = torch.cuda.max_memory_allocated(device) / 1e6
    return peak


def millions(*modules: nn.Module) -> float:
    """Count parameters, in millions."""
    return sum(w.numel() for module in modules for w in module.parameters()) / 1e6
