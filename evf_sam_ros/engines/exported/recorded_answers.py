"""Recorded questions and answers of a model, to check with what runs its exported files.

Questions are a grid of numbers of prompts and of tokens about two random pictures, asked in turn:
an engine that keeps its answer to the last picture is found. Answers are the model's as it is
written, in float32: image features, prompts, logits and scores.

Shape suffixes: B images (1), P prompts, L tokens, C prompt width, H W image size, S S fusion image
size.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from evf_sam_ros.engines.proof import PlainEngine, question
from evf_sam_ros.engines.tensor_tuples import parts_of
from evf_sam_ros.models.evf_sam import EvfSam
from evf_sam_ros.models.variants import EvfSamConfig
from evf_sam_ros.whole_files import whole_file

PICTURES = 2
_PROMPTS = (1, 3, 8)
_TOKENS = (3, 8, 20, 64)
_PARTS = ("logits", "iou", "presence")
_WORDS = ("tokens", "padding")
_SCORES = ("iou", "presence")

Arrays = Mapping[str, NDArray[Any]]
Step = Callable[[], None]  # called after each part of the work


@dataclass(frozen=True)
class Question:
    """One cell of the grid."""

    number: int
    picture: int
    prompts: int
    tokens: int

    def key(self, name: str) -> str:
        """Return the name of one of its arrays."""
        return f"question_{self.number}_{name}"


@dataclass(frozen=True)
class StageErrors:
    """Relative L2 errors of one question's answers; not a number where an answer holds one."""

    question: Question
    features: float
    prompts: float
    logits: float
    scores: float

    def excess(self, tolerances: Mapping[str, float]) -> list[str]:
        """Return a clause for every error above its tolerance."""
        found = {
            "features": (self.features, tolerances["stages"]),
            "prompts": (self.prompts, tolerances["stages"]),
            "logits": (self.logits, tolerances["logits"]),
            "scores": (self.scores, tolerances["scores"]),
        }
        return [
            f"{name} differ by {error:.0e}, need at most {most:.0e}"
            for name, (error, most) in found.items()
            if not error <= most
        ]


def grid(max_tokens: int) -> list[Question]:
    """Return the questions about a model that reads at most so many tokens."""
    lengths = sorted({min(each, max_tokens) for each in _TOKENS})
    cells = [(prompts, tokens) for tokens in lengths for prompts in _PROMPTS]
    return [Question(number, number % PICTURES, *cell) for number, cell in enumerate(cells)]


def record(model: EvfSam, config: EvfSamConfig, path: Path, done: Step) -> None:
    """Write the questions and the model's answers: a few images' time, tens of megabytes.

    Args:
        model: float32, on the CPU.
        path: the .npz file.
        done: called after every question.
    """
    arrays: dict[str, NDArray[Any]] = {}
    engine = PlainEngine(model)
    features: list[Any] = []
    for picture in range(PICTURES):
        images, fusions, *_ = question(config, 1, 1, seed=picture)
        with torch.inference_mode():
            features.append(engine.encode(images))
        arrays[f"image_{picture}"] = images.numpy()
        arrays[f"fusion_{picture}"] = fusions.numpy()
        for number, part in enumerate(parts_of(features[picture])):
            arrays[f"features_{picture}_{number}"] = part.numpy()
    for asked in grid(config.encoder.max_tokens):
        _, _, tokens, padding = question(config, asked.prompts, asked.tokens, seed=asked.number)
        fusions = torch.from_numpy(arrays[f"fusion_{asked.picture}"])
        with torch.inference_mode():
            prompts_1PC = engine.prompt(fusions, tokens, padding)
            decoded = parts_of(engine.decode(features[asked.picture], prompts_1PC))
        named = dict(zip(_PARTS, decoded, strict=False))
        named |= {"tokens": tokens, "padding": padding, "prompts": prompts_1PC}
        arrays |= {asked.key(name): value.numpy() for name, value in named.items()}
        done()
    with whole_file(path) as partial:
        np.savez(partial, allow_pickle=False, **arrays)


def load(path: Path) -> Arrays:
    """Read a file of answers.

    Raises:
        ValueError: it cannot be read.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except Exception as error:  # a damaged archive can raise anything
        raise ValueError(f"{path} cannot be read, it is damaged: export again") from error


def replay(
    engine: Any, answers: Arrays, max_tokens: int, device: torch.device
) -> Iterator[StageErrors]:
    """Ask an engine every recorded question and yield its errors, question after question.

    Args:
        engine: has `encode`, `prompt` and `decode`; its features are a list of tuples of tensors.
        device: where the engine takes its inputs.
    """
    for asked in grid(max_tokens):
        yield _errors(engine, answers, asked, device)


def _errors(engine: Any, answers: Arrays, asked: Question, device: torch.device) -> StageErrors:
    names = (f"image_{asked.picture}", f"fusion_{asked.picture}", *map(asked.key, _WORDS))
    image, fusion, tokens, padding = (torch.from_numpy(answers[name]).to(device) for name in names)
    with torch.inference_mode():
        features = engine.encode(image)
        prompts_1PC = engine.prompt(fusion, tokens, padding)
        decoded = dict(zip(_PARTS, parts_of(engine.decode(features, prompts_1PC)), strict=False))
    expected = {name: answers[asked.key(name)] for name in decoded}
    own = [answers[f"features_{asked.picture}_{number}"] for number in range(len(features[0]))]
    return StageErrors(
        asked,
        features=max(map(_error, own, features[0])),
        prompts=_error(answers[asked.key("prompts")], prompts_1PC),
        logits=_error(expected["logits"], decoded["logits"]),
        scores=max(
            _error(expected[name], decoded[name], floor=1.0) for name in _SCORES if name in decoded
        ),
    )


def _error(expected: NDArray[Any], computed: Tensor, floor: float = 0.0) -> float:
    """Return the relative L2 error; numbers whose root mean square is below `floor` count as it.

    Another shape is an infinite error.
    """
    if expected.shape != tuple(computed.shape):
        return float("inf")
    wanted, got = expected.astype(np.float64), computed.double().cpu().numpy()
    size = max(float(np.linalg.norm(wanted)), floor * float(np.sqrt(wanted.size)))
    return float(np.linalg.norm(wanted - got)) / max(size, np.finfo(float).tiny)
