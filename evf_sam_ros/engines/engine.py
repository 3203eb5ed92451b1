"""Selection of the engine that runs a model.

auto      what `evf-sam bench` found fastest on this machine, torch, OpenVINO or ONNX Runtime; not
          measured: on a CPU the one of the latter that has this model ready; else torch
torch     PyTorch, by the shorter way (`lean`)
plain     PyTorch, the model as it is written
openvino  OpenVINO, on a CPU, from exported files (`exported`): those in the model's folder, or
          made at first use and kept in the user's cache
onnxruntime           ONNX Runtime, on a CPU, from the same files
onnxruntime-cuda      the same on a GPU
onnxruntime-tensorrt  the same on a GPU, by ONNX Runtime's TensorRT provider
tensorrt              TensorRT, from the same files; built for this GPU at first use
compiled  torch, its layers compiled (`compiled`), on a GPU recorded as well; made ready at start
warming   torch at once, from when another thread has made it: OpenVINO; on a GPU, compiled
graphs    torch, its kernels recorded and replayed, on a GPU (`graphs`); recorded at start

What is made for a model runs it only after it gave the model's answers in the same precision: see
`proof`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

import torch
from torch import Tensor

from evf_sam_ros.engines.exported.graph_engine import ExportedEngine
from evf_sam_ros.engines.exported.proven import ExportRequest, proven_engine
from evf_sam_ros.engines.exported.runtimes import RUNTIMES, check_runtime, is_installed
from evf_sam_ros.engines.gpu.compiled import compiling
from evf_sam_ros.engines.gpu.graphs import MEETINGS, CudaRecorder, GraphsEngine, rehearse
from evf_sam_ros.engines.lean import torch_engine
from evf_sam_ros.engines.measured import is_slower
from evf_sam_ros.engines.precision import PRECISIONS, round_weights, rounded_twin
from evf_sam_ros.engines.proof import PlainEngine
from evf_sam_ros.engines.warming import WarmingEngine
from evf_sam_ros.models.evf_sam import EvfSam
from evf_sam_ros.models.segmenter import Decoded
from evf_sam_ros.models.variants import EvfSamConfig, is_bridge, prompts_by_one_token

__all__ = ["ENGINES", "Engine", "EngineName", "PlainEngine", "engine_for", "round_weights"]

EngineName = Literal[
    "auto", "torch", "plain", "openvino", "onnxruntime", "onnxruntime-cuda",
    "onnxruntime-tensorrt", "tensorrt", "compiled", "warming", "graphs",
]  # fmt: skip
ENGINES: tuple[EngineName, ...] = get_args(EngineName)

_ON_CPUS = ("openvino", "onnxruntime")  # the first where neither was measured


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
    if precision == "int8" and name != "openvino":
        raise ValueError(f"precision 'int8' is of engine 'openvino' alone, the engine is {name!r}")
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


def is_exact(engine: Engine, device: torch.device) -> bool:
    """Tell whether an engine rounds by itself, so that the model's weights stay as they are."""
    return isinstance(engine, ExportedEngine) and device.type == "cpu"


def _plain(asked: _EngineRequest) -> Engine:
    return PlainEngine(asked.model)


def _torch(asked: _EngineRequest) -> Engine:
    return torch_engine(asked.model, asked.device, asked.precision)


def _exported(name: str, asked: _EngineRequest) -> Engine:
    return _proven(name, asked, make=True) or _torch(asked)


def _compiled(asked: _EngineRequest) -> Engine:
    return _compiling(asked)() or _torch(asked)


def _warming(asked: _EngineRequest) -> Engine:
    if asked.on_gpu:
        make = _compiling(asked)
    else:
        name = next(filter(is_installed, _ON_CPUS), _ON_CPUS[0])
        check_runtime(name, asked.device, asked.precision)
        make = partial(_proven, name, asked, make=True)
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
    for name in _worth_it(asked) if asked.device.type == "cpu" else ():
        if engine := _proven(name, asked, make=False):
            return engine
    return _torch(asked)


def _worth_it(asked: _EngineRequest) -> list[str]:
    """Return the engines that may be faster than torch on a CPU, the fastest first."""
    slower = partial(is_slower, source=asked.source, precision=asked.precision)
    names = [name for name in _ON_CPUS if is_installed(name) and not slower(name, "torch")]
    names = [name for name in names if asked.precision in RUNTIMES[name].precisions]
    return names[::-1] if slower(*_ON_CPUS) else names


_MAKERS: dict[str, Callable[[_EngineRequest], Engine]] = {
    "auto": _auto,
    "torch": _torch,
    "plain": _plain,
    **{name: partial(_exported, name) for name in RUNTIMES},
    "compiled": _compiled,
    "warming": _warming,
    "graphs": _graphs,
}


_FOR_ANY_PROMPT = ("auto", "torch", "plain")  # also one that is more than a tensor


def _compiling(asked: _EngineRequest) -> Callable[[], Any]:
    return compiling(asked.model, asked.config, asked.device, asked.precision)


def _proven(name: str, asked: _EngineRequest, *, make: bool) -> Any:
    """Return an engine of exported files; None where it answers otherwise, or is not ready."""
    given = (asked.model, asked.config, asked.device, asked.precision, asked.source)
    return proven_engine(ExportRequest(name, *given), make=make)
