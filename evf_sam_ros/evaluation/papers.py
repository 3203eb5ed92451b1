"""Published figures of EVF-SAM (arXiv:2406.20076) and Ito (WACV 2025), to compare with."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

RES_SPLITS = (
    "refcoco/val", "refcoco/testA", "refcoco/testB", "refcoco+/val", "refcoco+/testA",
    "refcoco+/testB", "refcocog/val", "refcocog/test",
)  # fmt: skip
AVERAGE = "average"  # of RES_SPLITS

# Percent, in the order of RES_SPLITS, then the average; "-": not reported.
EVF_SAM_TABLE_2 = """
LAVT                       72.7 75.8 68.8 62.1 68.4 55.1 -    -    -
PolyFormer-L               76.9 78.5 74.8 72.2 75.7 66.7 71.2 71.2 73.4
UNINEXT-H                  82.2 83.4 81.3 72.5 76.4 66.2 74.4 76.4 76.6
UniLSeg-100                81.7 83.2 79.9 73.2 78.3 68.2 -    -    -
UniRef++-L                 79.1 82.1 77.5 68.4 74.0 61.5 71.4 72.8 73.4
LISA-7B                    74.1 76.5 71.1 62.4 67.4 56.5 66.4 68.5 67.9
PixelLM                    73.0 76.5 68.2 66.3 71.7 58.3 69.3 70.5 69.2
PixelLLM                   76.9 78.5 74.4 69.2 72.1 64.5 70.7 72.4 72.3
GLaMM                      79.5 83.2 76.9 72.6 78.7 64.6 74.2 74.9 75.6
u-LLaVA                    80.4 82.7 77.8 72.2 76.6 66.8 74.8 75.6 75.9
PSALM                      83.6 84.7 81.6 72.9 75.5 70.1 73.8 74.4 77.1
EVF-SAM (RefCOCO)          82.1 83.7 80.0 75.2 78.3 70.1 76.8 77.4 78.0
EVF-SAM (with more data)   82.4 84.2 80.2 76.5 80.0 71.9 78.2 78.3 79.0
"""
EVF_SAM_TABLE_3 = """
CLIP-Large (OpenAI), text         61.0 63.4 59.9 43.1 45.9 40.6 48.9 49.6 51.6
CLIP-Large (OpenAI), late         67.4 68.9 64.4 50.5 54.6 46.7 55.1 56.2 58.0
CLIP-Large (OpenCLIP), text       60.8 63.2 59.0 42.9 46.4 39.2 49.2 50.5 51.4
CLIP-Large (OpenCLIP), late       66.1 67.8 63.1 49.8 51.9 44.1 54.1 55.0 56.5
CLIP-Huge (OpenCLIP), text        61.7 64.2 60.1 44.2 47.8 40.2 49.6 50.9 52.3
CLIP-Huge (OpenCLIP), late        66.3 68.2 64.3 49.8 53.5 45.1 55.4 56.7 57.4
ViLT, text                        61.0 63.0 60.0 42.5 45.4 39.5 49.3 49.5 51.3
ViLT, late                        61.4 64.0 59.6 42.8 46.4 40.1 49.5 50.0 51.7
ViLT, early                       73.9 75.3 70.9 61.1 64.4 55.2 65.1 66.8 66.6
BEIT-3-Large, text                61.6 65.1 59.4 44.0 47.6 40.6 49.5 50.8 52.3
BEIT-3-Large, late                67.7 70.2 65.4 51.1 55.0 46.9 57.2 57.0 58.8
BEIT-3-Large, early (L1-L12)      80.6 82.2 78.8 72.4 75.7 66.7 73.7 75.0 75.6
BEIT-3-Large, early (L1-L24)      82.1 83.7 80.0 75.2 78.3 70.1 76.8 77.4 78.0
"""
EVF_SAM_TABLE_6 = """
CLIP-Large, SAM-ViT-H             61.0 63.4 59.9 43.1 45.9 40.6 48.9 49.6 51.6
ViLT, SAM-ViT-H                   73.9 75.3 70.9 61.1 64.4 55.2 65.1 66.8 66.6
BEIT-3-Base, SAM-ViT-H            78.9 80.6 75.3 69.8 74.2 63.0 71.6 72.9 73.3
BEIT-3-Large, Efficient-SAM-S     82.5 83.5 80.4 75.4 77.9 70.2 76.1 77.1 77.9
BEIT-3-Large, SAM-ViT-H           82.1 83.7 80.0 75.2 78.3 70.1 76.8 77.4 78.0
BEIT-3-Large, SAM-2-L             82.7 84.1 80.0 76.3 80.1 71.8 77.0 78.4 78.8
"""
ITO_TABLE_1_OIOU = """
category prompt (p_sparse)        -    -    -    66.19 72.37 56.75 -    -    -
sentence prompt (p'_sparse)       -    -    -    66.08 71.02 56.70 -    -    -
"""
ITO_TABLE_1_MIOU = """
category prompt (p_sparse)        -    -    -    70.56 75.87 62.08 -    -    -
sentence prompt (p'_sparse)       -    -    -    70.08 75.41 61.89 -    -    -
"""
ITO_TABLE_3_OIOU = """
ReLA                              73.82 76.48 70.18 - - - 65.00 65.97 -
ReLA, reproduced                  73.73 76.71 69.98 - - - 64.40 65.63 -
Ito                               74.80 78.02 69.96 - - - 65.34 67.08 -
"""
ITO_TABLE_3_MIOU = """
ReLA, reproduced                  76.06 78.19 73.05 - - - 67.87 68.45 -
Ito                               76.75 79.55 72.74 - - - 69.56 70.34 -
"""
ITO_TABLE_5 = """
ReLA (225M)                       73.82 76.48 70.18 66.04 71.02 57.65 65.00 65.97 -
CGFormer (251M)                   74.75 77.37 70.64 64.54 71.00 57.14 64.68 65.09 -
LISA (7.3B)                       74.9  79.1  72.3  65.1  70.8  58.1  67.9  70.6  -
Ito (524M)                        74.80 78.02 69.96 66.19 72.38 56.75 65.34 67.08 -
"""
# RefCOCOg umd; Pr@0.5 ... Pr@0.9
ITO_TABLE_4 = {
    "refcocog/val": {
        "ReLA, reproduced": (76.92, 72.90, 66.79, 56.70, 29.68),
        "Ito": (78.16, 74.75, 69.85, 60.04, 33.61),
    },
    "refcocog/test": {
        "ReLA, reproduced": (77.55, 73.50, 67.70, 57.08, 30.65),
        "Ito": (79.34, 75.52, 70.38, 60.95, 34.57),
    },
}
PRECISIONS = ("pr@0.5", "pr@0.6", "pr@0.7", "pr@0.8", "pr@0.9")
EVF_SAM, ITO = "EVF-SAM", "Ito, supplement"


@dataclass(frozen=True)
class Reported:
    """Figures of one row of a paper's table for one split."""

    paper: str
    table: int
    method: str
    figures: Mapping[str, float]  # percent, by our names

    @property
    def source(self) -> str:
        return f"{self.paper}, table {self.table}"


def reported(label: str) -> list[Reported]:
    """Return the papers' figures for a split such as "refcoco/testA", or for AVERAGE."""
    rows: dict[tuple[str, int, str], dict[str, float]] = {}
    for paper, table, metric, text in _TABLES:
        for method, values in parse(text):
            value = values.get(label)
            if value is not None:
                rows.setdefault((paper, table, method), {})[metric] = value
    for method, precisions in ITO_TABLE_4.get(label, {}).items():
        rows[(ITO, 4, method)] = dict(zip(PRECISIONS, precisions, strict=True))
    return [Reported(*place, figures) for place, figures in rows.items()]


def parse(text: str) -> Iterator[tuple[str, dict[str, float]]]:
    """Return each line's method and its numbers by split; missing numbers are left out."""
    labels = (*RES_SPLITS, AVERAGE)
    for line in text.strip().splitlines():
        method, *numbers = line.rsplit(maxsplit=len(labels))
        paired = zip(labels, numbers, strict=True)
        yield method, {label: float(shown) for label, shown in paired if shown != "-"}


def average(figures: Mapping[str, float | None]) -> float | None:
    """Return the mean over the eight splits; None unless all are there."""
    values: Sequence[float | None] = [figures.get(label) for label in RES_SPLITS]
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if len(known) == len(RES_SPLITS) else None


_TABLES = (
    (EVF_SAM, 2, "ciou", EVF_SAM_TABLE_2),
    (EVF_SAM, 3, "ciou", EVF_SAM_TABLE_3),
    (EVF_SAM, 6, "ciou", EVF_SAM_TABLE_6),
    (ITO, 1, "ciou", ITO_TABLE_1_OIOU),
    (ITO, 1, "miou", ITO_TABLE_1_MIOU),
    (ITO, 3, "ciou", ITO_TABLE_3_OIOU),
    (ITO, 3, "miou", ITO_TABLE_3_MIOU),
    (ITO, 5, "ciou", ITO_TABLE_5),
)
