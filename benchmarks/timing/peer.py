"""Other implementations, imported from a folder that is named on the command line."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

import torch

from benchmarks.timing.contender import Contender, Step, steps_of
from benchmarks.timing.inputs import Inputs
from evf_sam_ros.models.evf_sam import EvfSam
from evf_sam_ros.models.variants import EvfSamConfig


def peer(
    folder: Path,
    model: EvfSam,
    config: EvfSamConfig,
    inputs: Inputs,
    device: torch.device,
    dtype: torch.dtype,
) -> Contender:
    """Return the steps that `folder/implementation.py` offers for a float32 model.

    Raises:
        ValueError: it is not made for such a model.
    """
    built = dict(_imported(folder).build(config, model, device, dtype))
    note = built.pop("note", "")
    frame = built.pop("frame", None)
    steps = steps_of(built, inputs)
    if {"encode", "prompt", "decode"} <= built.keys():
        steps["network"] = _network(built, inputs)
    if frame is not None:
        steps["frame"] = lambda number, prompts: frame(
            inputs.photograph(number), *inputs.words(number, prompts)
        )
    return Contender(folder.name, steps, is_peer=True, note=note)


def _network(built: dict[str, Any], inputs: Inputs) -> Step:
    def network(frame: int, prompts: int) -> Any:
        features = built["encode"](inputs.image(frame))
        asked = built["prompt"](inputs.fusion(frame), *inputs.words(frame, prompts))
        return built["decode"](features, asked)

    return network


def _imported(folder: Path) -> Any:
    path = folder / "implementation.py"
    name = f"implementation_{folder.name}"
    spec = importlib.util.spec_from_file_location(name, path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise SystemExit(f"--against {folder}: there is no {path.name} in it")
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(folder))  # for what it imports from beside itself
    spec.loader.exec_module(module)
    return module
