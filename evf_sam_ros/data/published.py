"""Published counts of pictures, refs and sentences per data set, to compare a copy with.

Where the figures are from: RefCOCO's are those of its authors' demo and of the libraries that
offer it; those of RefCOCO+ and RefCOCOg add up to the published totals; gRefCOCO's are its
paper's, OCID-Ref's those of its abstract, RefSpatial-Bench's and RoboSpatial-Home's those of their
data cards. Those of `UNCHECKED` are quoted without having seen their source.
"""

from collections.abc import Mapping

from evf_sam_ros.data.records import Dataset

# images, refs, sentences
SPLITS: Mapping[str, tuple[int, int, int]] = {
    "refcoco/train": (16994, 42404, 120624),
    "refcoco/val": (1500, 3811, 10834),
    "refcoco/testA": (750, 1975, 5657),
    "refcoco/testB": (750, 1810, 5095),
    "refcoco+/train": (16992, 42278, 120191),
    "refcoco+/val": (1500, 3805, 10758),
    "refcoco+/testA": (750, 1975, 5726),
    "refcoco+/testB": (750, 1798, 4889),
    "refcocog/train": (21899, 42226, 80512),
    "refcocog/val": (1300, 2573, 4896),
    "refcocog/test": (2600, 5023, 9602),
}
PUBLISHED: Mapping[str, Mapping[str, int]] = {
    **{
        label: dict(zip(("images", "refs", "sentences"), numbers, strict=True))
        for label, numbers in SPLITS.items()
    },
    "ade20k/train": {"images": 20210},
    "ade20k/val": {"images": 2000},
    "humanparsing/train": {"images": 17706},
    "partimagenet/train": {"images": 16540},
    "partimagenet/val": {"images": 2957},
    "partimagenet/test": {"images": 4598},
    "reasonseg/train": {"images": 239},
    "reasonseg/val": {"images": 200},
    "reasonseg/test": {"images": 779},
    "refspatial/location": {"sentences": 100},
    "refspatial/placement": {"sentences": 100},
    "refspatial/unseen": {"sentences": 77},
    "refspatial-expand/location": {"sentences": 241},
    "refspatial-expand/placement": {"sentences": 200},
    "robospatial-home/context": {"sentences": 122},
    "where2place/test": {"sentences": 100},
}
# Of whole files; per split, no first-hand count is known.
TOTALS: Mapping[str, Mapping[str, int]] = {
    "refcoco": {"all images": 19994, "all refs": 50000, "all sentences": 142210},
    "refcoco+": {"all images": 19992, "all sentences": 141564},
    "refcocog": {"all sentences": 95010},
    "grefcoco": {"all images": 19994, "all sentences": 278232},
    "refclef": {"all sentences": 130525},
    "refclef-berkeley": {"all sentences": 130525},
    "roborefit": {"all images": 10872, "all sentences": 50758},
    "ocid-ref": {"all sentences": 305694},
}
# Their counts are quoted from memory of the papers.
UNCHECKED = frozenset(
    {
        "ade20k",
        "humanparsing",
        "partimagenet",
        "reasonseg",
        "refclef",
        "refclef-berkeley",
        "roborefit",
        "where2place",
    }
)


def compare(dataset: Dataset) -> list[str]:
    """Return sentences that put our counts beside the published ones."""
    known = {**TOTALS.get(dataset.name, {}), **PUBLISHED.get(dataset.label, {})}
    ours = ", ".join(
        f"{number:,} {unit}"
        for unit, number in dataset.counts.items()
        if not unit.startswith("all ")
    )
    lines = [f"{dataset.label}: {ours}"]
    if not any(unit in known for unit in dataset.counts):
        return [f"{lines[0]}; no published count to compare with"]
    for unit, number in dataset.counts.items():
        if unit in known and known[unit] != number:
            source = " (a figure not checked at its source)" if dataset.name in UNCHECKED else ""
            lines.append(f"  {unit}: {number:,} here, but {known[unit]:,} published{source}")
    if len(lines) == 1:
        lines[0] += "; as published" if dataset.label in PUBLISHED else "; whole file as published"
    else:
        lines.append("  figures on other data than the published cannot be compared with papers")
    return lines
