"""Choose what runs a model.

auto      OpenVINO on a CPU, where it is installed and has this model ready; else torch
torch     PyTorch, by the shorter way (`lean`)
plain     PyTorch, the model as it is written
openvino  OpenVINO, on a CPU; made ready at first use, and kept in the user's cache
warming   torch at once; OpenVINO from when it is ready, which another thread sees to
graphs    torch, its kernels recorded and replayed, on a GPU (`graphs`)

OpenVINO runs a model only after it gave the model's answers in the same precision: see `proof`.
"""

import logging
from functools import partial
from importlib.util import find_spec
from typing import Any, Literal, Protocol, get_args

import torch
from torch import Tensor, nn

from evf_sam_ros.engines.graphs import CudaRecorder, GraphsEngine
from evf_sam_ros.engines.lean import torch_engine
from evf_sam_ros.engines.proof import agrees, disagreement
from evf_sam_ros.engines.warming import WarmingEngine
from evf_sam_ros.models.evf_sam import EvfSam
from evf_sam_ros.models.segmenter import Decoded
from evf_sam_ros.models.variants import EvfSamConfig

EngineName = Literal["auto", "torch", "plain", "openvino", "warming", "graphs"]
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


class PlainEngine:
    """The model as it is written."""

    name = "plain"

    def __init__(self, model: EvfSam) -> None:
        self.prompt = model.prompt
        self.encode = model.segmenter.encode
        self.decode = model.segmenter.decode


def engine_for(
    name: str, model: EvfSam, config: EvfSamConfig, device: torch.device, precision: str
) -> Engine:
    """Return what runs the model, by its name above; the model is on its device already.

    Raises:
        ValueError: there is no such engine, or not for this device, or it is not installed.
    """
    match name:
        case "plain":
            return PlainEngine(model)
        case "torch":
            return torch_engine(model, device, precision)
        case "openvino":
            _check_openvino(device)
            return _openvino(model, config, precision, make=True) or torch_engine(
                model, device, precision
            )
        case "warming":
            _check_openvino(device)
            first = torch_engine(model, device, precision)
            return WarmingEngine(
                first, lambda: _openvino(model, config, precision, make=True) or first
            )
        case "graphs":
            if device.type != "cuda":
                raise ValueError(f"engine 'graphs' needs a GPU, the device is {device}")
            return GraphsEngine(
                torch_engine(model, device, precision),
                partial(CudaRecorder, device),
                config.encoder.max_tokens,
            )
        case "auto":
            ready = _openvino(model, config, precision, make=False) if _usable(device) else None
            return ready or torch_engine(model, device, precision)
    raise ValueError(f"engine is {name!r}, need one of {', '.join(ENGINES)}")


def is_installed() -> bool:
    """Tell whether OpenVINO is."""
    return find_spec("openvino") is not None


def round_weights(model: nn.Module, dtype: torch.dtype) -> None:
    """Store weights in the format that autocast rounds them to at every use.

    The answers do not change by a bit: only what autocast would convert is. It saves half the
    memory, and the conversion of every weight for every image.
    """
    for module in model.modules():
        if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            module.to(dtype)


def _usable(device: torch.device) -> bool:
    return device.type == "cpu" and is_installed()


def _check_openvino(device: torch.device) -> None:
    if device.type != "cpu":
        raise ValueError(f"engine 'openvino' runs on a CPU, the device is {device}; need torch")
    if not is_installed():
        raise ValueError("engine 'openvino' needs: pip install 'evf_sam_ros[openvino]'")


def _openvino(model: EvfSam, config: EvfSamConfig, precision: str, *, make: bool) -> Any:
    """Return the engine; None where it answers otherwise, or is not ready and not to be made."""
    from evf_sam_ros.engines import openvino_graphs
    from evf_sam_ros.engines.openvino_engine import OpenVinoEngine

    folder = openvino_graphs.cache_folder(model, config)
    error = openvino_graphs.known_error(folder, precision)
    if error is None:
        if not make:
            return None
        if not openvino_graphs.is_made(folder):
            openvino_graphs.make(model, config, folder)
        engine = OpenVinoEngine(folder, precision, config.encoder.max_tokens)
        error = disagreement(model, config, engine)
        openvino_graphs.note_error(folder, precision, error)
        return _accepted(engine, error, precision)
    if not agrees(error, precision):
        return _accepted(None, error, precision)
    return OpenVinoEngine(folder, precision, config.encoder.max_tokens)


def _accepted(engine: Any, error: float, precision: str) -> Any:
    if agrees(error, precision):
        return engine
    _log.warning(
        "OpenVINO does not run this model: its answers differ by %.0e in %s; torch runs it",
        error, precision,
    )  # fmt: skip
    return None
