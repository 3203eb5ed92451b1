"""OpenVINO runs the exported graphs on a CPU; the weights of large ones are mapped, not read."""

from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import Any

import openvino
import torch
from torch import Tensor

from evf_sam_ros.engines.exported.folder import graph_path
from evf_sam_ros.engines.exported.onnx_graphs import GRAPHS

OPENVINO_HINTS = {"fp32": "f32", "bf16": "bf16", "int8": "f32"}  # by precision


def version() -> str:
    """Return the version of OpenVINO."""
    return openvino.__version__


class OpenVinoRunner:
    """Three compiled graphs; float32 unless bf16 or int8 is asked for."""

    name = "openvino"
    in_buckets = True  # it plans for every shape that it meets
    most_prompts = None

    def __init__(
        self, folder: Path, precision: str, files: Mapping[str, Path] | None = None
    ) -> None:
        """Compile the graphs of a folder.

        Args:
            precision: fp32, bf16, or int8 for `files` with weights in 8 bits.
            files: of each graph; None: those of the folder.
        """
        files = files or {graph: graph_path(folder, graph) for graph in GRAPHS}
        core = openvino.Core()
        settings = {
            "INFERENCE_PRECISION_HINT": OPENVINO_HINTS[precision],
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
            "ENABLE_CPU_PINNING": False,  # a robot's cores have other work to do as well
        }
        self._lock = Lock()  # a request runs one inference at a time
        self._requests = {
            graph: core.compile_model(str(files[graph]), "CPU", settings).create_infer_request()
            for graph in GRAPHS
        }

    def run(self, graph: str, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Run one of the graphs."""
        arrays: list[Any] = [part.detach().contiguous().numpy() for part in inputs]
        with self._lock:
            outputs = self._requests[graph].infer(arrays, share_inputs=True)
        return tuple(torch.from_numpy(outputs[index]) for index in range(len(outputs)))
