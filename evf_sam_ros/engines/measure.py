"""Time a model's steps beside what the device can do, measured in the same process.

Where others use the machine too, CPU time is what to compare and wall time what to doubt: both are
kept. Things to compare run in turn, A B A B, so that a drift of the machine meets all of them.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

# Relative L2 error of logits. Whatever is not float8 in "fp8" is bf16: it has the gate of that.
GATES = {"fp32": 1e-4, "bf16": 2e-2, "fp16": 5e-3, "fp8": 2e-2}
_GEMM_SIDE = {"cpu": 1536, "cuda": 8192}
_COPY_BYTES = {"cpu": 2**28, "cuda": 2**33}
_CEILING_RUNS = 5


@dataclass(frozen=True)
class Ceilings:
    """What the device reaches at best."""

    gflop_per_s: float  # matrix product, in the precision measured; of a CPU: by one core
    gbyte_per_s: float  # copy, read and written bytes both counted; of a CPU: by one core


@dataclass(frozen=True)
class Times:
    """Seconds of every run of one thing."""

    wall: list[float]
    cpu: list[float]  # of all threads of this process

    def quantile(self, share: float) -> float:
        """Return the wall time that this share of the runs kept to."""
        return float(np.quantile(self.wall, share))

    def best(self, device: torch.device) -> float:
        """Return the least it took: CPU time on a CPU, which others cannot lengthen much."""
        return min(self.wall if device.type == "cuda" else self.cpu)


def ceilings(device: torch.device, dtype: torch.dtype) -> Ceilings:
    """Measure a large matrix product and a large copy, of random data."""
    side, count = _GEMM_SIDE[device.type], _COPY_BYTES[device.type]
    a, b = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    source = torch.randint(0, 255, (count,), dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    runs = {"gemm": lambda: a @ b, "copy": lambda: target.copy_(source)}
    times = in_turn(runs, device, _CEILING_RUNS)
    gemm, copy = (times[name].best(device) for name in runs)
    return Ceilings(2 * side**3 / gemm / 1e9, 2 * count / copy / 1e9)


def in_turn(
    runs: Mapping[str, Callable[[], object]], device: torch.device, rounds: int
) -> dict[str, Times]:
    """Time each of several things once per round, after a first round that does not count."""
    times = {name: Times([], []) for name in runs}
    with torch.inference_mode():
        for number in range(rounds + 1):
            for name, run in runs.items():
                wall, cpu = _timed(run, device)
                if number:
                    times[name].wall.append(wall)
                    times[name].cpu.append(cpu)
    return times


def _timed(run: Callable[[], object], device: torch.device) -> tuple[float, float]:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    wall, cpu = time.perf_counter(), time.process_time()
    run()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - wall, time.process_time() - cpu


def gflop(run: Callable[[], object]) -> float:
    """Count the matrix products and convolutions of one run, in GFLOP."""
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        run()
    return counter.get_total_flops() / 1e9


def relative_error(expected: torch.Tensor, computed: torch.Tensor) -> float:
    """Return ||expected - computed|| / ||expected||."""
    expected, computed = expected.double().cpu(), computed.double().cpu()
    return float((expected - computed).norm() / expected.norm())
