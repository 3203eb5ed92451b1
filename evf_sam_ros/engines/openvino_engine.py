"""OpenVINO engine for CPUs: three graphs that are converted once and cached.

They give the model's answers, in float32 at 1.0 to 1.2 times the speed of torch.

The name of a model's folder there is a digest of all that the graphs depend on: the weights, the
sizes, our code and OpenVINO's version. Whatever changes, the graphs are made anew. The digest of
the weights of a large model takes many seconds: it is noted for the files they were read from.

Shape suffixes: B images (1 in a graph), P prompts per image, L tokens, C prompt width,
H W image size, S S fusion image size.
"""

import hashlib
import json
import os
import shutil
import tempfile
import warnings
from dataclasses import asdict
from pathlib import Path
from threading import Lock
from typing import Any

import openvino
import torch
from torch import Tensor, nn

from evf_sam_ros import models
from evf_sam_ros.engines.cache import cache_of, key_of, mark_of, note, noted
from evf_sam_ros.engines.fusion import to_bucket
from evf_sam_ros.engines.lean import LeanModel
from evf_sam_ros.engines.proof import Disagreement
from evf_sam_ros.engines.tensor_tuples import parts_of, whole_of
from evf_sam_ros.models.evf_sam import EvfSam
from evf_sam_ros.models.segmenter import Decoded
from evf_sam_ros.models.variants import EvfSamConfig

GRAPHS = ("encode", "prompt", "decode")
_SOURCES = (Path(models.__file__).parent, Path(__file__).parent)
_PROMPTS, _TOKENS = 2, 8  # of the example; a graph takes any number of either
_UNFINISHED = "unfinished-"  # and the number of the process that makes it
_ERRORS = "errors.json"
_HINTS = {"fp32": "f32", "bf16": "bf16"}


def cache_folder(model: EvfSam, config: EvfSamConfig, source: Path | None = None) -> Path:
    """Return the folder in which the graphs of this model are cached.

    Args:
        source: the model folder that the weights were read from, unchanged since.
    """
    folder = known_folder(config, source)
    if folder is not None:
        return folder
    digest = _program(config)
    for name, tensor in model.state_dict().items():
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(memoryview(tensor.cpu().contiguous().numpy()).cast("B"))
    name = digest.hexdigest()[:32]
    if source is not None:
        note("openvino", _key(config, source), name)
    return cache_of("openvino") / name


def known_folder(config: EvfSamConfig, source: Path | None) -> Path | None:
    """Return the same as far as it is noted: no weight is read."""
    name = None if source is None else noted("openvino", _key(config, source))
    return cache_of("openvino") / name if isinstance(name, str) else None


def _key(config: EvfSamConfig, source: Path) -> str:
    return key_of(_program(config).hexdigest(), mark_of(source))


def _program(config: EvfSamConfig) -> Any:
    """Return a digest of all but the weights."""
    digest = hashlib.sha256(f"openvino {openvino.__version__} {config!r}".encode())
    for path in sorted(path for folder in _SOURCES for path in folder.glob("*.py")):
        digest.update(path.read_bytes())
    return digest


def is_made(folder: Path) -> bool:
    """Tell whether a folder holds all graphs; it appears at once or not at all."""
    return folder.is_dir()


def known_disagreement(folder: Path, precision: str) -> Disagreement | None:
    """Return the measured error of these graphs, None if it was not measured."""
    path = folder / _ERRORS
    errors = json.loads(path.read_text()) if path.is_file() else {}
    return Disagreement(**errors[precision]) if precision in errors else None


def note_disagreement(folder: Path, precision: str, found: Disagreement) -> None:
    """Save the measured error; graphs that fail are kept too, to avoid a new conversion."""
    path = folder / _ERRORS
    errors = json.loads(path.read_text()) if path.is_file() else {}
    partial = path.with_suffix(f".{os.getpid()}")
    partial.write_text(json.dumps({**errors, precision: asdict(found)}))
    partial.replace(path)


def remove_unfinished(cache: Path) -> None:
    """Remove files of killed programs; conversions in progress are kept."""
    for folder in cache.glob(f"{_UNFINISHED}*"):
        process = folder.name.removeprefix(_UNFINISHED).partition("-")[0]
        if not process.isdecimal() or not _is_running(int(process)):
            shutil.rmtree(folder, ignore_errors=True)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True


def make(model: EvfSam, config: EvfSamConfig, folder: Path) -> None:
    """Write the graphs of a float32 model on the CPU; takes seconds to minutes, and its size."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    remove_unfinished(folder.parent)
    prefix = f"{_UNFINISHED}{os.getpid()}-"
    unfinished = Path(tempfile.mkdtemp(prefix=prefix, dir=folder.parent))
    try:
        # Traced in Python's warnings are sizes that never change.
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            for name, graph in _graphs(model, config).items():
                path = unfinished / f"{name}.xml"
                openvino.save_model(graph, path, compress_to_fp16=False)
        unfinished.rename(folder)
    except OSError:
        if not is_made(folder):  # else another process was faster
            raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _graphs(model: EvfSam, config: EvfSamConfig) -> dict[str, Any]:
    lean = LeanModel(model, "written").eval()
    images = torch.zeros(1, 3, *config.image_input.size)
    fusions = torch.zeros(1, 3, *config.fusion_input.size)
    tokens = torch.zeros(1, _PROMPTS, _TOKENS, dtype=torch.long)
    padding = torch.zeros_like(tokens, dtype=torch.bool)
    padding[0, 0, -1] = True
    encode = _Encode(lean.segmenter)
    features = encode(images)
    prompts = lean.prompt(fusions, tokens, padding)
    return {
        "encode": _converted(encode, (images,), [list(images.shape)]),
        "prompt": _converted(
            lean.prompt, (fusions, tokens, padding),
            [list(fusions.shape), [1, -1, -1], [1, -1, -1]],
        ),
        "decode": _converted(
            _Decode(lean, encode.kind), (prompts, *features),
            [[1, -1, prompts.shape[2]], *(list(each.shape) for each in features)],
        ),
    }  # fmt: skip


def _converted(module: nn.Module, example: tuple[Tensor, ...], shapes: list[list[int]]) -> Any:
    # Not run again to check the trace: `proof` compares what it answers.
    traced = torch.jit.trace(module.eval(), example, check_trace=False)
    graph = openvino.convert_model(traced, example_input=example)
    graph.reshape(dict(enumerate(shapes)))
    return graph


class _Encode(nn.Module):
    """Features as a tuple of tensors."""

    def __init__(self, segmenter: nn.Module) -> None:
        super().__init__()
        self.segmenter: Any = segmenter
        self.kind: type = Tensor  # known once it ran

    def forward(self, images_1CHW: Tensor) -> tuple[Tensor, ...]:
        features = self.segmenter.encode(images_1CHW)
        self.kind = type(features)
        return parts_of(features)


class _Decode(nn.Module):
    """Logits, predicted IoU and, where the model has it, presence, of a tuple of features."""

    def __init__(self, lean: LeanModel, kind: type) -> None:
        super().__init__()
        self.lean = lean
        self.kind = kind

    def forward(self, prompts_1PC: Tensor, *features: Tensor) -> tuple[Tensor, ...]:
        return parts_of(self.lean.decode(whole_of(self.kind, features), prompts_1PC))


class OpenVinoEngine:
    """Three compiled graphs; float32 unless bf16 is asked for."""

    name = "openvino"

    def __init__(self, folder: Path, precision: str, max_tokens: int) -> None:
        """Compile the graphs that `make` wrote; the weights are mapped, not read.

        Args:
            folder: the folder of the graphs.
            precision: fp32 or bf16.
            max_tokens: most tokens of an expression.
        """
        core = openvino.Core()
        settings = {
            "INFERENCE_PRECISION_HINT": _HINTS[precision],
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
            "ENABLE_CPU_PINNING": False,  # a robot's cores have other work to do as well
        }
        self._max_tokens = max_tokens
        self._lock = Lock()  # a request runs one inference at a time
        self._requests = {
            name: core.compile_model(
                folder / f"{name}.xml", "CPU", settings
            ).create_infer_request()
            for name in GRAPHS
        }

    def encode(self, images_B3HW: Tensor) -> list[tuple[Tensor, ...]]:
        """Return the features of every image."""
        return [self._run("encode", image[None]) for image in images_B3HW]

    def prompt(self, fusion_B3SS: Tensor, tokens_BPL: Tensor, padding_BPL: Tensor) -> Tensor:
        """Return one prompt per expression, (B, P, C)."""
        tokens_BPL, padding_BPL = to_bucket(tokens_BPL, padding_BPL, self._max_tokens)
        rows = zip(fusion_B3SS, tokens_BPL, padding_BPL, strict=True)
        return torch.cat([self._run("prompt", *(part[None] for part in row))[0] for row in rows])

    def decode(self, features: list[tuple[Tensor, ...]], prompts_BPC: Tensor) -> Decoded:
        """Return one mask per prompt."""
        answers = [
            self._run("decode", prompts_PC[None], *own)
            for prompts_PC, own in zip(prompts_BPC, features, strict=True)
        ]
        joined: Any = [torch.cat(parts) for parts in zip(*answers, strict=True)]
        return Decoded(*joined)

    def _run(self, graph: str, *inputs: Tensor) -> tuple[Tensor, ...]:
        arrays: list[Any] = [part.detach().contiguous().numpy() for part in inputs]
        with self._lock:
            outputs = self._requests[graph].infer(arrays, share_inputs=True)
        return tuple(torch.from_numpy(outputs[index]) for index in range(len(outputs)))
