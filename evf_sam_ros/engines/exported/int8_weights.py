"""Weights of exported graphs stored in 8 bits for OpenVINO: less memory, not more speed.

NNCF rounds every matrix asymmetrically, channel by channel; what is computed stays float32.
The decoder keeps its weights: its scores decide, and of a large model it is one percent.
"""

import logging
import os
import shutil
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import openvino

from evf_sam_ros.engines.cache import cache_of, key_of
from evf_sam_ros.engines.exported.folder import Description, graph_files, graph_path
from evf_sam_ros.engines.exported.onnx_graphs import GRAPHS

_EXACT = ("decode",)


def compressed_files(folder: Path, found: Description) -> dict[str, Path]:
    """Return OpenVINO's files of the graphs with weights in 8 bits, made once and cached.

    Raises:
        ValueError: they are not made yet, and NNCF is not installed.
    """
    marks = [found.files.get(name) for graph in GRAPHS for name in graph_files(graph)]
    made = cache_of("int8") / key_of(marks, openvino.__version__)
    if not made.is_dir():
        _make(folder, made)
    return {graph: made / f"{graph}.xml" for graph in GRAPHS}


def _make(folder: Path, made: Path) -> None:
    """Write the files; the folder appears at once or not at all."""
    if find_spec("nncf") is None:
        raise ValueError("precision 'int8' needs: pip install 'evf_sam_ros[int8]'")
    made.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f"unfinished-{os.getpid()}-", dir=made.parent))
    try:
        for graph in GRAPHS:
            model = openvino.Core().read_model(str(graph_path(folder, graph)))
            if graph not in _EXACT:
                model = _compressed(model)
            openvino.save_model(model, unfinished / f"{graph}.xml", compress_to_fp16=False)
        unfinished.rename(made)
    except OSError:
        if not made.is_dir():  # else another process was faster
            raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _compressed(model: Any) -> Any:
    import nncf

    nncf.set_log_level(logging.ERROR)
    mode = nncf.CompressWeightsMode.INT8_ASYM
    return nncf.compress_weights(model, mode=mode)
