"""Catalogue of models: size, source, and whether they fit this machine."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from evf_sam_ros.models.bridge.config import BridgeSegmenterConfig
from evf_sam_ros.models.compact import CompactConfig
from evf_sam_ros.models.deris.deris_config import DerisConfig
from evf_sam_ros.models.efficient_sam import EfficientSamConfig
from evf_sam_ros.models.instancevg.instancevg_config import InstanceVgConfig
from evf_sam_ros.models.sam import SamConfig
from evf_sam_ros.models.sam2 import Sam2Config
from evf_sam_ros.models.variants import (
    VARIANTS,
    EvfSamConfig,
    SegmenterConfig,
    build,
    is_bridge,
)
from evf_sam_ros.perception import hub
from evf_sam_ros.perception.licences import UNPUBLISHED, Licence, licence_of
from evf_sam_ros.perception.model_folder import DEFAULT_MODEL, embedded_models

GIB = 2**30

# Hugging Face ids of the authors of EVF-SAM. They never published weights with EfficientSAM or
# with a tiny SAM 2; the same networks can be trained or loaded from a folder.
PUBLISHED = {
    "evf_sam": ("YxZhang/evf-sam-multitask", "YxZhang/evf-sam"),
    "evf_sam2": ("YxZhang/evf-sam2-multitask", "YxZhang/evf-sam2"),
}
# Repositories of single checkpoints without config.json: a user fetches one of the files.
BY_HAND = {
    "instancevg_b": ("Dmmm997/InstanceVG",),
    "deris_b": ("Dmmm997/DeRIS",),
    "deris_l": ("Dmmm997/DeRIS",),
}

# Memory beside the weights while one prompt is answered, GiB: libraries and activations.
# Measured on a CPU in float32; a GPU in half precision takes about as much.
WORKING_GIB: dict[type[SegmenterConfig], float] = {
    SamConfig: 4.0,
    EfficientSamConfig: 0.6,
    Sam2Config: 1.0,
    CompactConfig: 0.5,
    BridgeSegmenterConfig: 3.0,  # estimated from SAM's, whose smaller encoder it has
    DerisConfig: 0.6,
    InstanceVgConfig: 0.6,
}


@dataclass(frozen=True)
class Memory:
    """Free memory of a machine, bytes."""

    cpu: int
    gpu: int  # 0: no GPU


@dataclass(frozen=True)
class Entry:
    """One model of the table."""

    name: str
    parameters: int
    needs: int  # bytes of memory, weights in float32 and everything else
    sources: tuple[str, ...]  # what `--model` takes; empty: only a folder of one's own
    licence: Licence = UNPUBLISHED  # of the published weights
    by_hand: tuple[str, ...] = ()  # where else they are

    def fits(self, memory: Memory) -> str:
        """Return the devices on which the model fits, "no" if none."""
        places = [name for name, free in (("cpu", memory.cpu), ("gpu", memory.gpu)) if free]
        fitting = [name for name in places if getattr(memory, name) >= self.needs]
        return "+".join(fitting) or "no"


def entries() -> Iterator[Entry]:
    """Return every model whose libraries are installed, the default one first."""
    for name in sorted(VARIANTS, key=lambda name: name != DEFAULT_MODEL):
        config = VARIANTS[name]
        if is_bridge(config) and not find_spec("transformers"):
            continue
        parameters = count_parameters(config)
        needs = int(4 * parameters + GIB * WORKING_GIB[type(config.segmenter)])
        embedded = (name,) if name in embedded_models() else ()
        sources = embedded + PUBLISHED.get(name, ())
        yield Entry(
            name, parameters, needs, sources, licence_of(name), by_hand=BY_HAND.get(name, ())
        )


def count_parameters(config: EvfSamConfig) -> int:
    """Count the parameters of a model without allocating it."""
    with torch.device("meta"):
        return sum(weight.numel() for weight in build(config).parameters())


def this_machine() -> Memory:
    """Return what memory is free here, on the roomiest GPU if there are several."""
    gpus = range(torch.cuda.device_count() if torch.cuda.is_available() else 0)
    return Memory(_free_memory(), max((torch.cuda.mem_get_info(i)[0] for i in gpus), default=0))


def table(memory: Memory) -> str:
    """Return the table that `evf-sam models` prints."""
    head = f"{'model':<22}{'parameters':>11}  {'memory':>8}  {'fits':<8}"
    lines = [f"{head}{'licence':<14}{'commercial':<12}from"]
    listed = list(entries())
    for entry in listed:
        parameters, needs = f"{entry.parameters / 1e6:.1f} M", f"{entry.needs / GIB:.1f} GiB"
        start = f"{entry.name:<22}{parameters:>11}  {needs:>8}  {entry.fits(memory):<8}"
        places = [*map(_place, entry.sources), *(f"{each} (by hand)" for each in entry.by_hand)]
        terms = f"{entry.licence.name:<14}{entry.licence.commercial:<12}"
        lines.append(f"{start}{terms}{', '.join(places) or '-'}")
    for name in VARIANTS.keys() - {entry.name for entry in listed}:
        lines.append(f"{name:<22}needs transformers: pip install 'evf_sam_ros[encoders]'")
    gpu = f"{memory.gpu / GIB:.1f} GiB on a GPU" if memory.gpu else "no GPU"
    lines += [
        "",
        f"free here: {memory.cpu / GIB:.1f} GiB of memory, {gpu}",
        "`evf-sam download ID` fetches a model with a / in its name; --model takes what stands "
        "under 'from', or any folder with config.json, weights and tokenizer.",
        "by hand: single files, of which `evf-sam download ID` tells how to fetch one.",
        "licence: of the published weights; commercial: whether it allows commercial use. All "
        "were trained on research data sets, which have terms of their own.",
    ]
    return "\n".join(lines)


def document(memory: Memory) -> dict[str, Any]:
    """Return what the table holds as JSON has it; sizes in bytes."""
    models = [
        {
            "name": entry.name,
            "parameters": entry.parameters,
            "memory": entry.needs,
            "fits": entry.fits(memory),
            "licence": entry.licence.name,
            "commercial_use": entry.licence.is_commercial,
            "from": list(entry.sources),
            "downloaded": [
                each for each in entry.sources if hub.is_hub_id(each) and hub.cached(each)
            ],
        }
        for entry in entries()
    ]
    return {"free": {"cpu": memory.cpu, "gpu": memory.gpu}, "models": models}


def _place(source: str) -> str:
    if not hub.is_hub_id(source):
        return f"{source} (in the package)"
    return f"{source} (downloaded)" if hub.cached(source) else source


def _free_memory() -> int:
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable"))
