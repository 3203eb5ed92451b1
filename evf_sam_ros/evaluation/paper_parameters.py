"""The parameter counts of the EVF-SAM paper beside ours: its table 6, the encoders of table 3."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from evf_sam_ros.evaluation.cost import millions
from evf_sam_ros.models.ablations import ABLATIONS
from evf_sam_ros.models.variants import VARIANTS, build

MODELS = {**VARIANTS, **ABLATIONS}
# What `count` finds equal: the paper rounds to three digits.
ROUNDING = 0.005

WHOLE_CLIP = (
    "only the words are read, so ours holds CLIP's text half alone; with the picture half, "
    "304.0 M, it would be 1.07 B, and what the remaining 10 M are, the paper does not say"
)
WITH_MASKED_WORDS = (
    "the paper's ViLT is 136 M: 24.7 M more than ours are a pooler and the head of its "
    "masked-word training, neither of which prompts anything; 5 M remain unexplained"
)
HEADS = "ours is without pooler (0.6 M) and masked-word head (24.1 M), which prompt nothing"


@dataclass(frozen=True)
class Row:
    """One line of a table of the paper."""

    label: str
    paper: float  # millions
    model: str  # our row
    note: str = ""


TABLE_6 = (
    Row("CLIP-Large, SAM-ViT-H", 1080, "clip_l_text", WHOLE_CLIP),
    Row("ViLT, SAM-ViT-H", 783, "vilt_early", WITH_MASKED_WORDS),
    Row("BEIT-3-Base, SAM-ViT-H", 863, "beit3_b"),
    Row("BEIT-3-Large, Efficient-SAM-S", 700, "evf_effisam_l"),
    Row("BEIT-3-Large, SAM-ViT-H", 1320, "evf_sam"),
    Row("BEIT-3-Large, SAM-2-L", 898, "evf_sam2"),
)
TABLE_3 = (
    Row("CLIP-Large, text", 123, "clip_l_text", "ours with the projection to the joint space"),
    Row("CLIP-Large, late", 428, "clip_l_late"),
    Row(
        "CLIP-Huge, text", 302, "clip_h_text",
        "the paper counts the 24 layers, ours also words, positions and projection, 51.8 M",
    ),
    Row("CLIP-Huge, late", 986, "clip_h_late"),
    Row("ViLT, text", 133, "vilt_text", HEADS + "; the patch embedding, 2.5 M, lies idle"),
    Row("ViLT, late", 136, "vilt_late", HEADS),
    Row("ViLT, early", 136, "vilt_early", HEADS),
    Row(
        "BEIT-3-Large, text", 370, "beit3_l_text",
        "the checkpoint is loaded whole; what the words pass through is {read} M",
    ),
    Row("BEIT-3-Large, late", 673, "beit3_l_late"),
    Row("BEIT-3-Large, early (L1-L12)", 673, "beit3_l_early_12"),
    Row("BEIT-3-Large, early (L1-L24)", 673, "evf_sam"),
)  # fmt: skip


@dataclass(frozen=True)
class Counts:
    """Millions of parameters of a model."""

    total: float
    encoder: float
    projector: float
    segmenter: float
    read: float  # of the encoder: without what only a picture passes through


def count(model: str) -> Counts:
    """Count a model's parameters, without building it in memory.

    Raises:
        ValueError: the model needs `transformers`, which is not installed.
    """
    try:
        with torch.device("meta"):
            built = build(MODELS[model])
    except ModuleNotFoundError as error:
        raise ValueError(f"needs {error.name}: pip install 'evf_sam_ros[encoders]'") from error
    idle = sum(
        weight.numel() for name, weight in built.encoder.named_parameters() if _pictures_only(name)
    )
    encoder = millions(built.encoder)
    return Counts(
        total=millions(built),
        encoder=encoder,
        projector=millions(built.projector),
        segmenter=millions(built.segmenter),
        read=encoder - idle / 1e6,
    )


def report() -> Iterator[str]:
    """Return both tables, line by line."""
    yield "Table 6: whole models, millions of parameters"
    yield _line("multimodal encoder, SAM", "paper", "ours", "encoder", "projector", "SAM")
    yield from _rows(TABLE_6, whole=True)
    yield ""
    yield "Table 3: encoders alone, millions of parameters"
    yield _line("encoder, fusion", "paper", "ours")
    yield from _rows(TABLE_3, whole=False)


def _rows(rows: tuple[Row, ...], *, whole: bool) -> Iterator[str]:
    for row in rows:
        try:
            counts = count(row.model)
        except ValueError as error:
            yield _line(row.label, f"{row.paper:.0f}", str(error))
            continue
        parts = (counts.encoder, counts.projector, counts.segmenter)
        ours = (counts.total, *parts) if whole else (counts.encoder,)
        yield _line(row.label, f"{row.paper:.0f}", *(f"{number:.1f}" for number in ours))
        if abs(ours[0] / row.paper - 1) > ROUNDING:
            yield f"    {100 * (ours[0] / row.paper - 1):+.1f} %: {_note(row, counts)}"


def _note(row: Row, counts: Counts) -> str:
    return row.note.format(read=f"{counts.read:.1f}")


def _line(label: str, *columns: str) -> str:
    return f"{label:<32}" + "".join(f"{column:>11}" for column in columns)


def _pictures_only(name: str) -> bool:
    return ".A." in name or name.startswith(("vision_embed.", "vision."))
