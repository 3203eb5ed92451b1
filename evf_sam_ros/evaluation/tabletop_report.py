"""Report of a tabletop evaluation: a table for the terminal and an HTML page of examples."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evf_sam_ros.evaluation.gallery import outline_truth
from evf_sam_ros.evaluation.tabletop import Judged, Predict, scene_and_expressions
from evf_sam_ros.perception.overlay import Annotation, draw
from evf_sam_ros.perception.predictor import Segmentation
from evf_sam_ros.pictures.contact_sheet import contact_sheet
from evf_sam_ros.pictures.document import (
    Document,
    Gallery,
    Heading,
    Picture,
    Preformatted,
    Text,
)
from evf_sam_ros.pictures.photograph import write_image
from evf_sam_ros.sim.scene import Scene
from evf_sam_ros.whole_files import write_text

EXAMPLES_PER_GROUP = 8


def as_text(figures: Mapping[str, Any]) -> str:
    """Return the figures of `tabletop.summarize` as a table, the keyword oracle beside them."""
    bar = figures["keyword_oracle"]
    lines = [
        f"{figures['model']} on {figures['scenes']} {_scenes(figures)} "
        f"from seed {figures['first_seed']}, {figures['expressions']} expressions "
        f"({figures['single_target']} single-target, {figures['no_target']} no-target), "
        f"{figures['device']} {figures['precision']}",
        f"{'':<34}{'model':>8}{'keyword oracle, perfect segments':>36}",
        _row("cIoU", figures["ciou"], bar["ciou"]),
        _row("mIoU", figures["miou"], bar["miou"]),
        _row("gIoU (GRES)", figures["giou_gres"], bar["giou_gres"]),
        _row("Pr@0.5", figures["pr@0.5"], bar["pr@0.5"]),
        _row("right object, single-target", figures["right_object"], bar["right_object"]),
        _row("right pair, same scene", figures["pair_accuracy"]),
        _row("AUROC of p(found)", figures["auroc"]),
    ]
    for label, name in (
        ("N-acc at the shipped threshold", "at_shipped_threshold"),
        ("N-acc at T-acc 0.95, chosen here", "at_t_acc_95"),
    ):
        lines.append(_threshold_line(label, figures[name]))
    ambiguous = _number(figures["ambiguous"])
    lines.append(f"AMBIGUOUS instead of FOUND, of all single-target: {ambiguous}")
    lines += _ambiguity_lines(figures["ambiguity"])
    lines += [_centroid_line(figures["centroid"]), _latency_line(figures["latency_ms"]), ""]
    lines.append(
        f"{'kind':<14}{'n':>6}{'right':>8}{'wrong':>8}{'missed':>8}{'keyword':>9}{'cIoU':>8}{'found':>8}"
    )
    lines += [_kind_line(kind, values) for kind, values in figures["by_kind"].items()]
    return "\n".join(lines)


def write_report(
    folder: Path, figures: Mapping[str, Any], judged: Sequence[Judged], predict: Predict
) -> Path:
    """Write index.html, report.md, contact_sheet.png and figures.json; returns the page."""
    report = Document(f"{figures['model']} on {figures['data']}")
    report.add(Preformatted(as_text(figures)))
    report.add(Text("Coloured: what the model found. White outline: what was meant."))
    drawn: list[NDArray[np.uint8]] = []
    again = cache(
        lambda seed: _answered(seed, predict, figures["data"])
    )  # several groups may show one scene
    for group, (title, items) in enumerate(choose_examples(judged).items()):
        pictures = [_picture(item, *again(item.seed)) for item in items]
        drawn += pictures
        shown = [
            Picture.of(f"{group}-{number}", picture, _caption(item))
            for number, (item, picture) in enumerate(zip(items, pictures, strict=True))
        ]
        report.add(Heading(title), Gallery(tuple(shown)))
    write_image(folder / "contact_sheet.png", contact_sheet(drawn))
    write_text(folder / "figures.json", json.dumps(figures, indent=2) + "\n")
    return report.write(folder)


def choose_examples(judged: Sequence[Judged]) -> dict[str, list[Judged]]:
    """Return the most telling answers by group: the surest mistakes first, one per scene."""
    groups: dict[str, tuple[Callable[[Judged], bool], Callable[[Judged], float]]] = {
        "Surest wrong objects": (
            lambda item: item.single and item.found and not item.right,
            lambda item: -item.score,
        ),
        "Surest false alarms: nothing fits, something was found": (
            lambda item: not item.expression.targets and item.found,
            lambda item: -item.score,
        ),
        "Missed: it is there, and was not found": (
            lambda item: bool(item.expression.targets) and not item.found,
            lambda item: item.score,
        ),
        "Worst masks of the right object": (lambda item: item.right, lambda item: item.iou),
        "Best masks": (lambda item: item.right, lambda item: -item.iou),
        "Rightly not found": (
            lambda item: not item.expression.targets and not item.found,
            lambda item: item.score,
        ),
    }
    return {
        title: _first_of_each_scene(sorted(filter(belongs, judged), key=order))
        for title, (belongs, order) in groups.items()
    }


def _first_of_each_scene(ordered: Iterable[Judged]) -> list[Judged]:
    chosen: dict[int, Judged] = {}
    for item in ordered:
        chosen.setdefault(item.seed, item)
        if len(chosen) == EXAMPLES_PER_GROUP:
            break
    return list(chosen.values())


def _answered(seed: int, predict: Predict, world: str) -> tuple[Scene, Segmentation]:
    """Ask about a scene again: keeping thousands of pictures would fill the memory."""
    scene, expressions = scene_and_expressions(seed, world=world)
    return scene, predict(scene.rgb, [expression.text for expression in expressions])


def _picture(item: Judged, scene: Scene, answer: Segmentation) -> NDArray[np.uint8]:
    status = "FOUND" if item.found else "NOT_FOUND"
    annotation = Annotation(answer.masks[item.number], item.expression.text, status, item.score)
    picture = draw(scene.rgb, [annotation])
    outline_truth(picture, scene.mask(item.expression.targets))
    return picture


def _caption(item: Judged) -> str:
    return (
        f"{item.expression.text} · {item.expression.kind}, seed {item.seed}, "
        f"IoU {item.iou:.2f}, score {item.score:.2f}"
    )


def _scenes(figures: Mapping[str, Any]) -> str:
    return "scenes" if figures["data"] == "tabletop" else f"{figures['data']} scenes"


def _row(label: str, value: float | None, bar: float | None = None) -> str:
    beside = "" if bar is None else f"{bar:>36.3f}"
    return f"{label:<34}{_number(value):>8}{beside}"


def _threshold_line(label: str, values: Mapping[str, float | None]) -> str:
    return (
        f"{label:<34}{_number(values['n_acc']):>8}"
        f"   T-acc {_number(values['t_acc'])}, p(found) >= {_number(values['threshold'])}"
    )


def _centroid_line(values: Mapping[str, Any]) -> str:
    error = values["right_object_mm"]
    spread = "-" if error is None else f"median {error['median']:.1f}, p95 {error['p95']:.1f} mm"
    share = _number(values["within_25_mm_of_all_single"])
    return (
        f"3-D centroid of right objects, noisy depth: {spread}; "
        f"within 25 mm, of all single-target: {share}"
    )


def _ambiguity_lines(values: Mapping[str, Any] | None) -> list[str]:
    if values is None:
        return []
    return [
        f"{values['expressions']} sentences for one that several fit: AMBIGUOUS "
        f"{_number(values['recall'])} (plain {_number(values['recall_plain'])}, related "
        f"{_number(values['recall_related'])}), FOUND instead {_number(values['found_instead'])}",
        f"candidates complete, of those told AMBIGUOUS: {_number(values['complete_of_told'])}; "
        f"of all: {_number(values['complete'])}",
    ]


def _latency_line(values: Mapping[str, Any]) -> str:
    parts = []
    for label, name in (("one", "one_expression"), ("a scene's", "all_expressions_of_a_scene")):
        spread = values[name]
        if spread is not None:
            parts.append(f"{label}: median {spread['median']:.0f}, p95 {spread['p95']:.0f} ms")
    return "predictor's time, expressions together: " + "; ".join(parts)


def _kind_line(kind: str, values: Mapping[str, Any]) -> str:
    return (
        f"{kind:<14}{values['expressions']:>6}{_number(values['right_object']):>8}"
        f"{_number(values['wrong_object']):>8}{_number(values['missed']):>8}"
        f"{_number(values['keyword_right_object']):>9}{_number(values['ciou']):>8}"
        f"{_number(values['found']):>8}"
    )


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
