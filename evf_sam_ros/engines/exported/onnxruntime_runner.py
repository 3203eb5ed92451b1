"""ONNX Runtime runs the exported graphs: on a CPU, or on a GPU by CUDA or TensorRT."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from torch import Tensor

from evf_sam_ros.engines.exported.folder import graph_path
from evf_sam_ros.engines.exported.onnx_graphs import GRAPHS

PROVIDERS = {
    "onnxruntime": "CPUExecutionProvider",
    "onnxruntime-cuda": "CUDAExecutionProvider",
    "onnxruntime-tensorrt": "TensorrtExecutionProvider",
}
_BEHIND = {"onnxruntime-tensorrt": ["CUDAExecutionProvider"]}  # for what TensorRT leaves
_ERROR_LEVEL = 3
_TYPES = {
    "tensor(float)": torch.float32,
    "tensor(int64)": torch.int64,
    "tensor(bool)": torch.bool,
}
_NUMPY = {torch.float32: np.float32, torch.int64: np.int64, torch.bool: np.bool_}


def check_provider(name: str) -> None:
    """Raise ValueError unless this build of ONNX Runtime has the provider of an engine."""
    available = onnxruntime.get_available_providers()
    if PROVIDERS[name] not in available:
        raise ValueError(
            f"engine {name!r} needs {PROVIDERS[name]}, this ONNX Runtime has "
            f"{', '.join(available)}: pip install onnxruntime-gpu"
        )


def version() -> str:
    """Return the version of ONNX Runtime."""
    return onnxruntime.__version__


@dataclass(frozen=True)
class _Value:
    """Name, format and shape of an output; names in a shape stand for inputs' sizes."""

    name: str
    dtype: torch.dtype
    shape: tuple[int | str, ...]


class OnnxRuntimeRunner:
    """Three sessions; tensors stay on their device, in memory of PyTorch's."""

    in_buckets = False
    most_prompts = None

    def __init__(self, folder: Path, name: str, device: torch.device, cache: Path) -> None:
        """Load the graphs of a folder.

        Args:
            name: of the engine, which stands for a provider.
            device: where inputs are.
            cache: folder in which TensorRT keeps what it builds for this device.
        """
        check_provider(name)
        self.name = name
        self._device = device
        provider = (PROVIDERS[name], _options(name, device, cache))
        self._sessions = {
            graph: onnxruntime.InferenceSession(
                str(graph_path(folder, graph)), _settings(), [provider, *_BEHIND.get(name, [])]
            )
            for graph in GRAPHS
        }
        self._outputs = {
            graph: [_Value(each.name, _TYPES[each.type], tuple(each.shape)) for each in outputs]
            for graph, session in self._sessions.items()
            if (outputs := session.get_outputs())
        }

    def run(self, graph: str, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Run one of the graphs."""
        session = self._sessions[graph]
        binding = session.io_binding()
        sizes: dict[str, int] = {}
        held = [each.detach().contiguous() for each in inputs]
        for known, value in zip(session.get_inputs(), held, strict=True):
            sizes |= _named_sizes(known.shape, value)
            binding.bind_input(*self._bound(known.name, value))
        answers = tuple(
            torch.empty([_size(side, sizes) for side in own.shape], dtype=own.dtype).to(
                self._device
            )
            for own in self._outputs[graph]
        )
        for own, answer in zip(self._outputs[graph], answers, strict=True):
            binding.bind_output(*self._bound(own.name, answer))
        self._wait()  # the session has a stream of its own
        session.run_with_iobinding(binding)
        return answers

    def _bound(self, name: str, value: Tensor) -> tuple[Any, ...]:
        index = self._device.index or 0
        number_format = _NUMPY[value.dtype]
        shape = list(value.shape)
        return name, self._device.type, index, number_format, shape, value.data_ptr()

    def _wait(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.current_stream(self._device).synchronize()


def _settings() -> Any:
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = torch.get_num_threads()
    settings.inter_op_num_threads = 1
    settings.log_severity_level = _ERROR_LEVEL
    # Threads that wait would spin on cores that a robot has other work for.
    settings.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return settings


def _options(name: str, device: torch.device, cache: Path) -> dict[str, str]:
    index = {"device_id": str(device.index or 0)}
    if name == "onnxruntime":
        return {}
    if name == "onnxruntime-cuda":
        return index
    return {**index, "trt_engine_cache_enable": "1", "trt_engine_cache_path": str(cache)}


def _named_sizes(shape: list[int | str], value: Tensor) -> dict[str, int]:
    return {
        name: size for name, size in zip(shape, value.shape, strict=True) if isinstance(name, str)
    }


def _size(side: int | str, sizes: dict[str, int]) -> int:
    return side if isinstance(side, int) else sizes[side]
