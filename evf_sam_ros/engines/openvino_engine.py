"""Run a model by OpenVINO on a CPU: 1.0 to 1.2 times as fast as torch, with the same answers.

Shape suffixes: B images, P prompts per image, L tokens, C prompt width, H W image size,
S S fusion image size.
"""

from pathlib import Path
from threading import Lock
from typing import Any

import openvino
import torch
from torch import Tensor

from evf_sam_ros.engines.fusion import to_bucket
from evf_sam_ros.engines.openvino_graphs import GRAPHS
from evf_sam_ros.models.segmenter import Decoded

_HINTS = {"fp32": "f32", "bf16": "bf16"}


class OpenVinoEngine:
    """Three compiled graphs; float32 unless bf16 is asked for."""

    name = "openvino"

    def __init__(self, folder: Path, precision: str, max_tokens: int) -> None:
        """Compile what `openvino_graphs.make` wrote; the weights are mapped, not read."""
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
        return Decoded(*(torch.cat(parts) for parts in zip(*answers, strict=True)))

    def _run(self, graph: str, *inputs: Tensor) -> tuple[Tensor, ...]:
        arrays: list[Any] = [part.detach().contiguous().numpy() for part in inputs]
        with self._lock:
            outputs = self._requests[graph].infer(arrays, share_inputs=True)
        return tuple(torch.from_numpy(outputs[index]) for index in range(len(outputs)))
