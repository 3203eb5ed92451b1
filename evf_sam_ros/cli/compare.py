"""`evf-sam compare`: two models, or two folders of results. Imports nothing slow itself."""

import argparse
import tempfile
from pathlib import Path
from typing import Any

from evf_sam_ros.cli.evaluate import Load, add_split_options, make_folders
from evf_sam_ros.cli.json_output import add_json, json_to

SUMMARY = "compare two models on the same data, sentence by sentence"
EXAMPLES = """\
examples:
  evf-sam compare out/before out/after                    two folders of evaluate --report
  evf-sam compare out/before out/after --report difference/
  evf-sam compare weights/evf-sam weights/evf-sam2 --data refer_data/ --split refcoco/val
  evf-sam compare default runs/mine/model --data own.json --report difference/
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add all but what says how models are run."""
    for name in ("a", "b"):
        parser.add_argument(
            name,
            metavar=name.upper(),
            help="folder that evaluate --report wrote, or with --data a model",
        )
    parser.add_argument("--data", type=Path, help="data to measure models on, as in evaluate")
    add_split_options(parser)
    add_json(parser, "the differences")
    parser.add_argument(
        "--report", type=Path, metavar="DIR", help="folder for a report with pictures"
    )


def run(arguments: argparse.Namespace, load: Load) -> None:
    """Compare; `load` gives the predictor that arguments want."""
    make_folders(arguments.json, arguments.report)
    with json_to(arguments.json) as write_json:
        write_json(_compare(arguments, load))


def _compare(arguments: argparse.Namespace, load: Load) -> dict[str, Any]:
    """Print the differences and return them."""
    from evf_sam_ros.evaluation import comparison

    with tempfile.TemporaryDirectory() as temporary:
        kept = Path(arguments.report or temporary)
        folders = [
            _results(arguments, model, kept / letter, load)
            for letter, model in (("a", arguments.a), ("b", arguments.b))
        ]
        a, b = comparison.read_both(folders)
    paired = comparison.pairs(a, b)
    print(comparison.as_text(a, b, paired))
    if arguments.report:
        print(f"report: {comparison.document(a, b, paired).write(arguments.report)}")
    return comparison.as_json(a, b, paired)


def _results(arguments: argparse.Namespace, name: str, folder: Path, load: Load) -> Path:
    """Return a folder of results: the one that is named, or the one that is made now."""
    from evf_sam_ros.evaluation import comparison, datasets
    from evf_sam_ros.evaluation.processes import Share

    if comparison.is_results(Path(name)):
        return Path(name)
    if arguments.data is None:
        comparison.read(Path(name))  # says what is missing
    labels = datasets.labels(arguments.data, arguments.split, everything=False)
    request = datasets.Request(
        model=name,
        data=arguments.data,
        labels=labels,
        folder=folder,
        limit=arguments.limit,
        behaviour=dict(arguments.behaviour),
    )
    model = argparse.Namespace(**{**vars(arguments), "model": name})
    datasets.evaluate(request, load(model), Share())
    return folder
