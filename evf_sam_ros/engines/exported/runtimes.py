"""Runtimes of exported folders by name: where each runs, in which formats, and how it is made."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import torch

from evf_sam_ros.engines.cache import cache_of
from evf_sam_ros.engines.exported.folder import Description, check_sizes, read_description
from evf_sam_ros.engines.exported.graph_engine import ExportedEngine, Runner


@dataclass(frozen=True)
class Runtime:
    """Runtime that runs an exported folder."""

    package: str  # that is imported
    install: str  # what to tell a user without it
    device: str  # cpu or cuda
    precisions: tuple[str, ...]  # that it runs in; a GPU's files are in the same precision
    make: Callable[[Path, Description, torch.device, str], Runner]
    version: Callable[[], str]


def _onnxruntime(name: str) -> Callable[[Path, Description, torch.device, str], Runner]:
    def make(folder: Path, found: Description, device: torch.device, precision: str) -> Runner:
        from evf_sam_ros.engines.exported.onnxruntime_runner import OnnxRuntimeRunner

        return OnnxRuntimeRunner(folder, name, device, cache_of("tensorrt") / found.weights[:32])

    return make


def _onnxruntime_version() -> str:
    from evf_sam_ros.engines.exported import onnxruntime_runner

    return onnxruntime_runner.version()


def _openvino(folder: Path, found: Description, device: torch.device, precision: str) -> Runner:
    from evf_sam_ros.engines.exported.openvino_runner import OpenVinoRunner

    if precision != "int8":
        return OpenVinoRunner(folder, precision)
    from evf_sam_ros.engines.exported.int8_weights import compressed_files

    return OpenVinoRunner(folder, precision, compressed_files(folder, found))


def _openvino_version() -> str:
    from evf_sam_ros.engines.exported import openvino_runner

    return openvino_runner.version()


def _tensorrt(folder: Path, found: Description, device: torch.device, precision: str) -> Runner:
    from evf_sam_ros.engines.exported.tensorrt_runner import TensorRtRunner

    return TensorRtRunner(folder, found, device)


def _tensorrt_version() -> str:
    from evf_sam_ros.engines.exported import tensorrt_runner

    return tensorrt_runner.version()


def _on_gpu(name: str) -> Runtime:
    install = "pip install onnxruntime-gpu"
    halves = ("fp32", "fp16")
    make = _onnxruntime(name)
    return Runtime("onnxruntime", install, "cuda", halves, make, _onnxruntime_version)


RUNTIMES = {
    "openvino": Runtime(
        "openvino", "pip install 'evf_sam_ros[openvino]'", "cpu", ("fp32", "bf16", "int8"),
        _openvino, _openvino_version,
    ),
    "onnxruntime": Runtime(
        "onnxruntime", "pip install 'evf_sam_ros[onnxruntime]'", "cpu", ("fp32",),
        _onnxruntime("onnxruntime"), _onnxruntime_version,
    ),
    "onnxruntime-cuda": _on_gpu("onnxruntime-cuda"),
    "onnxruntime-tensorrt": _on_gpu("onnxruntime-tensorrt"),
    "tensorrt": Runtime(
        "tensorrt", "TensorRT 10, of JetPack on a Jetson, elsewhere by pip install tensorrt",
        "cuda", ("fp32", "fp16"), _tensorrt, _tensorrt_version,
    ),
}  # fmt: skip


def is_installed(name: str) -> bool:
    """Tell whether the package of a runtime is."""
    return find_spec(RUNTIMES[name].package) is not None


def device_for(name: str) -> torch.device:
    """Return the device that a runtime runs on here.

    Raises:
        ValueError: there is no such runtime, or no GPU for it.
    """
    _check_name(name)
    if RUNTIMES[name].device == "cuda" and not torch.cuda.is_available():
        raise ValueError(f"runtime {name!r} needs a GPU, torch sees none")
    return torch.device(RUNTIMES[name].device)


def _check_name(name: str) -> None:
    if name not in RUNTIMES:
        raise ValueError(f"runtime is {name!r}, need one of {', '.join(RUNTIMES)}")


def check_runtime(name: str, device: torch.device, precision: str | None = None) -> None:
    """Raise ValueError unless a runtime is installed, for this device, and for this precision."""
    _check_name(name)
    runtime = RUNTIMES[name]
    if device.type != runtime.device:
        needed = {"cpu": "a CPU", "cuda": "a GPU"}[runtime.device]
        raise ValueError(f"engine {name!r} runs on {needed}, the device is {device}; need torch")
    if precision is not None and precision not in runtime.precisions:
        raise ValueError(
            f"engine {name!r} does not run in {precision!r} here, need "
            f"{' or '.join(runtime.precisions)}"
        )
    if not is_installed(name):
        raise ValueError(f"engine {name!r} needs: {runtime.install}")


def engine_from(
    name: str, folder: Path, device: torch.device, precision: str | None = None
) -> ExportedEngine:
    """Return an engine that runs the files of a folder; its answers are not checked.

    Args:
        device: where tensors are to be.
        precision: to run in; None: that of the files where the runtime has it, else fp32.

    Raises:
        ValueError: the folder or the runtime is not what is needed, in one sentence.
    """
    check_runtime(name, device, precision)
    found = read_description(folder)
    check_sizes(folder, found)
    if RUNTIMES[name].device == "cuda" and precision not in (None, found.precision):
        raise ValueError(
            f"{name} runs files in their own precision, {str(folder)!r} is in {found.precision}: "
            f"export the model in {precision}"
        )
    runner = RUNTIMES[name].make(folder, found, device, precision or run_precision(name, found))
    return ExportedEngine(runner, found.max_tokens)


def run_precision(name: str, found: Description) -> str:
    """Return the precision in which a runtime runs a folder's files by itself."""
    return found.precision if found.precision in RUNTIMES[name].precisions else "fp32"
