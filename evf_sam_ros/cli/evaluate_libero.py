"""`evf-sam evaluate --data libero`: its options, and the benchmark. Imports nothing slow."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from evf_sam_ros.cli.option_types import at_least
from evf_sam_ros.cli.rules import rules_from
from evf_sam_ros.whole_files import write_text


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what --data libero takes."""
    group = parser.add_argument_group("--data libero")
    group.add_argument(
        "--suite",
        action="append",
        metavar="NAME",
        help="suite of LIBERO or LIBERO-PRO, such as libero_spatial; may be repeated (default: "
        "the five of LIBERO)",
    )
    group.add_argument(
        "--states",
        type=at_least(1),
        default=1,
        metavar="N",
        help="initial states of each task (default: %(default)s)",
    )
    group.add_argument(
        "--libero",
        type=Path,
        metavar="VENV",
        help="environment in which requirements-libero.txt is installed; needed to draw",
    )
    group.add_argument(
        "--drawn",
        type=Path,
        metavar="DIR",
        help="folder of the drawn pictures, kept for the next run (default: the user's cache)",
    )


def on_libero(arguments: argparse.Namespace, load: Callable[[argparse.Namespace], Any]) -> None:
    """Draw what is missing, ask the model, print and write the tables."""
    from evf_sam_ros.engines.cache import cache_of
    from evf_sam_ros.evaluation.libero import benchmark, pictures, tables, tasks

    if arguments.libero is None:
        raise ValueError(f"--data libero needs --libero VENV. {pictures.INSTALL}")
    request = benchmark.Request(
        environment=arguments.libero,
        drawn=arguments.drawn or cache_of("libero"),
        suites=tuple(arguments.suite or tasks.STANDARD_SUITES),
        states=arguments.states,
    )
    benchmark.prepared(request)  # what cannot be drawn is told before a model is loaded
    predict = load(arguments)
    outcome = benchmark.run(request, predict, lambda model: rules_from(arguments, model))
    figures = outcome.figures
    print(tables.as_text(figures, outcome.answers))
    document = {**figures, "rows": tables.rows_of(outcome.answers)}
    arguments.write_json(document)
    if arguments.report:
        write_text(arguments.report / "figures.json", json.dumps(document, indent=2) + "\n")
        write_text(arguments.report / "report.md", tables.page(figures))
        print(f"report: {arguments.report / 'report.md'}")
