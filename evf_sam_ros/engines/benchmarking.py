"""Benchmark a model with each of its engines on this machine, and check their answers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from evf_sam_ros.engines.engine import (
    Engine,
    PlainEngine,
    engine_for,
    round_weights,
)
from evf_sam_ros.engines.exported.graph_engine import ExportedEngine
from evf_sam_ros.engines.exported.runtimes import is_installed
from evf_sam_ros.engines.gpu.side_by_side import SideBySide
from evf_sam_ros.engines.measure import (
    Ceilings,
    Run,
    Times,
    ceilings,
    in_turn,
    relative_error,
    work,
)
from evf_sam_ros.engines.measured import note_times
from evf_sam_ros.engines.proof import allowed
from evf_sam_ros.models.evf_sam import EvfSam
from evf_sam_ros.models.variants import EvfSamConfig, prompts_by_one_token

_WORDS = 8  # tokens of a prompt
_WARM_UP = 3  # runs: the second may record, the third replays


@dataclass(frozen=True)
class Bench:
    """Measurements of one image and its prompts, in seconds."""

    ceilings: Ceilings
    gflop: float
    weights_gbyte: float
    errors: dict[str, float]  # of the logits, by engine
    own_error: float  # of the model as it is written, in the precision asked for
    times: dict[str, Times]
    best: str | None  # engine; None: no engine gives the model's answers
    steps: dict[str, float]  # of the best engine, seconds of the best run
    left_out: dict[str, str]  # engine and why

    def floor(self) -> float:
        """Return the least that arithmetic and reading the weights once take, seconds."""
        return max(
            self.gflop / self.ceilings.gflop_per_s,
            self.weights_gbyte / self.ceilings.gbyte_per_s,
        )


@dataclass(frozen=True, kw_only=True)
class BenchOptions:
    """Options of a benchmark: a float32 model on its device, the engines and the prompts."""

    model: EvfSam
    config: EvfSamConfig
    device: torch.device
    precision: str
    dtype: torch.dtype  # what everything runs in
    engines: Sequence[str]
    prompts: int
    rounds: int
    source: Path | None = None  # the model's folder; the times are noted for it


def engines_of(device: torch.device) -> list[str]:
    """Return the engines that are worth a look on a device, without those that take minutes."""
    if device.type == "cuda":
        return ["plain", "torch", "graphs"]
    return ["plain", "torch", *filter(is_installed, ("openvino", "onnxruntime"))]


def bench(asked: BenchOptions) -> Bench:
    """Measure; engines that are not ready are made ready. The model's weights are rounded."""
    inputs = _inputs(asked.config, asked.device, asked.prompts)
    exact = _run(PlainEngine(asked.model), inputs, asked.device, torch.float32)
    with torch.inference_mode():
        truth = exact(0)
    engines, left_out = _engines(asked)
    if asked.dtype != torch.float32:  # as the predictor does, when its engine is made
        round_weights(asked.model, asked.dtype)
    runs = {
        name: _run(engine, inputs, asked.device, _own_dtype(engine, asked.dtype))
        for name, engine in engines.items()
    }
    times = in_turn(runs, asked.device, asked.rounds, warm_up=_WARM_UP)
    with torch.inference_mode():  # what was recorded meanwhile answers now
        errors = {name: relative_error(truth, run(0)) for name, run in runs.items()}
        rounded = _run(PlainEngine(asked.model), inputs, asked.device, asked.dtype)
        own_error = relative_error(truth, rounded(0))
    right = [name for name in times if errors[name] <= allowed(asked.precision, own_error)]
    best = min(right, key=lambda name: times[name].best(asked.device), default=None)
    if asked.source is not None and asked.device.type == "cpu":
        seconds = {name: times[name].best(asked.device) for name in right}
        note_times(asked.source, asked.precision, seconds)
    return Bench(
        ceilings=ceilings(asked.device, asked.dtype),
        gflop=sum(work(asked.config, asked.prompts, _WORDS).values()),
        weights_gbyte=_read_bytes(asked.model) / 1e9,
        errors=errors,
        own_error=own_error,
        times=times,
        best=best,
        steps={} if best is None else _steps(engines[best], inputs, asked),
        left_out=left_out,
    )


def _engines(asked: BenchOptions) -> tuple[dict[str, Engine], dict[str, str]]:
    """Return the engines that can be had, and why the others cannot."""
    made: dict[str, Engine] = {}
    left_out: dict[str, str] = {}
    for name in asked.engines:
        try:
            engine = _made(name, asked)
        except ValueError as reason:
            left_out[name] = str(reason)
            continue
        if engine.name == name:
            made[name] = engine
        else:
            left_out[name] = f"{engine.name} runs this model in its place"
    if not made:
        raise ValueError("; ".join(left_out.values()))
    return made, left_out


def _made(name: str, asked: BenchOptions) -> Engine:
    given = (asked.model, asked.config, asked.device, asked.precision)
    return engine_for(name, *given, source=asked.source)


def _read_bytes(model: EvfSam) -> int:
    """Count the weights that every image needs: of vocabularies only a few rows are read."""
    tables = {id(own.weight) for own in model.modules() if isinstance(own, nn.Embedding)}
    return sum(each.nbytes for each in model.parameters() if id(each) not in tables)


def _own_dtype(engine: Engine, dtype: torch.dtype) -> torch.dtype:
    return torch.float32 if isinstance(engine, ExportedEngine) else dtype  # it rounds by itself


def _steps(
    engine: Engine, inputs: tuple[torch.Tensor, ...], asked: BenchOptions
) -> dict[str, float]:
    images, *words = inputs
    device, dtype = asked.device, _own_dtype(engine, asked.dtype)
    with torch.inference_mode(), torch.autocast(device.type, dtype, enabled=_is_half(dtype)):
        features, prompts_1PC = engine.encode(images), engine.prompt(*words)
        runs: dict[str, Run] = {
            "the image": lambda _: engine.encode(images),
            "the words": lambda _: engine.prompt(*words),
            "the masks": lambda _: engine.decode(features, prompts_1PC),
        }
        times = in_turn(runs, device, asked.rounds)
    return {step: own.best(device) for step, own in times.items()}


def _is_half(dtype: torch.dtype) -> bool:
    return dtype != torch.float32


def _inputs(config: EvfSamConfig, device: torch.device, prompts: int) -> tuple[torch.Tensor, ...]:
    if not prompts_by_one_token(config):
        raise ValueError("bench measures EVF-SAM and its kin, no model with object queries")
    torch.manual_seed(0)
    images = torch.randn(1, 3, *config.image_input.size, device=device)
    fusions = torch.randn(1, 3, *config.fusion_input.size, device=device)
    tokens = torch.randint(3, config.encoder.vocabulary, (1, prompts, _WORDS), device=device)
    return images, fusions, tokens, torch.zeros_like(tokens, dtype=torch.bool)


def _run(
    engine: Engine, inputs: tuple[torch.Tensor, ...], device: torch.device, dtype: torch.dtype
) -> Callable[[int], torch.Tensor]:
    images, *words = inputs
    side_by_side = SideBySide(device)

    def run(_: int) -> torch.Tensor:
        with torch.autocast(device.type, dtype, enabled=_is_half(dtype)):
            encoders = side_by_side(lambda: engine.encode(images), lambda: engine.prompt(*words))
            return engine.decode(*encoders).logits

    return run
