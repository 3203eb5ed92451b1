"""Engine of three exported graphs, whatever runs them: one image at a time, any number of prompts.

Shape suffixes: B images, P prompts per image, L tokens, C prompt width, H W image size, S S fusion
image size.
"""

from typing import Any, Protocol

import torch
from torch import Tensor

from evf_sam_ros.engines.fusion import to_bucket
from evf_sam_ros.models.segmenter import Decoded


class Runner(Protocol):
    """Three graphs of a folder, ready to run."""

    @property
    def name(self) -> str:
        """Return the name of the engine that runs by it."""
        ...

    @property
    def in_buckets(self) -> bool:
        """Tell whether words are to be filled up to a few lengths, as shapes are planned for."""
        ...

    @property
    def most_prompts(self) -> int | None:
        """Return how many prompts one run takes; None: any number."""
        ...

    def run(self, graph: str, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Run one of the graphs on inputs in the graph's order; return its outputs."""
        ...


class ExportedEngine:
    """An engine whose features are one tuple of tensors per image."""

    def __init__(self, runner: Runner, max_tokens: int) -> None:
        """Wrap a runner.

        Args:
            max_tokens: most tokens of an expression.
        """
        self._runner = runner
        self._max_tokens = max_tokens

    @property
    def name(self) -> str:
        """The name of the engine."""
        return self._runner.name

    def encode(self, images_B3HW: Tensor) -> list[tuple[Tensor, ...]]:
        """Return the features of every image."""
        return [self._runner.run("encode", (image[None],)) for image in images_B3HW]

    def prompt(self, fusion_B3SS: Tensor, tokens_BPL: Tensor, padding_BPL: Tensor) -> Tensor:
        """Return one prompt per expression, (B, P, C)."""
        if self._runner.in_buckets:
            tokens_BPL, padding_BPL = to_bucket(tokens_BPL, padding_BPL, self._max_tokens)
        rows = zip(fusion_B3SS, tokens_BPL, padding_BPL, strict=True)
        return torch.cat([self._prompts(*(part[None] for part in row)) for row in rows])

    def decode(self, features: list[tuple[Tensor, ...]], prompts_BPC: Tensor) -> Decoded:
        """Return one mask per prompt."""
        answers = [
            self._decoded(own, prompts_PC[None])
            for prompts_PC, own in zip(prompts_BPC, features, strict=True)
        ]
        joined: Any = [torch.cat(parts) for parts in zip(*answers, strict=True)]
        return Decoded(*joined)

    def _prompts(self, fusion_13SS: Tensor, tokens_1PL: Tensor, padding_1PL: Tensor) -> Tensor:
        pieces = zip(self._pieces(tokens_1PL), self._pieces(padding_1PL), strict=True)
        return torch.cat([self._runner.run("prompt", (fusion_13SS, *own))[0] for own in pieces], 1)

    def _decoded(self, features: tuple[Tensor, ...], prompts_1PC: Tensor) -> list[Tensor]:
        pieces = [
            self._runner.run("decode", (own, *features)) for own in self._pieces(prompts_1PC)
        ]
        return [torch.cat(parts, 1) for parts in zip(*pieces, strict=True)]

    def _pieces(self, rows_1P: Tensor) -> tuple[Tensor, ...]:
        most = self._runner.most_prompts
        return (rows_1P,) if most is None else rows_1P.split(most, 1)
