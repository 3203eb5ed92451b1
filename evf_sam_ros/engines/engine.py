"""Selection of the engine that runs a model.

auto      what `evf-sam bench` found faster on this machine, torch or OpenVINO; not measured:
          OpenVINO on a CPU, where it is installed and has this model ready; else torch
torch     PyTorch, by the shorter way (`lean`)
plain     PyTorch, the model as it is written
openvino  OpenVINO, on a CPU; made ready at first use, and kept in the user's cache
compiled  torch, its layers compiled (`compiled`), on a GPU recorded as well; made ready at start
warming   torch at once, from when another thread has made it: OpenVINO; on a GPU, compiled
graphs    torch, its kernels recorded and replayed, on a GPU (`graphs`); recorded at start

What is made for a model runs it only after it gave the model's answers in the same precision: see
`proof`.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

import torch
from torch import Tensor

from evf_sam_ros.engines.gpu.compiled import compiling
from evf_sam_ros.engines.gpu.graphs import MEETINGS, CudaRecorder, GraphsEngine, rehearse
from evf_sam_ros.engines.lean import torch_engine
from evf_sam_ros.engines.measured import is_slower
from evf_sam_ros.engines.precision import PRECISIONS, round_weights, rounded_twin
from evf_sam_ros.engines.proof import Disagreement, PlainEngine, disagreement
from evf_sam_ros.engines.warming import WarmingEngine
from evf_sam_ros.models.evf_sam import EvfSam
from evf_sam_ros.models.segmenter import Decoded
from evf_sam_ros.models.variants import EvfSamConfig, is_bridge, prompts_by_one_token

__all__ = ["ENGINES", "Engine", "EngineName", "PlainEngine", "engine_for", "round_weights"]

EngineName = Literal["auto", "torch", "plain", "openvino", "compiled", "warming", "graphs"]
ENGINES: tuple[EngineName, ...] = get_args(EngineName)

_log = logging.getLogger(__name__)


class Engine(Protocol):
    """`EvfSam` as three steps; features are whatever the same engine's `decode` takes."""

    @property
    def name(self) -> str:
        """Return which of the above it is."""
        ...

    def encode(self, images_B3HW: Tensor) -> Any:
        """Return image features."""
        ...

    def prompt(self, fusion_B3SS: Tensor, tokens_BPL: Tensor, padding_BPL: Tensor) -> Tensor:
        """Return one prompt per expression, (B, P, C)."""
        ...

    def decode(self, features: Any, prompts_BPC: Tensor) -> Decoded:
        """Return one mask per prompt."""
        ...


def engine_for(
    name: str,
    model: EvfSam,
    config: EvfSamConfig,
    device: torch.device,
    precision: str,
    *,
    source: Path | None = None,
) -> Engine:
    """Return what runs the model, by its name above; the model is on its device already.

    Args:
        source: the model folder that the weights were read from: it names what is cached.

    Raises:
        ValueError: there is no such engine, or not for this device, or it is not installed.
    """
    if name not in _MAKERS:
        raise ValueError(f"engine is {name!r}, need one of {', '.join(ENGINES)}")
    if not prompts_by_one_token(config) and name not in _FOR_ANY_PROMPT:
        kind = "SAM-CLIP bridges" if is_bridge(config) else "models with object queries"
        raise ValueError(
            f"engine {name!r} does not run {kind}, need one of {', '.join(_FOR_ANY_PROMPT)}"
        )
    return _MAKERS[name](_EngineRequest(model, config, device, precision, source))


@dataclass(frozen=True)
class _EngineRequest:
    """The model to run, its device and its precision."""

    model: EvfSam
    config: EvfSamConfig
    device: torch.device
    precision: str
    source: Path | None = None

    @property
    def on_gpu(self) -> bool:
        return self.device.type == "cuda"


def is_installed() -> bool:
    """Tell whether OpenVINO is."""
    return find_spec("openvino") is not None


def _plain(asked: _EngineRequest) -> Engine:
    return PlainEngine(asked.model)


def _torch(asked: _EngineRequest) -> Engine:
    return torch_engine(asked.model, asked.device, asked.precision)


def _openvino(asked: _EngineRequest) -> Engine:
    _check_openvino(asked.device)
    return _proven_openvino(asked, make=True) or _torch(asked)


def _compiled(asked: _EngineRequest) -> Engine:
    return _compiling(asked)() or _torch(asked)


def _warming(asked: _EngineRequest) -> Engine:
    if asked.on_gpu:
        make = _compiling(asked)
    else:
        _check_openvino(asked.device)
        make = partial(_proven_openvino, asked, make=True)
    first = _torch(asked)
    return WarmingEngine(first, lambda: make() or first)


def _graphs(asked: _EngineRequest) -> Engine:
    if not asked.on_gpu:
        raise ValueError(f"engine 'graphs' needs a GPU, the device is {asked.device}")
    dtype = PRECISIONS[asked.precision]
    twin = replace(asked, model=rounded_twin(asked.model, dtype))
    recorder = partial(CudaRecorder, asked.device)
    engine = GraphsEngine(_torch(twin), recorder, asked.config.encoder.max_tokens)
    for _ in range(MEETINGS):
        rehearse(engine, asked.model, asked.config, dtype)
    engine.finish()
    return engine


def _auto(asked: _EngineRequest) -> Engine:
    usable = asked.device.type == "cpu" and is_installed()
    usable = usable and not is_slower("openvino", "torch", asked.source, asked.precision)
    return (_proven_openvino(asked, make=False) if usable else None) or _torch(asked)


_MAKERS: dict[str, Callable[[_EngineRequest], Engine]] = {
    "auto": _auto,
    "torch": _torch,
    "plain": _plain,
    "openvino": _openvino,
    "compiled": _compiled,
    "warming": _warming,
    "graphs": _graphs,
}


_FOR_ANY_PROMPT = ("auto", "torch", "plain")  # also one that is more than a tensor


def _compiling(asked: _EngineRequest) -> Callable[[], Any]:
    return compiling(asked.model, asked.config, asked.device, asked.precision)


def _check_openvino(device: torch.device) -> None:
    if device.type != "cpu":
        raise ValueError(f"engine 'openvino' runs on a CPU, the device is {device}; need torch")
    if not is_installed():
        raise ValueError("engine 'openvino' needs: pip install 'evf_sam_ros[openvino]'")


def _proven_openvino(asked: _EngineRequest, *, make: bool) -> Any:
    """Return the engine; None where it answers otherwise, or is not ready and not to be made."""
    from evf_sam_ros.engines import openvino_engine
    from evf_sam_ros.engines.openvino_engine import OpenVinoEngine

    model, config, precision = asked.model, asked.config, asked.precision
    if not make and asked.source is not None:
        known_folder = openvino_engine.known_folder(config, asked.source)
        if known_folder is None:  # never made of these files: not worth reading all weights
            return None
    folder = openvino_engine.cache_folder(model, config, asked.source)
    known = openvino_engine.known_disagreement(folder, precision)
    if known is None:
        if not make:
            return None
        if not openvino_engine.is_made(folder):
            openvino_engine.make(model, config, folder)
        engine = OpenVinoEngine(folder, precision, config.encoder.max_tokens)
        found = disagreement(model, config, engine, precision)
        openvino_engine.note_disagreement(folder, precision, found)
        return _accepted(engine, found, precision)
    if not known.agrees(precision):
        return _accepted(None, known, precision)
    return OpenVinoEngine(folder, precision, config.encoder.max_tokens)


def _accepted(engine: Any, found: Disagreement, precision: str) -> Any:
    if found.agrees(precision):
        return engine
    _log.warning(
        "falling back from OpenVINO to torch: its answers differ from the model's by %.0e in %s",
        found.error, precision,
    )  # fmt: skip
    return None
