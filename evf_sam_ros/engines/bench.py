"""A model's rate on this machine by every engine that it has, and what limits the best one."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from evf_sam_ros.engines.engine import Engine, PlainEngine, engine_for, is_installed
from evf_sam_ros.engines.float8 import float8_twin
from evf_sam_ros.engines.measure import (
    GATES,
    Ceilings,
    Times,
    ceilings,
    gflop,
    in_turn,
    relative_error,
)
from evf_sam_ros.engines.side_by_side import SideBySide
from evf_sam_ros.models.evf_sam import EvfSam
from evf_sam_ros.models.variants import EvfSamConfig

_WORDS = 8  # tokens of a prompt
_NEAR = 0.5  # of what the device can do: more is not to be had by another program


@dataclass(frozen=True)
class Bench:
    """What was measured of one image and its prompts, in seconds."""

    ceilings: Ceilings
    gflop: float
    weights_gbyte: float
    errors: dict[str, float]  # of the logits, by engine
    times: dict[str, Times]
    best: str | None  # engine; None: no engine gives the model's answers
    steps: dict[str, float]  # of the best engine, seconds of the best run

    def floor(self) -> float:
        """Return the least that arithmetic and reading the weights once take, seconds."""
        return max(
            self.gflop / self.ceilings.gflop_per_s,
            self.weights_gbyte / self.ceilings.gbyte_per_s,
        )


def bench(
    model: EvfSam,
    config: EvfSamConfig,
    device: torch.device,
    precision: str,
    dtype: torch.dtype,
    prompts: int,
    rounds: int,
) -> Bench:
    """Measure a float32 model on its device; engines that are not ready are made ready."""
    inputs = _inputs(config, device, prompts)
    names = ["plain", "torch", *(["openvino"] if _has_openvino(device) else [])]
    names += ["graphs"] if device.type == "cuda" else []
    runs_it = float8_twin(model) if precision == "fp8" else model
    made = {name: engine_for(name, runs_it, config, device, precision) for name in names}
    engines = {name: engine for name, engine in made.items() if engine.name == name}
    runs = {
        name: _run(engine, inputs, device, dtype if name != "openvino" else torch.float32)
        for name, engine in engines.items()
    }
    exact = _run(PlainEngine(model), inputs, device, torch.float32)
    with torch.inference_mode():
        truth = exact()
        errors = {name: relative_error(truth, run()) for name, run in runs.items()}
    size = torch.finfo(dtype).bits / 8
    times = in_turn(runs, device, rounds)
    right = [name for name in times if errors[name] <= GATES[precision]]
    best = min(right, key=lambda name: times[name].best(device), default=None)
    return Bench(
        ceilings=ceilings(device, dtype),
        gflop=gflop(exact),
        weights_gbyte=sum(weights.numel() for weights in model.parameters()) * size / 1e9,
        errors=errors,
        times=times,
        best=best,
        steps={} if best is None else _steps(engines[best], inputs, device, dtype, rounds),
    )


def _steps(
    engine: Engine,
    inputs: tuple[torch.Tensor, ...],
    device: torch.device,
    dtype: torch.dtype,
    rounds: int,
) -> dict[str, float]:
    images, *words = inputs
    enabled = dtype != torch.float32 and engine.name != "openvino"
    with torch.inference_mode(), torch.autocast(device.type, dtype, enabled=enabled):
        features, prompts_1PC = engine.encode(images), engine.prompt(*words)
        runs: dict[str, Callable[[], object]] = {
            "the image": lambda: engine.encode(images),
            "the words": lambda: engine.prompt(*words),
            "the masks": lambda: engine.decode(features, prompts_1PC),
        }
        times = in_turn(runs, device, rounds)
    return {step: own.best(device) for step, own in times.items()}


def _has_openvino(device: torch.device) -> bool:
    return device.type == "cpu" and is_installed()


def _inputs(config: EvfSamConfig, device: torch.device, prompts: int) -> tuple[torch.Tensor, ...]:
    torch.manual_seed(0)
    images = torch.randn(1, 3, *config.image_input.size, device=device)
    fusions = torch.randn(1, 3, *config.fusion_input.size, device=device)
    tokens = torch.randint(3, config.encoder.vocabulary, (1, prompts, _WORDS), device=device)
    return images, fusions, tokens, torch.zeros_like(tokens, dtype=torch.bool)


def _run(
    engine: Engine, inputs: tuple[torch.Tensor, ...], device: torch.device, dtype: torch.dtype
) -> Callable[[], torch.Tensor]:
    images, *words = inputs
    side_by_side = SideBySide(device)

    def run() -> torch.Tensor:
        with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
            encoders = side_by_side(lambda: engine.encode(images), lambda: engine.prompt(*words))
            return engine.decode(*encoders).logits

    return run


def report(found: Bench, device: torch.device, precision: str) -> list[str]:
    """Say it in lines: a table, and what limits the best engine."""
    peak = found.ceilings
    cores = "" if device.type == "cuda" else " by one core"
    lines = [
        f"this machine{cores}, {precision}: matrix product {peak.gflop_per_s:.0f} GFLOP/s, "
        f"copy {peak.gbyte_per_s:.1f} GB/s",
        f"this model: {found.gflop:.1f} GFLOP and {found.weights_gbyte:.2f} GB of weights per "
        f"image: at least {1e3 * found.floor():.1f} ms{cores}",
        "",
        f"{'engine':10}{'ms, median':>12}{'p90':>9}{'images/s':>10}{'CPU ms':>9}{'error':>9}",
    ]
    lines += [_line(name, found, precision) for name in found.times]
    return [*lines, "", *_limit(found, device)]


def _line(name: str, found: Bench, precision: str) -> str:
    times, error = found.times[name], found.errors[name]
    if error > GATES[precision]:
        return f"{name:10}  its answers differ by {error:.0e}: no figure"
    median, p90 = times.quantile(0.5), times.quantile(0.9)
    return (
        f"{name:10}{1e3 * median:12.1f}{1e3 * p90:9.1f}{1 / median:10.1f}"
        f"{1e3 * min(times.cpu):9.1f}{error:9.0e}"
    )


def _limit(found: Bench, device: torch.device) -> list[str]:
    if found.best is None:
        return ["no engine gives the model's answers in this precision: try another"]
    times = found.times[found.best]
    share = found.floor() / times.best(device)
    total = sum(found.steps.values())
    parts = ", ".join(f"{step} {spent / total:.0%}" for step, spent in found.steps.items())
    lines = [
        f"best: {found.best}, at {share:.0%} of what arithmetic and weights allow",
        f"its time: {parts}; another prompt about the same image costs the last two again",
    ]
    if share >= _NEAR:
        lines.append(
            "limited by the device: a faster one, half precision or a smaller model helps"
        )
    elif device.type == "cuda":
        lines.append("limited by starting kernels and small steps, not by arithmetic")
    else:
        lines.append("limited by small and memory-bound steps, not by large matrix products")
    busy = min(times.cpu) / min(times.wall)
    if device.type == "cpu" and busy < 0.7:
        lines.append(
            f"the machine gave it {busy:.0%} of a core meanwhile: other programs use it, so trust "
            "CPU ms more than ms"
        )
    if device.type == "cpu" and not is_installed():
        lines.append("OpenVINO is often faster: pip install 'evf_sam_ros[openvino]'")
    return lines


def as_json(found: Bench, **described: Any) -> dict[str, Any]:
    """Return all figures for a file."""
    return {
        **described,
        "gflop_per_s": found.ceilings.gflop_per_s,
        "gbyte_per_s": found.ceilings.gbyte_per_s,
        "gflop": found.gflop,
        "weights_gbyte": found.weights_gbyte,
        "floor_s": found.floor(),
        "best": found.best,
        "steps_s": found.steps,
        "engines": {
            name: {"error": found.errors[name], "wall_s": times.wall, "cpu_s": times.cpu}
            for name, times in found.times.items()
        },
    }
