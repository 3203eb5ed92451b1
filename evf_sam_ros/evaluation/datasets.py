"""`evf-sam evaluate` on data sets: reads, counts, answers, summarizes and reports."""

import hashlib
import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from evf_sam_ros.data import catalogue, published
from evf_sam_ros.data.records import Dataset, Record
from evf_sam_ros.evaluation import cost, dataset_report
from evf_sam_ros.evaluation.answering import run
from evf_sam_ros.evaluation.figures import summarize
from evf_sam_ros.evaluation.papers import average, reported
from evf_sam_ros.evaluation.processes import Share
from evf_sam_ros.perception.model_folder import model_folder
from evf_sam_ros.perception.predictor import Predictor
from evf_sam_ros.whole_files import write_text

FIGURES = "figures.json"
PROBE = 1 << 20  # bytes at either end of a weight file that tell it from others


@dataclass(frozen=True)
class Request:
    """Options of one evaluation."""

    model: str
    data: Path
    labels: tuple[str, ...]  # name/split
    folder: Path | None = None  # where results and reports are kept
    resume: bool = False
    limit: int | None = None  # only that many pictures of each split
    # fx, fy, cx, cy of depth pictures whose files do not tell their camera, pixels
    camera: tuple[float, float, float, float] | None = None
    behaviour: Mapping[str, Any] = field(default_factory=dict)


def labels(data: Path, split: str | None, everything: bool) -> tuple[str, ...]:
    """Return which splits are meant; ValueError where nothing says so."""
    if everything or (split is None and data.is_file()):
        return tuple(catalogue.available(data))
    if split is None:
        raise ValueError(
            f"which split of {str(data)!r}? --split refcoco/testA, or --all for all of "
            f"{', '.join(catalogue.available(data))}"
        )
    return (split,)


def evaluate(request: Request, predict: Predictor, share: Share) -> dict[str, dict[str, Any]]:
    """Measure a model on each split; the first process prints, writes and returns figures."""
    if share.count > 1 and request.folder is None:
        raise ValueError("several processes put their results together in a folder: give --report")
    # All splits are read before the first is answered: what is missing shows at once.
    datasets = {label: _read(request, label) for label in request.labels}
    found: dict[str, dict[str, Any]] = {}
    for label, dataset in datasets.items():
        with _folder(request, label) as folder:
            measured = _measure(request, predict, dataset, folder, share)
        if measured is not None:
            found[label] = measured
            print(as_text(measured), flush=True)
    if len(found) > 1:
        print(all_as_text(found))
        if request.folder is not None:
            page = dataset_report.summary(found).write(request.folder)
            _write_json(request.folder / FIGURES, found)
            print(f"report: {page}")
    return found


def _measure(
    request: Request, predict: Predictor, dataset: Dataset, folder: Path, share: Share
) -> dict[str, Any] | None:
    head = _head(request, predict, dataset)
    images = run(predict, dataset, folder, head, share=share, resume=request.resume)
    if share.rank:
        return None
    counts = [*published.compare(dataset), *dataset.notes]
    counts += [f"broken: {problem}" for problem in dataset.problems]
    if request.limit is not None:
        counts.append(f"only the first {len(dataset.records):,} pictures were measured")
    figures = {
        **{key: head[key] for key in ("data", "model", "precision", "score_threshold")},
        "device": str(predict.device),
        "counts": counts,
        **summarize(images),
        "cost": cost.measure(predict) if request.folder is not None else None,
    }
    if request.folder is not None:
        _write_json(folder / FIGURES, figures)
        print(f"report: {dataset_report.document(figures, images, predict).write(folder)}")
    return figures


def _read(request: Request, label: str) -> Dataset:
    dataset = catalogue.read(request.data, label)
    records = dataset.records[: request.limit]
    if request.camera is not None:
        records = tuple(_seen_by(request.camera, record) for record in records)
    return replace(dataset, records=records)


def _seen_by(camera: tuple[float, float, float, float], record: Record) -> Record:
    """Return a record whose depth has a camera: its own, else this one."""
    if record.depth is None or record.depth.camera is not None:
        return record
    return replace(record, depth=replace(record.depth, camera=camera))


def _head(request: Request, predict: Predictor, dataset: Dataset) -> dict[str, Any]:
    """Return what results are of: resuming with anything else is refused."""
    return {
        "data": dataset.label,
        "sentences": sum(len(record.expressions) for record in dataset.records),
        "limit": request.limit,
        "camera": request.camera,
        "model": predict.name,
        "weights": fingerprint(model_folder(request.model)),
        "precision": predict.precision,
        "engine": predict.engine.name,
        "score_threshold": predict.score_threshold,
        "behaviour": dict(request.behaviour),
    }


def fingerprint(folder: Path) -> str:
    """Return a short name for the contents of a model's folder, without reading all of it."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.iterdir() if path.is_file()):
        with path.open("rb") as file:
            digest.update(f"{path.name} {path.stat().st_size}\n".encode())
            digest.update(file.read(PROBE))
            file.seek(max(0, path.stat().st_size - PROBE))
            digest.update(file.read())
    return digest.hexdigest()[:16]


@contextmanager
def _folder(request: Request, label: str) -> Iterator[Path]:
    if request.folder is None:
        with tempfile.TemporaryDirectory() as temporary:
            yield Path(temporary)
    elif len(request.labels) == 1:
        yield request.folder
    else:
        yield request.folder / dataset_report.folder_name(label)


def _write_json(path: Path, document: Any) -> None:
    write_text(path, json.dumps(document, indent=2) + "\n")


def as_text(figures: Mapping[str, Any]) -> str:
    """Return one split's figures for the terminal."""
    lines = [*figures["counts"], f"{figures['model']}: {dataset_report.intro(figures)[0]}"]
    table = dataset_report.figures_table(figures)
    lines += [_columns(table.columns), *map(_columns, table.rows)]
    lines += _places(figures["centroid"])
    times = figures["latency_ms"]
    if times:
        lines.append(
            f"time per picture with its sentences: median {times['median']:.0f} ms, "
            f"p95 {times['p95']:.0f} ms"
        )
    best = [row for row in reported(figures["data"]) if row.method.startswith("EVF-SAM")]
    for row in best:
        values = ", ".join(f"{name} {value}" for name, value in row.figures.items())
        lines.append(f"{row.source}: {row.method}: {values}")
    return "\n".join(lines) + "\n"


def _places(centroid: Mapping[str, Any] | None) -> list[str]:
    if not centroid:
        return []
    shown = (
        f"{name.replace('_', ' ')} {dataset_report.place_text(centroid, name)}"
        for name in centroid if name != "targets"
    )  # fmt: skip
    return [f"centroid error of {centroid['targets']:,} targets: {', '.join(shown)}"]


def all_as_text(all_figures: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the table of several splits for the terminal."""
    names = ("ciou", "miou", "giou_gres", "pr@0.5", "n_acc", "t_acc", "point_acc")
    wide = max(20, *(len(label) + 1 for label in all_figures))
    lines = [f"{'':<{wide}}" + "".join(f"{name:>10}" for name in names)]
    for label, figures in all_figures.items():
        shown = "".join(f"{dataset_report.number(figures[name]):>10}" for name in names)
        lines.append(f"{label:<{wide}}{shown}")
    mean = average({label: f["ciou"] for label, f in all_figures.items()})
    if mean is not None:
        lines.append(f"{'average cIoU of the eight':<26}{dataset_report.number(mean)}")
    return "\n".join(lines)


def _columns(cells: tuple[str, ...]) -> str:
    return f"{cells[0]:<24}" + "".join(f"{cell:>12}" for cell in cells[1:])
