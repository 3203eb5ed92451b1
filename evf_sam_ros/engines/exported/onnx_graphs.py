"""A model's three steps as ONNX graphs: `encode`, `prompt` and `decode`.

The number of prompts and of tokens is dynamic, the sizes of pictures are fixed and the batch is
one image. Inputs and outputs are float32 in every precision; in half precision the graph rounds
at the places where PyTorch's autocast does on a GPU.

Shape suffixes: P prompts of one image, L tokens, C prompt width, H W image size, S S fusion image
size.
"""

import logging
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from evf_sam_ros.engines.exported.casts import HalfPrecision, half_twin
from evf_sam_ros.engines.lean import LeanModel
from evf_sam_ros.engines.precision import PRECISIONS
from evf_sam_ros.engines.tensor_tuples import parts_of, whole_of
from evf_sam_ros.models.evf_sam import EvfSam
from evf_sam_ros.models.variants import EvfSamConfig

GRAPHS = ("encode", "prompt", "decode")
OPSET = 20  # the newest that TensorRT 10.0 reads
DATA_SUFFIX = ".data"  # of the file with the weights that are not in the graph's own file
_PROMPTS, _TOKENS = 2, 8  # of the example; a graph takes any number of either
_MOST_INSIDE = 100 * 10**6  # bytes of weights in a graph's own file; protobuf ends at 2 GB
_PACKAGES = ("onnx", "onnxscript")
_DIMENSIONS = {1: "prompts", 2: "tokens"}  # that are of any size, by their place
_ANY = torch.export.Dim.DYNAMIC
_OUTPUTS = ("logits", "iou", "presence")

Shapes = Mapping[str, list[int | str]]  # of tensors by name; a name stands for any size


@dataclass(frozen=True)
class GraphSource:
    """A module to export, with example inputs and the names of what goes in and out."""

    module: nn.Module
    dtype: torch.dtype  # what it runs in; float32 outside
    example: tuple[Tensor, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    dynamic: tuple[Any, ...]  # dimensions of any size, as torch.export takes them


def check_installed() -> None:
    """Raise ValueError unless the packages that write ONNX files are installed."""
    if any(find_spec(name) is None for name in _PACKAGES):
        raise ValueError("writing ONNX files needs: pip install 'evf_sam_ros[export]'")


def sources(model: EvfSam, config: EvfSamConfig, precision: str) -> dict[str, GraphSource]:
    """Return the modules to export of a float32 model on the CPU, by name.

    Args:
        model: stays as it is; in half precision the graphs get rounded copies of its weights.
        precision: fp32, or fp16, which halves the files.
    """
    dtype = PRECISIONS[precision]
    lean = LeanModel(half_twin(model, dtype), "written").eval()
    images = torch.zeros(1, 3, *config.image_input.size)
    fusions = torch.zeros(1, 3, *config.fusion_input.size)
    tokens = torch.zeros(1, _PROMPTS, _TOKENS, dtype=torch.long)
    padding = torch.zeros_like(tokens, dtype=torch.bool)
    padding[0, 0, -1] = True
    encode, prompt = _Encode(lean), _Prompt(lean)
    with torch.no_grad(), _rounding(dtype):
        whole = lean.encode(images)
        prompts = prompt(fusions, tokens, padding)
        decoded = parts_of(lean.decode(whole, prompts))
    features = _float32(whole)
    names = tuple(f"features_{number}" for number in range(len(features)))
    words = {1: _ANY, 2: _ANY}
    return {
        "encode": GraphSource(encode, dtype, (images,), ("image",), names, ({},)),
        "prompt": GraphSource(
            prompt, dtype, (fusions, tokens, padding), ("fusion", "tokens", "padding"),
            ("prompts",), ({}, words, words),
        ),
        "decode": GraphSource(
            _Decode(lean, type(whole)), dtype, (prompts, *features), ("prompts", *names),
            _OUTPUTS[: len(decoded)], ({1: _ANY}, tuple({} for _ in features)),
        ),
    }  # fmt: skip


def write_graph(source: GraphSource, path: Path) -> list[Path]:
    """Write a graph, its weights in a second file where they are large; return the files.

    A file of that name is overwritten; a graph that could not be written whole leaves files.
    """
    module = source.module.eval()
    with _quiet(), torch.no_grad():
        with _rounding(source.dtype):
            traced = torch.export.export(
                module, source.example, dynamic_shapes=source.dynamic, strict=False
            )
        program: Any = torch.onnx.export(
            traced,
            dynamo=True,
            opset_version=OPSET,
            input_names=source.inputs,
            output_names=source.outputs,
            verbose=False,
        )
    _name_dimensions(program.model.graph)
    weights = sum(each.nbytes for each in source.module.state_dict().values())
    outside = weights > _MOST_INSIDE
    program.save(str(path), external_data=outside)
    data = path.with_name(path.name + DATA_SUFFIX)
    return [path, data] if outside else [path]


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the exporter: it warns of optional packages, and of sizes that never change."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _name_dimensions(graph: Any) -> None:
    """Give the dimensions of any size their names in place of the exporter's symbols."""
    names: dict[str, str] = {}
    for value in graph.inputs:
        for place, side in enumerate(value.shape):
            if not isinstance(side, int):
                names[str(side)] = _DIMENSIONS[place]
    for value in [*graph.inputs, *graph.outputs]:
        for place, side in enumerate(value.shape):
            if not isinstance(side, int):
                value.shape[place] = names[str(side)]


def shapes(path: Path) -> tuple[Shapes, Shapes]:
    """Return the shapes of a graph file's inputs and outputs by name."""
    import onnx

    graph = onnx.load(str(path), load_external_data=False).graph
    return _shapes_of(graph.input), _shapes_of(graph.output)


def _shapes_of(values: Iterable[Any]) -> Shapes:
    return {
        value.name: [side.dim_param or side.dim_value for side in value.type.tensor_type.shape.dim]
        for value in values
    }


def _rounding(dtype: torch.dtype) -> AbstractContextManager[Any]:
    return nullcontext() if dtype == torch.float32 else HalfPrecision(dtype)


class _Encode(nn.Module):
    """Features as a tuple of tensors."""

    def __init__(self, lean: LeanModel) -> None:
        super().__init__()
        self.segmenter: Any = lean.segmenter  # the weights of this step alone

    def forward(self, images_1CHW: Tensor) -> tuple[Tensor, ...]:
        return _float32(self.segmenter.encode(images_1CHW))


class _Prompt(nn.Module):
    """One prompt per expression."""

    def __init__(self, lean: LeanModel) -> None:
        super().__init__()
        self.prompt = lean.prompt

    def forward(self, fusions_13SS: Tensor, tokens_1PL: Tensor, padding_1PL: Tensor) -> Tensor:
        prompts_1PC: Tensor = self.prompt(fusions_13SS, tokens_1PL, padding_1PL)
        return prompts_1PC.float()


class _Decode(nn.Module):
    """Logits, predicted IoU and, where the model has it, presence, of a tuple of features."""

    def __init__(self, lean: LeanModel, kind: type) -> None:
        super().__init__()
        self.segmenter: Any = lean.segmenter
        self.kind = kind

    def forward(self, prompts_1PC: Tensor, *features: Tensor) -> tuple[Tensor, ...]:
        return _float32(self.segmenter.decode(whole_of(self.kind, features), prompts_1PC))


def _float32(value: Any) -> tuple[Tensor, ...]:
    return tuple(part.float() for part in parts_of(value))
