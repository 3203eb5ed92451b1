"""Repeated layers compiled: norms, GELU and residuals become one kernel.

PyTorch's Inductor writes the kernels: Triton on a GPU, C++ on a CPU. A whole model would take it
many minutes; a layer is compiled once for all its repetitions, and once per bucket of words. Every
shape is compiled before the engine answers: what has another one runs as it is written, and nobody
ever waits for a compiler.

Shape suffixes: B images, P prompts per image, L tokens, C prompt width, H W image size,
S S fusion image size.
"""

import logging
import os
import shutil
from collections.abc import Callable, Mapping
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from evf_sam_ros.engines.cache import cache_of
from evf_sam_ros.engines.fusion import to_bucket
from evf_sam_ros.engines.gpu.graphs import MEETINGS, CudaRecorder, GraphsEngine, rehearse
from evf_sam_ros.engines.lean import TorchEngine, torch_engine
from evf_sam_ros.engines.precision import (
    PRECISIONS,
    autocast_dtype,
    rounded_twin,
    uncached_autocast,
)
from evf_sam_ros.engines.proof import PlainEngine, answers, error_of, judged
from evf_sam_ros.engines.sam_encoder import LeanBlock
from evf_sam_ros.engines.tensor_tuples import parts_of, whole_of
from evf_sam_ros.models import beit3, efficient_sam, hiera
from evf_sam_ros.models.evf_sam import EvfSam
from evf_sam_ros.models.segment_anything import modeling
from evf_sam_ros.models.segmenter import Decoded
from evf_sam_ros.models.trunk import ConvTrunk
from evf_sam_ros.models.variants import EvfSamConfig

Dimensions = Mapping[int, int]  # of an argument: which of its dimensions may be of any size
BACKEND = "inductor"
_SHAPES = 64  # that a layer may be compiled for
_PROMPTS = (1, 3)  # per image: one, and what stands for any number
_CACHE = "TORCHINDUCTOR_CACHE_DIR"  # where Inductor looks, and Triton by its order
_OWN_CHOICE = "torchinductor_"

_log = logging.getLogger(__name__)


class Region:
    """A function that is compiled for the shapes that it meets while it learns."""

    def __init__(self, run: Callable[..., Any], any_size: Dimensions) -> None:
        """Prepare to compile a function.

        Args:
            run: the function.
            any_size: dimensions of its arguments that are compiled once for all sizes from 2.
        """
        self._run, self._any_size = run, any_size
        self._compiled = torch.compile(run, backend=BACKEND, dynamic=False, fullgraph=True)
        self._known: set[Any] = set()
        self.learns = False

    def __call__(self, *given: Any) -> Any:
        given = tuple(map(_inferred, given))
        kind = self._kind(given)
        if self.learns:
            self._known.add(kind)
            for place, side in self._any_size.items():
                if given[place].shape[side] > 1:
                    torch._dynamo.mark_dynamic(given[place], side)
        elif kind not in self._known:
            return self._run(*given)
        return self._compiled(*given)

    def _kind(self, given: tuple[Any, ...]) -> tuple[Any, ...]:
        # All that the compiler asks about: what it does not know it would compile for anew.
        modes = (torch.is_inference_mode_enabled(), autocast_dtype(given[0].device))
        kinds: list[Any] = [*modes, torch.get_num_threads()]
        for place, each in enumerate(given):
            if not isinstance(each, Tensor):
                kinds.append(each)
                continue
            shape = list(each.shape)
            if place in self._any_size:
                shape[self._any_size[place]] = min(2, shape[self._any_size[place]])
            kinds.append((each.dtype, each.is_contiguous(), *shape))
        return tuple(kinds)


def _inferred(given: Any) -> Any:
    """Return tensors as inference mode makes them: the compiler tells others from them."""
    foreign = isinstance(given, Tensor) and not given.is_inference()
    return given.clone() if foreign and torch.is_inference_mode_enabled() else given


class CompiledEngine:
    """The shorter way, its layers compiled while `learn` runs."""

    name = "compiled"

    def __init__(self, engine: TorchEngine, max_tokens: int) -> None:
        """Prepare to compile an engine's layers.

        Args:
            engine: its modules must not be shared, because their `forward` is replaced.
            max_tokens: most tokens of an expression.
        """
        self._engine = engine
        self._max_tokens = max_tokens
        self._decoded = Region(self._decode, {0: 1})
        self._regions = [self._decoded]
        for module in engine.modules():
            for kind, any_size in _repeated().items():
                if isinstance(module, kind):
                    region = Region(module.forward, any_size)
                    module.forward = region
                    self._regions.append(region)

    def learn(self, run: Callable[[], object]) -> None:
        """Compile whatever a run meets."""
        with torch._dynamo.config.patch(recompile_limit=_SHAPES):
            self._let(True)
            try:
                run()
            finally:
                self._let(False)

    def _let(self, learn: bool) -> None:
        for region in self._regions:
            region.learns = learn

    def encode(self, images_B3HW: Tensor) -> Any:
        with uncached_autocast(images_B3HW.device):
            return self._engine.encode(images_B3HW)

    def prompt(self, fusion_B3SS: Tensor, tokens_BPL: Tensor, padding_BPL: Tensor) -> Tensor:
        """Return one prompt per expression, (B, P, C)."""
        words = to_bucket(tokens_BPL, padding_BPL, self._max_tokens)
        with uncached_autocast(fusion_B3SS.device):
            return self._engine.prompt(fusion_B3SS, *words)

    def decode(self, features: Any, prompts_BPC: Tensor) -> Decoded:
        """Return one mask per prompt."""
        with uncached_autocast(prompts_BPC.device):
            parts = self._decoded(prompts_BPC, type(features), *parts_of(features))
        return whole_of(Decoded, parts)

    def _decode(self, prompts_BPC: Tensor, kind: type, *parts: Tensor) -> tuple[Tensor, ...]:
        return parts_of(self._engine.decode(whole_of(kind, parts), prompts_BPC))


def _repeated() -> dict[type[nn.Module], Dimensions]:
    """Return what is compiled; of words, for one prompt and for any number of them."""
    return {
        beit3.Layer: {0: 0, 2: 0},
        efficient_sam.Block: {},
        hiera.Block: {},
        LeanBlock: {},
        modeling().image_encoder.Block: {},
        ConvTrunk: {},
    }


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
    _log.warning("falling back from the compiled model to torch: %s", reason)


def _check(device: torch.device) -> None:
    if device.type == "cuda" and find_spec("triton") is None:
        raise ValueError("engine 'compiled' needs Triton on a GPU: pip install triton")
    compiler = os.environ.get("CXX") or "g++"
    if shutil.which(compiler) is None:
        raise ValueError(
            f"engine 'compiled' needs a C++ compiler, there is no {compiler!r}: "
            "apt install g++, or name one by CXX"
        )
