"""Participants of a benchmark: engines and implementations of one model, each proved first."""

import copy
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn

from benchmarks.timing.contender import Contender, Reduced, ours
from benchmarks.timing.counters import Counters
from benchmarks.timing.inputs import Inputs
from benchmarks.timing.peer import peer
from benchmarks.timing.proof import Proof
from evf_sam_ros.engines.engine import Engine, PlainEngine, engine_for, is_exact, round_weights
from evf_sam_ros.engines.measure import GATES, is_gpu
from evf_sam_ros.engines.proof import allowed
from evf_sam_ros.models.evf_sam import EvfSam
from evf_sam_ros.models.variants import EvfSamConfig, build
from evf_sam_ros.perception.device import PRECISIONS

_TABLE_STD = 0.02  # of tables of positions, which are zero at birth
_READY_RUNS = 3  # of every step: the first may compile, the second record
# An implementation is proved in float32; in half precision it may round as it likes, if sanely.
_SANE = 0.1
Made = TypeVar("Made")


@dataclass(frozen=True)
class Failure:
    """A measurement that was not possible, and the reason."""

    variant: str
    precision: str
    engine: str
    reason: str


@dataclass(frozen=True)
class Setting:
    """A variant in one precision on one device, and who is wanted."""

    variant: str
    precision: str
    config: EvfSamConfig
    device: torch.device
    engines: list[str]
    against: list[Path]
    prompts: list[int]
    counters: Counters
    failures: list[Failure] = field(default_factory=list)

    @property
    def dtype(self) -> torch.dtype:
        """Return what everything runs in ."""
        return PRECISIONS[self.precision]

    @property
    def peers_dtype(self) -> torch.dtype:
        """Return what other implementations run in: on a CPU float32, as the reference does."""
        return self.dtype if is_gpu(self.device) else torch.float32

    def engine(self, name: str, model: EvfSam) -> Engine:
        """Return what runs a model, by its name; raise ValueError where another one would."""
        engine = engine_for(name, model, self.config, self.device, self.precision)
        if engine.name != name:
            raise ValueError(f"{engine.name} runs this model in its place")
        return engine

    def deployed(self, name: str, engine: Any) -> Any:
        """Return an engine as the predictor runs it: some round by themselves."""
        if self.precision == "fp32" or is_exact(engine, self.device):
            return engine
        return Reduced(engine, self.device, self.dtype)

    def tried(self, name: str, make: Callable[[], Made]) -> Made | None:
        """Return what is made; None, and a note of the reason, where that fails."""
        try:
            return make()
        except Exception as error:  # the others are still worth their figures
            if not isinstance(error, ValueError):  # those say what is to be done
                traceback.print_exc()
            reason = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
            self.failures.append(Failure(self.variant, self.precision, name, reason))
            return None


@dataclass(frozen=True)
class Participant:
    """A contender, and how far from the model's its answers are."""

    contender: Contender
    errors: dict[tuple[str, int], float]  # by step and number of prompts
    gate: float

    def passes(self, step: str, prompts: int) -> bool:
        """Tell whether a time of this step counts; not a number does not."""
        return self.errors[step, prompts] <= self.gate


def participants(setting: Setting) -> list[Participant]:
    """Return everybody who answers without failing."""
    torch.manual_seed(0)
    with setting.device:
        model = build(setting.config).requires_grad_(False)
    _fill(model)
    with torch.inference_mode():  # as the predictor makes them: compilers tell the difference
        inputs = Inputs(setting.config, setting.device)
    proof = Proof(model, setting.config, inputs, setting.prompts)
    others = list(_peers(setting, model, inputs, proof))
    engines = dict(_engines(setting, model))
    if setting.precision != "fp32":  # as the predictor does, when its engine is made
        round_weights(model, setting.dtype)
    return [*_ours(setting, model, engines, inputs, proof), *others]


def _fill(model: nn.Module) -> None:
    """Draw the tables that are zero at birth, or nobody would notice one that is not read."""
    for weights in model.parameters():
        if weights.dim() > 1 and not weights.any():
            nn.init.normal_(weights, std=_TABLE_STD)


def _engines(setting: Setting, model: EvfSam) -> Iterator[tuple[str, Engine]]:
    for name in setting.engines:
        engine = setting.tried(name, lambda name=name: setting.engine(name, model))
        if engine is not None:
            yield name, engine


def _ours(
    setting: Setting, model: EvfSam, engines: dict[str, Engine], inputs: Inputs, proof: Proof
) -> Iterator[Participant]:
    gate = allowed(setting.precision, _own_error(setting, model, inputs, proof))
    for name, engine in engines.items():
        runs = setting.deployed(name, engine)
        contender = ours(name, runs, setting.config, inputs, setting.device)
        before = setting.counters.total()
        errors = setting.tried(name, lambda own=contender: _errors(setting, own, proof))
        if late := setting.counters.total() - before:
            note = f"compiled or recorded {late} times by the first questions"
            contender = replace(contender, note=note)
        if errors is not None:
            yield Participant(contender, errors, gate)


def _own_error(setting: Setting, model: EvfSam, inputs: Inputs, proof: Proof) -> float:
    """Return the error of the model as it is written, in the precision asked for."""
    if setting.precision == "fp32":
        return 0.0
    runs = setting.deployed("plain", PlainEngine(model))
    contender = ours("plain", runs, setting.config, inputs, setting.device)
    return max(_errors(setting, contender, proof).values())


def _peers(setting: Setting, model: EvfSam, inputs: Inputs, proof: Proof) -> Iterator[Participant]:
    for folder in setting.against:
        found = setting.tried(
            folder.name, lambda f=folder: _peer(setting, f, model, inputs, proof)
        )
        if found is not None:
            yield found


def _peer(
    setting: Setting, folder: Path, model: EvfSam, inputs: Inputs, proof: Proof
) -> Participant:
    if setting.peers_dtype != setting.dtype:  # the model's own weights will be rounded
        model = copy.deepcopy(model)
    given = (folder, model, setting.config, inputs, setting.device)
    exact = peer(*given, torch.float32)
    errors = _errors(setting, exact, proof)
    if setting.peers_dtype == torch.float32:
        return Participant(exact, errors, GATES["fp32"])
    del exact  # its weights
    contender = peer(*given, setting.peers_dtype)
    rounded = max(_errors(setting, contender, proof).values())
    if not rounded <= _SANE:
        raise ValueError(f"its answers differ by {rounded:.0e} in {setting.precision}")
    note = f"{contender.note}; error in {setting.precision} {rounded:.0e}".lstrip("; ")
    return Participant(replace(contender, note=note), errors, GATES["fp32"])


def _errors(setting: Setting, contender: Contender, proof: Proof) -> dict[tuple[str, int], float]:
    """Make a contender ready for all that it will be asked, and compare it then."""
    if is_gpu(setting.device):
        with torch.inference_mode():
            for run, count in product(contender.steps.values(), setting.prompts):
                for frame in range(_READY_RUNS):
                    run(frame, count)
    return proof.errors(contender)
