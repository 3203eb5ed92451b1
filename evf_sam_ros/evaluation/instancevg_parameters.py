"""Parameter counts of InstanceVG beside those of its reference, and the operations of a prompt."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from evf_sam_ros.evaluation import cost
from evf_sam_ros.models.variants import VARIANTS, build

SIZE = "instancevg_b"
REFERENCE = 234_336_716  # counted in the public reference, with the modules that no answer needs
# Of these modules: widths 256 (BEIT-3 768), 10 queries, 4 levels.
UNUSED = {
    "query_embedding": 768 * 256,
    "proj_pixel_level_cons, 256 -> 128 and 256 -> 129": 256 * 128 + 128 + 256 * 129 + 129,
    "query_embed": 10 * 256,
    "level_embeds": 4 * 256,
    "tokens' attention to each other, all but the value bias and the output": 3 * 256**2 + 2 * 256,
}


def rows() -> dict[str, int]:
    """Count every part, without building it in memory."""
    with torch.device("meta"):
        model: Any = build(VARIANTS[SIZE])
    head = model.segmenter
    heads = nn.ModuleList([head.mask, head.no_target, head.classes, head.box])
    parts = {
        "BEIT-3": model.encoder,
        "projections": model.projector,
        "pyramid": head.pyramid,
        "U-Net": head.unet,
        "token reader": head.reader,
        "deformable decoder": head.decoder,
        "heads": heads,
        "all": model,
    }
    return {name: sum(each.numel() for each in part.parameters()) for name, part in parts.items()}


def report() -> Iterator[str]:
    """Return the table, line by line."""
    yield "InstanceVG: millions of parameters"
    for label, count in {**rows(), "its reference": REFERENCE}.items():
        yield f"{label:<34}{count / 1e6:>12.6f}"
    unused = ", ".join(f"{name} ({each})" for name, each in UNUSED.items())
    yield f"ours is without what no answer needs, {sum(UNUSED.values())}: {unused}"
    found = cost.operations(VARIANTS[SIZE])
    rest = found["all"] - found["encoder"]
    yield (
        f"billions of operations, a prompt of {cost.SENTENCE_TOKENS} tokens: {found['all']:.1f} "
        f"(BEIT-3 {found['encoder']:.1f}, head {rest:.1f}), without sampling between cells; "
        "nothing of it is shared by the prompts of a picture"
    )
