"""Time and operation count of a model's steps beside the limits measured for the device.

Where others use the machine too, CPU time is what to compare and wall time what to doubt: both are
kept. Things to compare run in turn, A B A B, so that a drift of the machine meets all of them.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from evf_sam_ros.engines.lean import LeanModel
from evf_sam_ros.models.variants import EvfSamConfig, build

Key = TypeVar("Key")
Run = Callable[[int], object]  # takes the number of the frame, so that inputs can differ

# Relative L2 error of logits. 8 bits per channel are five times as coarse as bf16: a step of 1/255
# of a range of about eight standard deviations, against 2^-8 of each weight.
GATES = {"fp32": 1e-4, "bf16": 2e-2, "fp16": 5e-3, "int8": 1e-1}
_GEMM_SIDE = {"cpu": 1536, "cuda": 8192}
_COPY_BYTES = {"cpu": 2**28, "cuda": 2**33}
_COPY_SHARE = 0.25  # of the memory that is free: there are two copies, and smaller GPUs
_CEILING_RUNS = {"cpu": 5, "cuda": 20}


@dataclass(frozen=True)
class Ceilings:
    """Measured limits of the device."""

    gflop_per_s: float  # matrix product, in the precision measured; of a CPU: by one core
    gbyte_per_s: float  # copy, read and written bytes both counted; of a CPU: by one core


@dataclass(frozen=True)
class Times:
    """Seconds of every run of one thing, round after round."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)  # of all threads of this process
    events: list[float] = field(default_factory=list)  # between two events of a GPU; else empty
    frames: int = 1  # runs per round

    def quantile(self, share: float) -> float:
        """Return the wall time that this share of the runs kept to."""
        return float(np.quantile(self.wall, share))

    def best(self, device: torch.device) -> float:
        """Return the least it took: CPU time on a CPU, which others cannot lengthen much."""
        return min(self._that_counts(device))

    def rounds(self, device: torch.device) -> list[float]:
        """Return the median of every round: wall time on a GPU, CPU time on a CPU."""
        runs = np.reshape(self._that_counts(device), (-1, self.frames))
        return [float(median) for median in np.median(runs, 1)]

    def _that_counts(self, device: torch.device) -> list[float]:
        return self.wall if is_gpu(device) else self.cpu


def is_gpu(device: torch.device) -> bool:
    """Tell whether programs run beside this device, which is then to be waited for."""
    return device.type == "cuda"


def ceilings(device: torch.device, dtype: torch.dtype) -> Ceilings:
    """Measure a large matrix product and a large copy, of random data."""
    side, count = _GEMM_SIDE[device.type], _copied_bytes(device)
    a, b = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    source = torch.rand(count // 8, dtype=torch.float64, device=device)
    target = torch.empty_like(source)
    runs: dict[str, Run] = {"gemm": lambda _: a @ b, "copy": lambda _: target.copy_(source)}
    times = in_turn(runs, device, _CEILING_RUNS[device.type])
    gemm, copy = (min(own.events or own.cpu) for own in times.values())
    return Ceilings(2 * side**3 / gemm / 1e9, 2 * source.nbytes / copy / 1e9)


def _copied_bytes(device: torch.device) -> int:
    wanted = _COPY_BYTES[device.type]
    if not is_gpu(device):
        return wanted
    free, _ = torch.cuda.mem_get_info(device)
    return min(wanted, int(_COPY_SHARE * free))


def in_turn(
    runs: Mapping[Key, Run],
    device: torch.device,
    rounds: int,
    *,
    frames: int = 1,
    warm_up: int = 1,
) -> dict[Key, Times]:
    """Time each of several things in every round, after runs that do not count.

    Args:
        frames: runs of each thing per round, one right after the other; they are numbered on.
        warm_up: runs of each thing before the first round.
    """
    times = {key: Times(frames=frames) for key in runs}
    with torch.inference_mode():
        for run in runs.values():
            for frame in range(warm_up):
                run(frame)
        for number in range(rounds):
            for key, run in runs.items():
                for frame in range(number * frames, (number + 1) * frames):
                    _note(times[key], run, frame, device)
    return times


def _note(times: Times, run: Run, frame: int, device: torch.device) -> None:
    events = None
    if is_gpu(device):
        events = [torch.cuda.Event(enable_timing=True) for _ in range(2)]
        torch.cuda.synchronize(device)
    wall, cpu = time.perf_counter(), time.process_time()
    if events:
        events[0].record()
    run(frame)
    if events:
        events[1].record()
        torch.cuda.synchronize(device)
        times.events.append(events[0].elapsed_time(events[1]) / 1e3)
    times.wall.append(time.perf_counter() - wall)
    times.cpu.append(time.process_time() - cpu)


def gflop(run: Callable[[], object]) -> float:
    """Count the matrix products and convolutions of one run, attention's too, in GFLOP."""
    with (
        FlopCounterMode(display=False) as counter,
        torch.inference_mode(),
        sdpa_kernel(SDPBackend.MATH),  # fused kernels of CPUs are not counted
    ):
        run()
    return counter.get_total_flops() / 1e9


def relative_error(expected: torch.Tensor, computed: torch.Tensor) -> float:
    """Return ||expected - computed|| / ||expected||."""
    expected, computed = expected.double().cpu(), computed.double().cpu()
    return float((expected - computed).norm() / expected.norm())


def work(config: EvfSamConfig, prompts: int, words: int) -> dict[str, float]:
    """Return the GFLOP of every step for one image: the least that is known to give its answers.

    Args:
        prompts: about the image.
        words: tokens of each prompt.
    """
    with torch.device("meta"):  # sizes without numbers
        engine = LeanModel(build(config).requires_grad_(False), "bias").eval()
        image = torch.empty(1, 3, *config.image_input.size)
        fusion = torch.empty(1, 3, *config.fusion_input.size)
        tokens = torch.empty(1, prompts, words, dtype=torch.long)
    padding = torch.zeros_like(tokens, dtype=torch.bool)
    with torch.inference_mode():
        features, prompt = engine.encode(image), engine.prompt(fusion, tokens, padding)
    return {
        "encode": gflop(lambda: engine.encode(image)),
        "prompt": gflop(lambda: engine.prompt(fusion, tokens, padding)),
        "decode": gflop(lambda: engine.decode(features, prompt)),
    }
