"""Compare two models on the same sentences: differences, their confidence, and examples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evf_sam_ros.evaluation import gallery
from evf_sam_ros.evaluation.answering import RESULTS
from evf_sam_ros.evaluation.figures import deployed, iou
from evf_sam_ros.evaluation.judged import Judged, JudgedImage, decode, read_lines
from evf_sam_ros.evaluation.metrics import SegmentationMetrics
from evf_sam_ros.perception.overlay import Annotation, draw
from evf_sam_ros.pictures.document import Document, Gallery, Heading, Picture, Table, Text

RESAMPLES = 2000
AT_A_TIME = 100  # resamples that are in memory together
COVERED = 95  # percent of the resamples within the interval
EXAMPLES = 8
CLEAR = 0.1  # of IoU; smaller differences are not shown as pictures
Floats = NDArray[np.float64]
Pair = tuple[JudgedImage, Judged, Judged]


@dataclass(frozen=True)
class Results:
    """Results of one model on one split, as `evf-sam evaluate` saved them."""

    model: str
    data: str
    images: Sequence[JudgedImage]


@dataclass(frozen=True)
class Difference:
    """One figure of both models; the interval is of B - A."""

    name: str
    a: float
    b: float
    low: float
    high: float
    b_better: float  # share of resamples in which B is higher


def read(folder: Path) -> Results:
    """Read the results in a folder; ValueError if there are none, or of several splits."""
    path = folder / RESULTS
    if not path.is_file():
        inside = sorted(str(below.parent) for below in folder.glob(f"*/{RESULTS}"))
        hint = f"; name one of {', '.join(inside)}" if inside else ""
        raise ValueError(f"no results of evf-sam evaluate in {str(folder)!r}{hint}")
    head, images = read_lines(path)
    return Results(head["model"], head["data"], images)


def read_both(folders: Sequence[Path]) -> tuple[Results, Results]:
    """Read two folders; models of one name are told apart by these."""
    a, b = map(read, folders)
    if a.model != b.model:
        return a, b
    return (
        replace(a, model=f"{a.model}, {folders[0]}"),
        replace(b, model=f"{b.model}, {folders[1]}"),
    )


def is_results(folder: Path) -> bool:
    """Tell whether `evf-sam evaluate --report` wrote this folder."""
    return (folder / RESULTS).is_file()


def pairs(a: Results, b: Results) -> list[Pair]:
    """Return each sentence with both answers.

    Raises:
        ValueError: they did not answer the same sentences about the same masks.
    """
    ours, theirs = _by_key(a), _by_key(b)
    only = len(ours.keys() ^ theirs.keys())
    if only or not ours:
        raise ValueError(
            f"cannot pair {a.model} on {a.data} ({len(ours):,} sentences) with {b.model} on "
            f"{b.data} ({len(theirs):,}): {only:,} sentences were answered by one alone"
        )
    for key, (image, item) in ours.items():
        other = theirs[key][1]
        if (item.text, item.truth) != (other.text, other.truth):
            raise ValueError(
                f"sentence {item.key} about {image.image} is {item.text!r} for {a.model} and "
                f"{other.text!r} for {b.model}, or means another mask: not the same data"
            )
    return [(image, item, theirs[key][1]) for key, (image, item) in ours.items()]


def differences(paired: Sequence[Pair], seed: int = 0) -> list[Difference]:
    """Compare figures; the bootstrap draws pictures, whose sentences belong together."""
    names = list(_ratios([]))
    by_image: dict[int, list[Pair]] = {}
    for pair in paired:
        by_image.setdefault(pair[0].number, []).append(pair)
    parts = np.array([_parts(own) for own in by_image.values()])  # images, models, names, 2
    drawn = _resampled(parts, np.random.default_rng(seed))  # resamples, models, names
    whole = _divided(parts.sum(axis=0))
    found = []
    for number, name in enumerate(names):
        if np.isnan(whole[:, number]).any():
            continue  # no sentence says anything about it
        gaps = drawn[:, 1, number] - drawn[:, 0, number]
        gaps = gaps[~np.isnan(gaps)]
        outside = (100 - COVERED) / 2
        low, high = np.percentile(gaps, [outside, 100 - outside])
        better = float((gaps > 0).mean() + (gaps == 0).mean() / 2)
        a, b = whole[:, number]
        found.append(Difference(name, float(a), float(b), float(low), float(high), better))
    return found


def document(a: Results, b: Results, paired: Sequence[Pair]) -> Document:
    """Return the comparison as a report, with the pictures on which the two differ most."""
    report = Document(f"{a.model} (A) and {b.model} (B) on {a.data}")
    report.add(Text(_sizes(paired)), _table(differences(paired)))
    report.add(
        Text(
            f"Interval: the middle {COVERED} % of {RESAMPLES:,} bootstrap resamples of pictures, "
            "the same pictures for both. An interval without 0 is a difference that other "
            "pictures of this kind would show as well.",
            note=True,
        )
    )
    gains = sorted(paired, key=lambda pair: iou(pair[2]) - iou(pair[1]))
    for title, chosen in (("B is better", gains[::-1]), ("A is better", gains)):
        pictures = _pictures(chosen, title[0].lower(), better=2 if title[0] == "B" else 1)
        report.add(Heading(title), Gallery(tuple(pictures)))
    report.add(Text("Green: A. Pink: B. White outline: what was meant.", note=True))
    return report


def as_text(a: Results, b: Results, paired: Sequence[Pair]) -> str:
    """Return the comparison for the terminal."""
    lines = [f"A {a.model}, B {b.model} on {a.data}: {_sizes(paired)}"]
    table = _table(differences(paired))
    for cells in (table.columns, *table.rows):
        lines.append(f"{cells[0]:<12}" + "".join(f"{cell:>20}" for cell in cells[1:]))
    return "\n".join(lines)


def as_json(a: Results, b: Results, paired: Sequence[Pair]) -> dict[str, Any]:
    """Return the comparison as plain data."""
    found = {one.name: {k: v for k, v in vars(one).items() if k != "name"} for one in
             differences(paired)}  # fmt: skip
    return {"a": a.model, "b": b.model, "data": a.data, "differences_b_minus_a": found}


def _by_key(results: Results) -> dict[tuple[int, str], tuple[JudgedImage, Judged]]:
    return {
        (image.number, item.key): (image, item)
        for image in results.images
        for item in image.sentences
    }


def _ratios(items: Sequence[Judged]) -> Mapping[str, tuple[float, float]]:
    """Return every figure as a sum to be divided by a sum, so that pictures can be weighed."""
    metrics = deployed(items)
    targets = [item for item in metrics.samples if item.has_target]
    absent = [item for item in metrics.samples if not item.has_target]
    samples = metrics.samples

    def mean_of(values: Sequence[float]) -> tuple[float, float]:
        return float(sum(values)), float(len(values))

    return {
        "ciou": (
            float(sum(one.intersection for one in samples)),
            float(sum(one.union for one in samples)),
        ),
        "miou": mean_of([one.iou for one in samples]),
        "giou_gres": mean_of([iou(item) for item in items]),
        **{
            f"pr@{percent / 100}": mean_of(
                [float(SegmentationMetrics([one]).precision_at(percent) or 0) for one in targets]
            )
            for percent in (50, 70, 90)
        },
        "n_acc": mean_of([float(not one.found) for one in absent]),
        "t_acc": mean_of([float(one.found) for one in targets]),
    }


def _parts(own: Sequence[Pair]) -> list[list[tuple[float, float]]]:
    return [list(_ratios([pair[model] for pair in own]).values()) for model in (1, 2)]  # type: ignore[misc]


def _resampled(parts: Floats, rng: np.random.Generator) -> Floats:
    count = len(parts)
    drawn = []
    for _ in range(RESAMPLES // AT_A_TIME):
        times = rng.multinomial(count, np.full(count, 1 / count), size=AT_A_TIME)
        drawn.append(_divided(np.tensordot(times, parts, axes=1)))
    return np.concatenate(drawn)


def _divided(sums: Floats) -> Floats:
    over = np.where(sums[..., 1] > 0, sums[..., 1], np.nan)
    return np.asarray(sums[..., 0] / over)


def _sizes(paired: Sequence[Pair]) -> str:
    images = len({image.number for image, _, _ in paired})
    return f"{images:,} pictures, {len(paired):,} sentences."


def _table(found: Sequence[Difference]) -> Table:
    rows = tuple(
        (
            one.name,
            f"{one.a:.4f}",
            f"{one.b:.4f}",
            f"{one.b - one.a:+.4f}",
            f"{one.low:+.4f} .. {one.high:+.4f}",
            f"{one.b_better:.3f}",
        )
        for one in found
    )
    return Table(("", "A", "B", "B - A", f"{COVERED} % interval", "P(B > A)"), rows)


def _pictures(ordered: Sequence[Pair], prefix: str, *, better: int) -> list[Picture]:
    chosen: dict[int, Picture] = {}
    for image, a, b in ordered:
        gain = (iou(b) - iou(a)) * (1 if better == 2 else -1)
        if gain < CLEAR or len(chosen) == EXAMPLES:
            break
        if image.number not in chosen:
            chosen[image.number] = _picture(image, a, b, f"{prefix}-better-{len(chosen)}")
    return list(chosen.values())


def _picture(image: JudgedImage, a: Judged, b: Judged, name: str) -> Picture:
    size = (image.height, image.width)
    answers = []
    for letter, item in (("A", a), ("B", b)):
        mask = decode(item.runs, size) if item.found else np.zeros(size, bool)
        status = "FOUND" if item.found else "NOT_FOUND"
        shown = gallery.shrunk_mask(mask)
        answers.append(Annotation(shown, f"{letter}: {item.text}", status, item.score))
    drawn = draw(gallery.shrunk(gallery.read_rgb(image)), answers)
    gallery.outline_truth(drawn, gallery.shrunk_mask(decode(a.truth, size)))
    caption = f"“{a.text}” · IoU A {iou(a):.2f}, B {iou(b):.2f}"
    return Picture.of(name, drawn, caption)
