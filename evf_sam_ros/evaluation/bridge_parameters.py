"""The parameter counts of the SAM-CLIP bridge: table 2 of its supplement beside ours."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from evf_sam_ros.evaluation.cost import millions
from evf_sam_ros.models.bridge.config import BridgeEncoderConfig, BridgeSegmenterConfig
from evf_sam_ros.models.variants import VARIANTS, EvfSamConfig, build

DECIMAL_SLIP = (
    "a decimal slip: 0.788 has the same digits, and 7.88 would leave 2.26 M for pyramids and "
    "pixel decoder, which have 8.70 M"
)
MORE = "pyramids, pixel decoder, projections and sparse prompt, which the table does not list"


@dataclass(frozen=True)
class Row:
    """One number of the table."""

    label: str
    paper: float | None  # millions, as printed
    digits: int  # behind the point
    ours: int  # parameters
    note: str = ""

    @property
    def agrees(self) -> bool:
        """True if our count, rounded like the paper's, equals it."""
        return self.paper is not None and round(self.ours / 1e6, self.digits) == self.paper


def reported() -> EvfSamConfig:
    """Return the bridge that table 2 counts: told the category, always a target."""
    ours = VARIANTS["sam_clip_bridge"]
    assert isinstance(ours.encoder, BridgeEncoderConfig)
    assert isinstance(ours.segmenter, BridgeSegmenterConfig)
    return replace(
        ours,
        encoder=replace(ours.encoder, sparse="category"),
        segmenter=replace(ours.segmenter, no_target=False),
    )


def rows() -> list[Row]:
    """Count every component, without building it in memory.

    Raises:
        ValueError: `transformers` is not installed.
    """
    with torch.device("meta"):
        model: Any = build(reported())
        deployed: Any = build(VARIANTS["sam_clip_bridge"])
    encoder, segmenter = model.encoder, model.segmenter
    sam = segmenter.promptable
    rest = [encoder.words, encoder.category, encoder.pyramid, segmenter.pyramid]
    rest += [encoder.pixel_decoder, encoder.read, encoder.read_norm]
    listed = [sam.mask_decoder, encoder.bert, segmenter.queries, encoder.fusion]
    return [
        Row("CLIP ViT", 304.3, 1, _size(encoder.picture), "with its projection, which lies idle"),
        Row("SAM ViT", 89.67, 2, _size(sam.image_encoder)),
        Row(
            "SAM decoder", 4.06, 2, _size(sam.mask_decoder),
            f"of which {millions(sam.mask_decoder.iou_prediction_head):.3f} M predict IoU: frozen",
        ),
        Row("BERT", 108.9, 1, _size(encoder.bert), "without its pooler"),
        Row("DFAM", 6.90, 2, _size(segmenter.queries), "two branches of three layers"),
        Row("PWAM", 7.88, 2, _size(encoder.fusion), DECIMAL_SLIP),
        Row("everything else", None, 2, _size(*rest), MORE),
        Row("frozen", 394.0, 1, _size(encoder.picture, sam.image_encoder)),
        Row("trainable", 130.0, 1, _size(*listed, *rest), "the sum of all but the two ViT"),
        Row("no-target branch", None, 3, _size(deployed.segmenter.no_target), "GRES only"),
        Row(
            "SAM prompt encoder", None, 3, _size(sam.prompt_encoder),
            "its positions are used, its prompts are not",
        ),
    ]  # fmt: skip


def report() -> Iterator[str]:
    """Return the table, line by line."""
    yield "SAM-CLIP bridge, table 2 of its supplement: millions of parameters"
    yield f"{'component':<20}{'paper':>8}{'ours':>13}"
    for row in rows():
        paper = "-" if row.paper is None else f"{row.paper:.{row.digits}f}"
        differs = row.paper is not None and not row.agrees
        note = f"  {'differs: ' if differs else ''}{row.note}" if row.note else ""
        yield f"{row.label:<20}{paper:>8}{row.ours / 1e6:>13.6f}{note}"


def _size(*parts: nn.Module) -> int:
    return sum(weight.numel() for part in parts for weight in part.parameters())
