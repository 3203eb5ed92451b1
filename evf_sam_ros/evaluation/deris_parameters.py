"""Parameter counts of DeRIS beside those of its reference, and the operations of a prompt."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from evf_sam_ros.evaluation import cost
from evf_sam_ros.models.variants import VARIANTS, build

SIZES = ("deris_b", "deris_l")
# Counted in the public reference, built at full size, with the modules that no answer needs.
REFERENCE = {"deris_b": 291_474_838, "deris_l": 781_556_292}
# Of these modules: widths 256, 20 queries, 4 steps. A linear layer has inputs * outputs + outputs.
UNUSED = {
    "no-target layer and start queries of the perception branch": 256 + 1 + 20 * 256,
    "SEG_proj, two layers": 2 * (256 * 256 + 256),
    "mapmlp of each step's attention, 1 -> 256 -> 8": 4 * (256 + 256 + 256 * 8),
    "logit_embed, 2 logits per query": 256 * 2 + 2,
}


@dataclass(frozen=True)
class Row:
    """One part of the model."""

    label: str
    parameters: tuple[int, ...]  # by size


def rows() -> list[Row]:
    """Count every part of both sizes, without building them in memory."""
    counted = [_parts(name) for name in SIZES]
    return [Row(label, tuple(parts[label] for parts in counted)) for label in counted[0]]


def report() -> Iterator[str]:
    """Return the table, line by line."""
    yield "DeRIS: millions of parameters"
    yield f"{'part':<34}" + "".join(f"{name:>12}" for name in SIZES)
    for row in rows():
        yield f"{row.label:<34}" + "".join(f"{each / 1e6:>12.6f}" for each in row.parameters)
    yield f"{'its reference':<34}" + "".join(f"{REFERENCE[each] / 1e6:>12.6f}" for each in SIZES)
    unused = ", ".join(f"{name} ({each})" for name, each in UNUSED.items())
    yield f"ours is without what no answer needs, {sum(UNUSED.values())}: {unused}"
    yield f"billions of operations, one picture and a prompt of {cost.SENTENCE_TOKENS} tokens:"
    for name in SIZES:
        found = cost.operations(VARIANTS[name])
        parts = ", ".join(f"{part} {value:.1f}" for part, value in found.items() if part != "all")
        yield f"{name}: {found['all']:.1f} ({parts}), without sampling between cells"


def _parts(name: str) -> dict[str, int]:
    with torch.device("meta"):
        model: Any = build(VARIANTS[name])
    picture, decoder = model.segmenter.picture, model.segmenter.decoder
    parts = {
        "BEIT-3": _size(model.encoder),
        "projections and start queries": _size(model.projector),
        "Swin": _size(picture.swin),
        "pixel decoder": _size(picture.pixels),
        "query decoder and loopback": _size(decoder),
        "existence": _size(model.segmenter.existence),
    }
    return {**parts, "all": _size(model)}


def _size(module: nn.Module) -> int:
    return sum(weight.numel() for weight in module.parameters())
