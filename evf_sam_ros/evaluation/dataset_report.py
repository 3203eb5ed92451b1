"""The report of one split: figures beside the papers', charts, costs and examples."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from evf_sam_ros.evaluation import gallery
from evf_sam_ros.evaluation.figures import HISTOGRAM_BINS
from evf_sam_ros.evaluation.judged import JudgedImage
from evf_sam_ros.evaluation.papers import AVERAGE, RES_SPLITS, average, reported
from evf_sam_ros.perception.attention_picture import draw_attention
from evf_sam_ros.perception.predictor import Predictor
from evf_sam_ros.pictures.document import (
    Bars,
    Block,
    Document,
    Gallery,
    Heading,
    Link,
    Picture,
    Table,
    Text,
)

MAIN = ("ciou", "miou", "giou_gres", "pr@0.5", "pr@0.6", "pr@0.7", "pr@0.8", "pr@0.9")
DECISION = ("n_acc", "t_acc", "auroc", "ece")
COLUMNS = {"native": "native", "square": "480 x 480", "own": "own size"}
MEANING = {
    "ciou": "ciou (oIoU)",
    "miou": "miou (gIoU of EVF-SAM)",
    "giou_gres": "giou_gres (gIoU of ReLA)",
    "auroc": "auroc of p(found)",
    "ece": "ece of p(found)",
    "centroid_median_mm": "centroid error, median mm",
}
ATTENTION_EXAMPLES = 4
GROUP_COLUMNS = ("sentences", "ciou", "miou", "giou_gres", "pr@0.5", "n_acc", "t_acc", "point_acc")
CENTROID_COLUMN = "centroid_median_mm"


def document(
    figures: Mapping[str, Any], images: Sequence[JudgedImage], predict: Predictor | None
) -> Document:
    """Put a report together; attention maps need the model."""
    report = Document(f"{figures['model']} on {figures['data']}")
    first, *more = intro(figures)
    report.add(Text(first), Text("; ".join(line.strip() for line in more) + ".", note=True))
    report.add(Heading("Figures"), figures_table(figures))
    report.add(
        Text(
            "Native: masks compared at the pictures' own sizes, as EVF-SAM and LISA do. "
            "480 x 480: both masks resized to a square first, as LAVT, DMMI and ReLA do. "
            "Own size: at the size of the model's input, as DeRIS and InstanceVG are measured. "
            "A mask that the model itself rejects counts as no mask. point_acc: share of the "
            "sentences with a target whose answer's anchor point lies in the true mask.",
            note=True,
        )
    )
    if figures["centroid"]:
        report.add(Heading("Place in space"), *places(figures["centroid"]))
    if figures["no_target"]:
        report.add(Heading("Sentences without a target, by both protocols"))
        report.add(*protocols(figures))
    report.add(Heading("Beside the papers, percent"), *beside_papers(figures))
    report.add(*charts(figures))
    report.add(*groups(figures))
    report.add(Heading("Cost"), *costs(figures))
    report.add(*examples(images))
    if predict is not None:
        report.add(*attention(images, predict))
    return report


def intro(figures: Mapping[str, Any]) -> list[str]:
    """Describe the measurement and its data in sentences."""
    threshold = figures["score_threshold"]
    decision = "whatever has a mask" if threshold is None else f"p(found) >= {threshold:.3f}"
    lines = [
        f"{figures['images']:,} pictures, {figures['sentences']:,} sentences "
        f"({figures['no_target']:,} without a target); {figures['device']} "
        f"{figures['precision']}; found: {decision}.",
        *figures["counts"],
    ]
    if figures["not_taken"]:
        lines.append(
            f"{figures['not_taken']:,} sentences were not taken by the model (too long or empty) "
            "and count as not found."
        )
    return lines


def figures_table(figures: Mapping[str, Any]) -> Table:
    """Return the main figures at both resolutions."""
    names = [*MAIN, *DECISION, "point_acc"]
    columns = {COLUMNS["native"]: figures, COLUMNS["square"]: figures["square_480"]}
    if own := figures.get("own_size"):
        columns[COLUMNS["own"]] = own
    rows = tuple(
        (MEANING.get(n, n), *(number(column.get(n)) for column in columns.values())) for n in names
    )
    return Table(("", *columns), rows)


def places(centroid: Mapping[str, Any]) -> Iterator[Block]:
    """Return the errors of the centroid in space."""
    rows = [("targets with a place", f"{centroid['targets']:,}")]
    rows += [(name, place_text(centroid, name)) for name in centroid if name != "targets"]
    yield Table(("centroid of the answer", ""), tuple(rows))
    yield Text(
        "Distance to the centroid of the surface in the true mask, which the same depth and the "
        "same code place: it measures the mask, not the depth sensor. Shares within a distance "
        "count targets without an answer as not within. center_: distance to the centre of the "
        "body from its pose, which lies behind the surface.",
        note=True,
    )


def place_text(centroid: Mapping[str, Any], name: str) -> str:
    """Return one figure of the centroid as text."""
    value = centroid[name]
    if name.endswith("answers"):
        return f"{value:,}"
    if value is None:
        return "-"
    return f"{value:.1f}" if name.endswith("_mm") else f"{value:.4f}"


def protocols(figures: Mapping[str, Any]) -> Iterator[Block]:
    """Return what ReLA and Hu et al. would report."""
    for title, name in (("GRES (ReLA)", "gres"), ("Ref-ZOM (Hu et al.)", "ref_zom")):
        columns = figures[name]
        rows = tuple(
            (MEANING.get(key, key), *(number(column[key]) for column in columns.values()))
            for key in columns["native"]
        )
        yield Table((title, *(COLUMNS[resolution] for resolution in columns)), rows)
    yield Text(
        "GRES counts every sentence: a missed rejection adds its mask to the union, a wrong "
        "rejection adds the mask before the decision, and Pr@X is of sentences with a target. "
        "Ref-ZOM compares masks of sentences with a target alone; Acc is the share of the others "
        "whose mask is empty.",
        note=True,
    )


def beside_papers(figures: Mapping[str, Any]) -> Iterator[Block]:
    """Return this split's figures above those of the papers."""
    rows = reported(figures["data"])
    if not rows:
        yield Text("Neither paper has a row for these data.", note=True)
        return
    yield paper_table(figures["data"], {n: figures[n] for n in MAIN}, figures["model"])
    if any(" but " in line and "published" in line for line in figures["counts"]):
        yield Text(
            "These are other sentences than the papers': the rows above stand beside each other, "
            "they cannot be compared.",
            note=True,
        )


def paper_table(label: str, ours: Mapping[str, float | None], model: str) -> Table:
    """Return our figures, 0..1, as percent above the papers' rows on a split."""
    rows = reported(label)
    names = [name for name in MAIN if any(name in row.figures for row in rows)]
    first = (model, "ours", *(percent(ours.get(name)) for name in names))
    others = [
        (row.method, row.source, *(_two(row.figures.get(name)) for name in names)) for row in rows
    ]
    columns = ("", "from", *(MEANING.get(name, name) for name in names))
    return Table(columns, (first, *others), ours=frozenset({0}))


def charts(figures: Mapping[str, Any]) -> Iterator[Block]:
    """Return the IoU histogram and Pr@X."""
    counts = figures["iou_histogram"]
    total = max(sum(counts), 1)
    yield Heading("Distribution of IoU")
    yield Bars(
        labels=tuple(f"{start / HISTOGRAM_BINS:.2f}" for start in range(HISTOGRAM_BINS)),
        values=tuple(map(float, counts)),
        shown=tuple(f"{100 * count / total:.0f}%" if count else "" for count in counts),
        unit="share of sentences by IoU, each bin from the number below it; a sentence without a "
        "target counts 1 if rejected, else 0",
    )
    precisions = {name: figures[name] for name in MAIN if name.startswith("pr@")}
    if None not in precisions.values():
        yield Heading("Share of sentences with an IoU of at least X")
        yield Bars(
            labels=tuple(precisions),
            values=tuple(precisions.values()),
            shown=tuple(map(percent, precisions.values())),
            unit="percent of sentences with a target",
        )


def groups(figures: Mapping[str, Any]) -> Iterator[Block]:
    """Return the figures by type and by length of sentence."""
    for title, name in (
        ("By kind, as the data set says", "by_kind"),
        ("By type of sentence", "by_type"),
        ("By length in words", "by_length"),
    ):
        table = figures[name]
        if not table:
            continue
        yield Heading(title)
        in_space = any(values[CENTROID_COLUMN] is not None for values in table.values())
        columns = (*GROUP_COLUMNS, *((CENTROID_COLUMN,) if in_space else ()))
        rows = tuple(
            (group.strip(), f"{values['sentences']:,}", *_cells(values, columns[1:]))
            for group, values in table.items()
        )
        yield Table(("", *(MEANING.get(c, c) for c in columns)), rows)


def costs(figures: Mapping[str, Any]) -> Iterator[Block]:
    """Return parameters by component, operations, time and memory."""
    cost, times = figures["cost"], figures["latency_ms"]
    if times:
        rows = tuple((name.replace("_", " "), f"{value:.1f}") for name, value in times.items())
        yield Table(("time per picture with all its sentences", "ms"), rows)
    if not cost:
        return
    millions = cost["parameters_m"]
    yield Table(
        ("parameters", "million"), tuple((name, f"{n:.3f}") for name, n in millions.items())
    )
    memory = cost["memory_mb"].items()
    yield Table(("peak memory", "MB"), tuple((name, f"{n:.0f}") for name, n in memory))
    yield from _operations(cost["gflops"])


def _operations(gflops: Mapping[str, float]) -> Iterator[Block]:
    if not gflops:
        yield Text("Operations are not counted: this model looks at values on its way.", note=True)
        return
    work = sorted(gflops.items(), key=lambda item: -item[1])
    yield Table(
        ("one picture, one sentence of 8 tokens", "GFLOP"),
        tuple((name, f"{n:.3f}") for name, n in work),
    )
    yield Text(
        "A multiply-add counts as two operations; what torch counts are products of matrices, "
        "convolutions and attention.",
        note=True,
    )


def examples(images: Sequence[JudgedImage]) -> Iterator[Block]:
    """Return the galleries."""
    for kind, (title, chosen) in enumerate(gallery.choose(images).items()):
        if not chosen:
            continue
        yield Heading(title)
        yield Gallery(
            tuple(
                gallery.picture(one, f"{kind}-{position}") for position, one in enumerate(chosen)
            )
        )
    yield Text("Coloured: what the model found. White outline: what was meant.", note=True)


def attention(images: Sequence[JudgedImage], predict: Predictor) -> Iterator[Block]:
    """Return where the encoder looks for some best and some worst answers (EVF-SAM's figure 5)."""
    chosen = gallery.choose(images)
    best, worst = list(chosen.values())[:2]
    pictures = []
    for position, (image, item) in enumerate([*best[:ATTENTION_EXAMPLES], *worst[:2]]):
        rgb = gallery.read_rgb(image)
        try:
            answer = predict(rgb, [item.text], attention=True)
        except (ValueError, NotImplementedError):  # an encoder without such maps
            return
        assert answer.attention is not None
        drawn = gallery.shrunk(draw_attention(rgb, answer.attention, [item.text]))
        name = f"attention-{position}"
        pictures.append(Picture.of(name, drawn, gallery.caption(item)))
    if pictures:
        yield Heading("Where the encoder looks")
        yield Gallery(tuple(pictures))
        yield Text(
            "Attention of the token that prompts the segmenter to the picture's patches in the "
            "last layer, summed over heads; each picture has its own scale.",
            note=True,
        )


def summary(all_figures: Mapping[str, Mapping[str, Any]]) -> Document:
    """Put the report of several splits together, each linked to its own page."""
    model = next(iter(all_figures.values()))["model"]
    report = Document(f"{model} on {len(all_figures)} splits")
    columns = (
        "",
        "pictures",
        "sentences",
        *(MEANING.get(n, n) for n in (*MAIN, "n_acc", "t_acc")),
    )
    rows = tuple(
        (
            label,
            f"{figures['images']:,}",
            f"{figures['sentences']:,}",
            *(number(figures[name]) for name in (*MAIN, "n_acc", "t_acc")),
        )
        for label, figures in all_figures.items()
    )
    report.add(Heading("Figures, native resolution"), Table(columns, rows))
    ours = average({label: figures["ciou"] for label, figures in all_figures.items()})
    if ours is not None:
        report.add(Heading("cIoU beside the papers, percent"), _all_splits(all_figures, ours))
    report.add(Heading("Each split"))
    report.add(*(Link(label, f"{folder_name(label)}/index.html") for label in all_figures))
    return report


def folder_name(label: str) -> str:
    """Return the folder of a split's results, below that of all."""
    return label.replace("/", "-")


def number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.2f}"


def _all_splits(all_figures: Mapping[str, Mapping[str, Any]], ours: float) -> Table:
    labels = (*RES_SPLITS, AVERAGE)
    model = next(iter(all_figures.values()))["model"]
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for label in labels:
        for row in reported(label):
            if "ciou" in row.figures:
                rows.setdefault((row.method, row.source), {})[label] = _two(row.figures["ciou"])
    own = tuple(percent(all_figures[label]["ciou"]) for label in RES_SPLITS)
    others = [
        (*place, *(found.get(label, "-") for label in labels)) for place, found in rows.items()
    ]
    return Table(
        ("", "from", *labels), ((model, "ours", *own, percent(ours)), *others), frozenset({0})
    )


def _two(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _cells(values: Mapping[str, float | None], columns: Sequence[str]) -> Iterator[str]:
    # Where nothing is there, there is nothing to overlap with: 0 would read as a bad answer.
    nothing_there = values["t_acc"] is None
    for name in columns:
        value = None if nothing_there and name == "ciou" else values[name]
        if value is not None and name == CENTROID_COLUMN:
            yield f"{value:.1f}"
        else:
            yield number(value)
