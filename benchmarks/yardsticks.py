"""Measure a model by every yardstick whose data is there, and write one table.

    python benchmarks/yardsticks.py [--model M] [--data DIR] [--libero VENV] [--out DIR]

Each yardstick is an `evf-sam evaluate` of its own, so that one that fails leaves the others: the
simulated tabletop and household, LIBERO where its environment is given, and every benchmark split
in DIR. The table, as Markdown and as JSON, has the versions, the machine and the date.
"""

import argparse
import io
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs without being installed

from benchmarks.timing import machine
from evf_sam_ros import cli

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("evf_sam_ros", "torch", "numpy", "opencv-python-headless", "mujoco")
SIMULATED = ("tabletop", "household")  # those that this version draws
LIBERO_PICTURE = "table 640x480"
# Column: its figure, and how it is shown.
COLUMNS = {
    "sentences": "{:,}", "ciou": "{:.3f}", "right object": "{:.3f}", "point acc": "{:.3f}",
    "N-acc": "{:.3f}", "T-acc": "{:.3f}", "centroid, median mm": "{:.1f}", "p95 mm": "{:.1f}",
}  # fmt: skip
Row = dict[str, float | None]


@dataclass(frozen=True)
class Yardstick:
    """One evaluation: its options of `evf-sam evaluate`, and how to get its rows."""

    name: str
    options: tuple[str, ...]


@dataclass(frozen=True)
class Measured:
    """Rows of a yardstick by name, or why there are none."""

    yardstick: Yardstick
    rows: Mapping[str, Row] = field(default_factory=dict)
    failure: str = ""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="default", help="name, folder or Hugging Face id")
    parser.add_argument("--data", type=Path, help="folder of data sets")
    parser.add_argument("--libero", type=Path, help="environment with requirements-libero.txt")
    parser.add_argument("--suite", action="append", default=[], help="of LIBERO, repeatable")
    parser.add_argument("--scenes", type=int, default=500, help="of each simulated world")
    parser.add_argument("--limit", type=int, help="pictures of each split, from the first")
    parser.add_argument("--out", type=Path, default=Path("yardsticks"), help="folder of the table")
    arguments = parser.parse_args(argv)
    arguments.out.mkdir(parents=True, exist_ok=True)
    measured = [
        _measured(each, arguments.model, arguments.out) for each in yardsticks(arguments)
    ]  # fmt: skip
    document = {"model": arguments.model, **surroundings(), "rows": _rows(measured)}
    (arguments.out / "yardsticks.json").write_text(json.dumps(document, indent=2) + "\n")
    page = as_markdown(document)
    (arguments.out / "yardsticks.md").write_text(page)
    print(page)
    return int(any(each.failure for each in measured))


def yardsticks(arguments: argparse.Namespace) -> Iterator[Yardstick]:
    """Yield what can be measured with the data that is there."""
    from evf_sam_ros.data import catalogue

    for world in SIMULATED:
        yield Yardstick(world, ("--data", world, "--scenes", str(arguments.scenes)))
    if arguments.libero:
        suites = [option for name in arguments.suite for option in ("--suite", name)]
        environment = str(arguments.libero)
        yield Yardstick("libero", ("--data", "libero", "--libero", environment, *suites))
    if arguments.data:
        limit = () if arguments.limit is None else ("--limit", str(arguments.limit))
        for label in catalogue.available(arguments.data):
            yield Yardstick(label, ("--data", str(arguments.data), "--split", label, *limit))


def rows_of(document: Mapping[str, Any]) -> dict[str, Row]:
    """Return the table's rows of an evaluation's JSON."""
    if document["data"] == "libero":
        suites = document["by_suite"][LIBERO_PICTURE]
        return {f"{name}, {LIBERO_PICTURE}": _libero_row(own) for name, own in suites.items()}
    if document["data"] in SIMULATED:
        return {document["data"]: _simulated_row(document)}
    return {document["data"]: _row_of_split(document)}


def surroundings() -> dict[str, Any]:
    """Return when, where and with what was measured."""
    return {
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d"),
        "machine": machine.processor(),
        "commit": machine.commit(),
        "versions": machine.versions(PACKAGES),
    }


def as_markdown(document: Mapping[str, Any]) -> str:
    """Return a heading, the table, and a line about the measurement."""
    versions = ", ".join(f"{name} {number}" for name, number in document["versions"].items())
    lines = [
        f"| {document['model']} | {' | '.join(COLUMNS)} |",
        "|---" * (len(COLUMNS) + 1) + "|",
        *(_line(row) for row in document["rows"]),
        "",
        f"{document['date']}, {document['machine']}, commit {document['commit']}; {versions}.",
    ]
    return "\n".join(lines) + "\n"


def _measured(yardstick: Yardstick, model: str, out: Path) -> Measured:
    figures = out / f"{yardstick.name.replace('/', '-')}.json"
    figures.unlink(missing_ok=True)
    print(f"{yardstick.name}: {' '.join(yardstick.options)}", file=sys.stderr, flush=True)
    printed, told = io.StringIO(), io.StringIO()
    options = ["evaluate", *yardstick.options, "--model", model, "--json", str(figures)]
    with redirect_stdout(printed), redirect_stderr(told):
        code = cli.main(options)
    if code or not figures.is_file():
        lines = told.getvalue().strip().splitlines()
        reason = lines[-1] if lines else f"exit {code}"
        not_there = yardstick.name in SIMULATED and "no such data" in reason
        return Measured(yardstick, failure="" if not_there else reason)
    return Measured(yardstick, rows_of(json.loads(figures.read_text())))


def _rows(measured: Sequence[Measured]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for each in measured:
        if each.failure:
            rows.append({"name": each.yardstick.name, "failure": each.failure})
        rows += [{"name": name, **row} for name, row in each.rows.items()]
    return rows


def _line(row: Mapping[str, Any]) -> str:
    if "failure" in row:
        return f"| {row['name']} | not measured: {row['failure']} |" + " |" * (len(COLUMNS) - 1)
    cells = [
        "-" if row[name] is None else form.format(row[name]) for name, form in COLUMNS.items()
    ]  # fmt: skip
    return f"| {row['name']} | {' | '.join(cells)} |"


def _row(**figures: float | None) -> Row:
    return dict(zip(COLUMNS, figures.values(), strict=True))


def _libero_row(own: Mapping[str, Any]) -> Row:
    place = own["centroid"] or {}
    return _row(
        sentences=own["in view"],
        ciou=own["ciou"],
        right=own["right"],
        point=own["point_acc"],
        n_acc=own["refused there"],
        t_acc=None if own["refused"] is None else 1 - own["refused"],
        median=place.get("median_mm"),
        p95=place.get("p95_mm"),
    )


def _simulated_row(own: Mapping[str, Any]) -> Row:
    decision, place = own["at_shipped_threshold"], own["centroid"]["right_object_mm"] or {}
    return _row(
        sentences=own["expressions"],
        ciou=own["ciou"],
        right=own["right_object"],
        point=None,
        n_acc=decision["n_acc"],
        t_acc=decision["t_acc"],
        median=place.get("median"),
        p95=place.get("p95"),
    )


def _row_of_split(own: Mapping[str, Any]) -> Row:
    place = own["centroid"] or {}
    return _row(
        sentences=own["sentences"],
        ciou=own["ciou"],
        right=None,
        point=own["point_acc"],
        n_acc=own["n_acc"],
        t_acc=own["t_acc"],
        median=place.get("median_mm"),
        p95=place.get("p95_mm"),
    )


if __name__ == "__main__":
    sys.exit(main())
