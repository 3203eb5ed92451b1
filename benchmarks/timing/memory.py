"""Measure the GPU memory of a deployed model in a process that loads nothing else."""

import gc
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import nn

from benchmarks.timing.contender import ours
from benchmarks.timing.inputs import Inputs
from benchmarks.timing.participants import Setting
from evf_sam_ros.engines.engine import round_weights
from evf_sam_ros.models.variants import build

_FRAMES = 4  # per number of prompts: the first compile and record
_PICTURES = 2


@dataclass(frozen=True)
class Peak:
    """Largest amount of GPU memory that torch had reserved, GB (1e9 bytes)."""

    variant: str
    precision: str
    engine: str
    weights_gb: float  # as they are used
    loading_gb: float  # until the weights were in that form
    answering_gb: float  # the first images, compilation and recordings included


def peaks(setting: Setting) -> Iterator[Peak]:
    """Load a model of random weights for every engine, and ask it about a few images."""
    for engine in setting.engines:
        if engine != "plain":
            found = setting.tried(engine, lambda engine=engine: _peak(setting, engine))
            if found is not None:
                yield found
    _begin(setting.device)


def _peak(setting: Setting, engine: str) -> Peak:
    device, config, precision = setting.device, setting.config, setting.precision
    _begin(device)
    with device:
        model = build(config).requires_grad_(False)
    runs = setting.deployed(engine, setting.engine(engine, model))
    if precision != "fp32":
        round_weights(model, setting.dtype)
    loading = torch.cuda.max_memory_reserved(device)
    _begin(device)
    with torch.inference_mode():
        inputs = Inputs(config, device, _PICTURES)
        contender = ours(engine, runs, config, inputs, device)
        for count in setting.prompts:
            for frame in range(_FRAMES):
                contender.steps["frame"](frame, count)
    answering = torch.cuda.max_memory_reserved(device)
    sizes = [each / 1e9 for each in (_bytes(model), loading, answering)]
    return Peak(setting.variant, precision, engine, *sizes)


def _begin(device: torch.device) -> None:
    torch.compiler.reset()  # compiled code keeps what it was compiled for
    gc.collect()
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats(device)


def _bytes(model: nn.Module) -> int:
    return sum(each.nbytes for each in (*model.parameters(), *model.buffers()))
