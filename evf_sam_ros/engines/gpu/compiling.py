"""Make the `compiled` engine: every shape before it is needed, and proved before it answers."""

import logging
import os
import shutil
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from evf_sam_ros.engines.cache import cache_of
from evf_sam_ros.engines.gpu.compiled import CompiledEngine
from evf_sam_ros.engines.gpu.graphs import MEETINGS, CudaRecorder, GraphsEngine
from evf_sam_ros.engines.gpu.rehearsal import rehearse
from evf_sam_ros.engines.lean import torch_engine
from evf_sam_ros.engines.plain import PlainEngine
from evf_sam_ros.engines.precision import PRECISIONS
from evf_sam_ros.engines.proof import answers, error_of, judged
from evf_sam_ros.engines.twin import rounded_twin
from evf_sam_ros.models.evf_sam import EvfSam
from evf_sam_ros.models.variants import EvfSamConfig

_PROMPTS = (1, 3)  # per image: one, and what stands for any number
_CACHE = "TORCHINDUCTOR_CACHE_DIR"  # where Inductor looks, and Triton by its order
_OWN_CHOICE = "torchinductor_"

_log = logging.getLogger(__name__)


def compiling(
    model: EvfSam, config: EvfSamConfig, device: torch.device, precision: str
) -> Callable[[], Any]:
    """Return what makes the engine, in seconds to minutes; it returns None where it cannot.

    The model's own answers are asked for now, while it is float32.

    Raises:
        ValueError: there is no compiler for this device.
    """
    _check(device)
    _keep_kernels()
    dtype = PRECISIONS[precision]
    try:
        expected = answers(model, config, PlainEngine(model), torch.float32)
    except RuntimeError as error:  # float32 may need more memory than there is
        return partial(_refused, str(error))
    # Rounded now: whoever rounds the model while another thread compiles shares these weights.
    return partial(_made, rounded_twin(model, dtype), config, device, precision, expected)


def _made(
    twin: EvfSam,
    config: EvfSamConfig,
    device: torch.device,
    precision: str,
    expected: list[Tensor],
) -> Any:
    most = config.encoder.max_tokens
    dtype = PRECISIONS[precision]
    compiled = CompiledEngine(torch_engine(twin, device, precision), most)
    engine: Any = compiled
    try:
        compiled.learn(partial(rehearse, compiled, twin, config, dtype, _PROMPTS))
        if device.type == "cuda":
            graphs = GraphsEngine(compiled, partial(CudaRecorder, device), most, compiled.name)
            for _ in range(MEETINGS):
                rehearse(graphs, twin, config, dtype)
            graphs.finish()
            engine = graphs
        error = error_of(expected, answers(twin, config, engine, dtype))
        found = judged(twin, config, expected, error, precision)
    except Exception as failure:  # of a compiler: whatever it is, torch runs the model
        return _refused(f"{type(failure).__name__}: {failure}")
    if found.agrees(precision):
        return engine
    return _refused(f"its answers differ by {error:.0e} in {precision}")


def _keep_kernels() -> None:
    """Keep what is compiled in the user's cache folder, unless the user has chosen another."""
    # PyTorch writes its own choice, of temporary files, where it looks for the user's.
    if Path(os.environ.get(_CACHE, _OWN_CHOICE)).name.startswith(_OWN_CHOICE):
        os.environ[_CACHE] = str(cache_of("inductor"))


def _refused(reason: str) -> None:
    _log.warning("the compiled model does not run, torch does: %s", reason)


def _check(device: torch.device) -> None:
    if device.type == "cuda" and find_spec("triton") is None:
        raise ValueError("engine 'compiled' needs Triton on a GPU: pip install triton")
    compiler = os.environ.get("CXX") or "g++"
    if shutil.which(compiler) is None:
        raise ValueError(
            f"engine 'compiled' needs a C++ compiler, there is no {compiler!r}: "
            "apt install g++, or name one by CXX"
        )
