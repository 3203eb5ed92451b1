"""Compute all reported figures from judged sentences."""

import statistics
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from evf_sam_ros.evaluation.judged import Judged, JudgedImage, Overlap, sentences
from evf_sam_ros.evaluation.metrics import SegmentationMetrics, auroc, calibration_error
from evf_sam_ros.evaluation.robot_metrics import centroid_figures, point_accuracy
from evf_sam_ros.evaluation.sentence_types import length_group, sentence_type

RESOLUTIONS = ("native", "square")
OWN = "own"  # the size of the model's masks, for models whose authors measure there
HISTOGRAM_BINS = 20


def summarize(images: Sequence[JudgedImage]) -> dict[str, Any]:
    """Return all figures; None where nothing of the kind was seen.

    The first figures describe the robot's answers at the pictures' own sizes: a mask that the
    model itself rejects counts as empty.
    """
    judged = list(sentences(images))
    measured = resolutions(judged)
    return {
        "images": len(images),
        "sentences": len(judged),
        "no_target": sum(not item.has_target for item in judged),
        "not_taken": sum(bool(item.rejected) for item in judged),
        **deployed(judged).summary(),
        **confidence(judged),
        "square_480": deployed(judged, "square").summary(),
        "own_size": deployed(judged, OWN).summary() if OWN in measured else None,
        "gres": {name: gres(judged, name) for name in measured},
        "ref_zom": {name: ref_zom(judged, name) for name in measured},
        "iou_histogram": histogram(judged),
        "point_acc": point_accuracy(judged),
        "centroid": centroid_figures(judged),
        "by_length": grouped(judged, lambda item: length_group(item.text)),
        "by_type": grouped(judged, lambda item: sentence_type(item.text)),
        "by_kind": grouped([item for item in judged if item.kind], lambda item: item.kind),
        "latency_ms": latency(images),
    }


def deployed(judged: Iterable[Judged], resolution: str = "native") -> SegmentationMetrics:
    """Count masks as they are published: none where the model says "not found"."""
    metrics = SegmentationMetrics()
    for item in judged:
        pixels = overlap(item, resolution)
        metrics.add(
            pixels.intersection if item.found else 0,
            pixels.union if item.found else pixels.target,
            has_target=item.has_target,
            found=item.found,
        )
    return metrics


def gres(judged: Iterable[Judged], resolution: str) -> dict[str, float | None]:
    """Return the figures by ReLA's protocol (gRefCOCO).

    A rightly rejected sentence adds no pixels; a wrongly rejected one no intersection, but the
    union with the mask that the model had before it decided.
    """
    metrics = SegmentationMetrics()
    for item in judged:
        pixels = overlap(item, resolution)
        rejected = not item.has_target and not item.found
        metrics.add(
            pixels.intersection if item.found else 0,
            0 if rejected else pixels.union,
            has_target=item.has_target,
            found=item.found,
        )
    names = ("giou_gres", "ciou", "n_acc", "t_acc", "pr@0.7", "pr@0.8", "pr@0.9")
    summary = metrics.summary()
    return {name: summary[name] for name in names}


def ref_zom(judged: Iterable[Judged], resolution: str) -> dict[str, float | None]:
    """Return the figures by the protocol of Hu et al. (Ref-ZOM).

    Masks are compared for sentences with a target alone; of those without, `acc` is the share
    whose mask has no pixel.
    """
    listed = list(judged)
    summary = deployed([item for item in listed if item.has_target], resolution).summary()
    empty = [
        not (item.found and overlap(item, resolution).predicted)
        for item in listed
        if not item.has_target
    ]
    precisions = {name: value for name, value in summary.items() if name.startswith("pr@")}
    acc = sum(empty) / len(empty) if empty else None
    return {"ciou": summary["ciou"], "miou": summary["miou"], "acc": acc, **precisions}


def confidence(judged: Sequence[Judged]) -> dict[str, float | None]:
    """Return how well p(found) tells present from absent, and how far it is from the truth."""
    ranks = [item.score if item.native.predicted else -1.0 for item in judged]
    present = [rank for rank, item in zip(ranks, judged, strict=True) if item.has_target]
    absent = [rank for rank, item in zip(ranks, judged, strict=True) if not item.has_target]
    outcomes = [item.has_target for item in judged]
    return {
        "auroc": auroc(present, absent),
        "ece": calibration_error([item.score for item in judged], outcomes),
    }


def iou(item: Judged) -> float:
    """Return a sentence's contribution to `giou_gres`."""
    return deployed([item]).giou_gres or 0.0


def histogram(judged: Iterable[Judged]) -> list[int]:
    """Count sentences by IoU, in bins of one width; the last includes 1. No target: 0 or 1."""
    counts = [0] * HISTOGRAM_BINS
    for item in judged:
        if item.has_target:
            pixels = item.native
            both = pixels.intersection if item.found else 0
            number = HISTOGRAM_BINS * both // pixels.union if pixels.union else 0
        else:
            number = 0 if item.found else HISTOGRAM_BINS
        counts[min(number, HISTOGRAM_BINS - 1)] += 1
    return counts


def grouped(
    judged: Iterable[Judged], group: Callable[[Judged], str]
) -> dict[str, dict[str, float | None]]:
    """Return the main figures of each group of sentences, in the groups' order."""
    groups: dict[str, list[Judged]] = {}
    for item in judged:
        groups.setdefault(group(item), []).append(item)
    table: dict[str, dict[str, float | None]] = {}
    for name in sorted(groups):
        summary = deployed(groups[name]).summary()
        chosen = ("ciou", "miou", "giou_gres", "pr@0.5", "n_acc", "t_acc")
        table[name] = {"sentences": len(groups[name])}
        table[name].update({key: summary[key] for key in chosen})
        table[name]["point_acc"] = point_accuracy(groups[name])
        place = centroid_figures(groups[name]) or {}
        table[name]["centroid_median_mm"] = place.get("median_mm")
    return table


def latency(images: Iterable[JudgedImage]) -> dict[str, float] | None:
    """Return milliseconds per picture with all its sentences, and per stage the mean."""
    listed = list(images)
    if not listed:
        return None
    totals = [1e3 * sum(image.seconds.values()) for image in listed]
    means = {
        stage: 1e3 * statistics.fmean(image.seconds[stage] for image in listed)
        for stage in listed[0].seconds
    }
    spread = {"median": statistics.median(totals), "p95": float(np.percentile(totals, 95))}
    per_sentence = sum(totals) / max(sum(len(image.sentences) for image in listed), 1)
    return {**spread, "per_sentence": per_sentence, **means}


def resolutions(judged: Iterable[Judged]) -> tuple[str, ...]:
    """Return at which resolutions the sentences' masks were compared."""
    listed = list(judged)
    own = bool(listed) and all(item.own is not None for item in listed)
    return (*RESOLUTIONS, OWN) if own else RESOLUTIONS


def overlap(item: Judged, resolution: str) -> Overlap:
    """Return a sentence's pixel counts at "native", "square" or the model's "own" resolution."""
    if resolution == OWN:
        assert item.own is not None  # see `resolutions`
        return item.own
    return item.native if resolution == "native" else item.square
