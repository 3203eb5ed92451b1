"""TensorRT runs the exported graphs, built for this GPU and cached.

A plan is good for one GPU, one version of TensorRT and one file: all three name it. Formats are
those of the files, which the strongly typed network keeps; TF32 is off.
"""

import logging
from pathlib import Path
from threading import Lock
from typing import Any

import tensorrt
import torch
from torch import Tensor

from evf_sam_ros.engines.cache import cache_of, key_of
from evf_sam_ros.engines.exported.folder import Description, graph_files, graph_path
from evf_sam_ros.engines.exported.onnx_graphs import GRAPHS, Shapes
from evf_sam_ros.engines.fusion import bucket_of
from evf_sam_ros.whole_files import write_bytes

MOST_PROMPTS = 8  # per run: further ones take further runs
_USUAL_TOKENS = 64  # of most expressions; longer ones have a profile of their own
_LIKELY = {"prompts": 1, "tokens": 16}  # what the usual profile is tuned for

Ranges = dict[str, tuple[int, int, int]]  # least, likeliest and largest size of a dimension

_log = logging.getLogger(__name__)


def version() -> str:
    """Return the version of TensorRT."""
    return tensorrt.__version__


class TensorRtRunner:
    """Three engines of TensorRT; tensors stay on the GPU, on PyTorch's current stream."""

    name = "tensorrt"
    in_buckets = True
    most_prompts = MOST_PROMPTS

    def __init__(self, folder: Path, found: Description, device: torch.device) -> None:
        """Load the plans of a folder's graphs, or build them, which takes minutes.

        Args:
            device: the GPU.

        Raises:
            ValueError: TensorRT does not take a graph, or cannot build it.
        """
        self._device = device
        self._found = found
        self._ranges = ranges(found.max_tokens)
        self._lock = Lock()  # a context runs one inference at a time
        self._engines = {graph: self._engine(folder, graph) for graph in GRAPHS}
        self._contexts: dict[tuple[str, int], Any] = {}

    def run(self, graph: str, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Run one of the graphs."""
        held = [each.detach().contiguous() for each in inputs]
        stream = _stream(self._device)
        with self._lock:
            context = self._context(graph, self._profile(graph, held), stream)
            for name, value in zip(self._found.inputs[graph], held, strict=True):
                context.set_input_shape(name, tuple(value.shape))
                context.set_tensor_address(name, value.data_ptr())
            answers = []
            for name in self._found.outputs[graph]:
                answer = torch.empty(tuple(context.get_tensor_shape(name)), device=self._device)
                context.set_tensor_address(name, answer.data_ptr())
                answers.append(answer)
            if not context.execute_async_v3(stream):
                raise RuntimeError(f"TensorRT failed to run {graph}")
        return tuple(answers)

    def _profile(self, graph: str, inputs: list[Tensor]) -> int:
        if graph != "prompt":
            return 0
        tokens = inputs[1].shape[2]
        return next(
            number for number, each in enumerate(self._ranges) if tokens <= each["tokens"][2]
        )

    def _context(self, graph: str, profile: int, stream: int) -> Any:
        """Return a context; each profile's is made when it is first needed, for its memory."""
        key = (graph, profile)
        if key not in self._contexts:
            context = self._engines[graph].create_execution_context()
            context.set_optimization_profile_async(profile, stream)
            self._contexts[key] = context
        return self._contexts[key]

    def _engine(self, folder: Path, graph: str) -> Any:
        path = cache_of("tensorrt") / f"{self._key(graph)}.plan"
        if not path.is_file():
            _log.warning("building %s for this GPU, which may take minutes", graph)
            write_bytes(path, self._plan(folder, graph))
        runtime = tensorrt.Runtime(tensorrt.Logger(tensorrt.Logger.WARNING))
        engine = runtime.deserialize_cuda_engine(path.read_bytes())
        if engine is None:
            path.unlink()
            raise ValueError(f"TensorRT cannot load {path}: it was removed, start again")
        return engine

    def _key(self, graph: str) -> str:
        marks = [self._found.files.get(name) for name in graph_files(graph)]
        return key_of(graph, marks, version(), _gpu(self._device), self._ranges)

    def _plan(self, folder: Path, graph: str) -> bytes:
        logger = tensorrt.Logger(tensorrt.Logger.WARNING)
        builder = tensorrt.Builder(logger)
        typed = 1 << int(tensorrt.NetworkDefinitionCreationFlag.STRONGLY_TYPED)
        network = builder.create_network(typed)
        parser = tensorrt.OnnxParser(network, logger)
        if not parser.parse_from_file(str(graph_path(folder, graph))):
            reasons = [parser.get_error(index).desc() for index in range(parser.num_errors)]
            raise ValueError(f"TensorRT does not take {graph}.onnx: {'; '.join(reasons)}")
        settings = builder.create_builder_config()
        settings.clear_flag(tensorrt.BuilderFlag.TF32)
        inputs = self._found.inputs[graph]
        for sizes in self._ranges if graph == "prompt" else self._ranges[:1]:
            settings.add_optimization_profile(_profile_of(builder, inputs, sizes))
        plan = builder.build_serialized_network(network, settings)
        if plan is None:
            raise ValueError(f"TensorRT cannot build {graph}.onnx for this GPU: see its log")
        return bytes(plan)


def ranges(max_tokens: int) -> list[Ranges]:
    """Return the sizes that a model's engines are built for: usual expressions, and long ones."""
    usual = min(_USUAL_TOKENS, max_tokens)
    least = bucket_of(1, max_tokens)
    prompts = (1, _LIKELY["prompts"], MOST_PROMPTS)
    found: list[Ranges] = [
        {"prompts": prompts, "tokens": (least, min(_LIKELY["tokens"], usual), usual)}
    ]
    if max_tokens > usual:
        found.append(
            {"prompts": prompts, "tokens": (usual + 1, min(2 * usual, max_tokens), max_tokens)}
        )
    return found


def _profile_of(builder: Any, inputs: Shapes, sizes: Ranges) -> Any:
    profile = builder.create_optimization_profile()
    for name, shape in inputs.items():
        least, likely, most = (
            tuple(side if isinstance(side, int) else sizes[side][place] for side in shape)
            for place in range(3)
        )
        profile.set_shape(name, least, likely, most)
    return profile


def _stream(device: torch.device) -> int:
    return torch.cuda.current_stream(device).cuda_stream


def _gpu(device: torch.device) -> tuple[object, ...]:
    return torch.cuda.get_device_name(device), torch.cuda.get_device_capability(device)
