"""`evf-sam calibrate`: its options, what it prints and writes. Imports nothing heavy by itself."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evf_sam_ros.cli import calibrate_without_labels
from evf_sam_ros.cli.json_output import add_json, json_to
from evf_sam_ros.cli.option_types import at_least

if TYPE_CHECKING:
    from evf_sam_ros.pictures.document import Document
    from evf_sam_ros.training.calibration_fit import Asked

EXAMPLES = """\
examples:
  evf-sam calibrate --model weights/evf-sam2 --data DATA --split refcoco/val --pictures 500
  evf-sam calibrate --model weights/evf-sam2 --pictures frames/     # without labels
  evf-sam calibrate --model weights/evf-sam2 --pictures drive/      # frames of a recording
  evf-sam calibrate --model runs/mine/model --data my_pictures.json --dry-run
  evf-sam calibrate --model default --data tabletop --pictures 300 --dry-run --report report/

Pictures that the model was trained on make it look surer than it is: take a val split.
Half of the pictures serve to fit, the other half to measure. The decision is written into the
model's config.json, where every program of this package finds it; --dry-run only prints.
"""
FIRST_SEED = 850_000  # of tabletop scenes: neither trained on nor evaluated with


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what `evf-sam calibrate` takes beside the model options."""
    parser.add_argument(
        "--data",
        help="labelled pictures: tabletop, a folder of data sets, or COCO JSON with sentences",
    )
    parser.add_argument("--split", default="", help="NAME/SPLIT in a folder of data sets")
    parser.add_argument(
        "--pictures",
        type=_count_or_folder,
        help="with --data: at most so many (tabletop: 200); else a folder of pictures or a "
        "recording, which need no labels: they are asked for what is almost surely not in them",
    )
    calibrate_without_labels.add_options(parser)
    parser.add_argument(
        "--seed",
        type=at_least(0),
        default=FIRST_SEED,
        help="seed of the choice of negatives and of the tabletop's first scene (%(default)s)",
    )
    parser.add_argument(
        "--signals",
        help="signals, separated by commas: presence, predicted_iou, stability, certainty, "
        "contrast, text_matters, paraphrase, flip (default: presence if the model learned "
        "it, else all)",
    )
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="no change to the model's folder: print the result only",
    )
    add_json(parser, "all figures")
    parser.add_argument("--report", type=Path, metavar="DIR", help="folder for a report")


def run(arguments: argparse.Namespace) -> None:
    """Ask, fit, measure, write.

    Raises:
        ValueError: an option is not what it could be, or the data does not suffice.
    """
    with json_to(arguments.json) as write_json:
        if isinstance(arguments.pictures, Path) and not arguments.data:
            write_json(calibrate_without_labels.run(arguments))
        else:
            write_json(_by_labels(arguments))


def _by_labels(arguments: argparse.Namespace) -> dict[str, Any]:
    """Calibrate by labelled data; return the figures."""
    from evf_sam_ros.perception.model_folder import model_folder
    from evf_sam_ros.training import calibration_fit

    if isinstance(arguments.pictures, Path) or not arguments.data:
        raise ValueError(
            "need --pictures FOLDER (or recording), or --data with a number of --pictures at most"
        )
    names = _signals(arguments)
    asked = _ask(arguments, names)
    fitted_on, measured_on = calibration_fit.halves(asked)
    chosen = calibration_fit.usable(names, asked)
    calibration = calibration_fit.fit(fitted_on, chosen)
    figures: dict[str, Any] = {
        "model": arguments.model,
        "data": " ".join(filter(None, (arguments.data, arguments.split))),
        "decision": calibration.document(),
        **calibration_fit.measure(calibration, measured_on),
    }
    report = document(figures)
    print(report.markdown())
    if arguments.report:
        print(f"report: {report.write(arguments.report)}")
    if not arguments.dry_run:
        folder = model_folder(arguments.model)
        calibration_fit.store(folder, calibration)
        print(f"the decision is in {folder / 'config.json'}")
    return figures


def _count_or_folder(text: str) -> int | Path:
    return at_least(2)(text) if text.isdigit() else Path(text)


def document(figures: dict[str, Any]) -> "Document":
    """Return the figures as a report."""
    from evf_sam_ros.pictures.document import Document, Table, Text

    weights = ", ".join(f"{k} {v:+.3g}" for k, v in figures["decision"]["weights"].items())
    levels = {"all": figures["all"], **figures["by_level"]}
    each = figures["auroc_of_each_signal"]
    return Document(
        f"Found or not: {figures['model']} on {figures['data']}",
        [
            Text(
                f"{figures['with_target']} sentences with a target, "
                f"{figures['without_target']} without (the half not fitted on)"
            ),
            Text(f"weights: {weights}; found from p = {figures['threshold']:.3f}"),
            Text(
                f"T-acc {_percent(figures['t_acc'])}; cIoU of sentences with a target "
                f"{_percent(figures['ciou_always_found'])} if all were found, "
                f"{_percent(figures['ciou_decided'])} decided"
            ),
            Table(
                ("negatives", "sentences", "AUROC", "N-acc", "N-acc at T-acc 95 %", "ECE"),
                tuple(
                    (
                        level,
                        str(row["sentences"]),
                        _number(row["auroc"]),
                        _percent(row["n_acc"]),
                        _percent(row["n_acc_at_t_acc_95"]),
                        _number(row["ece"]),
                    )
                    for level, row in levels.items()
                ),
            ),
            Table(
                ("signal alone", "AUROC"),
                tuple((name, _number(value)) for name, value in each.items()),
            ),
        ],
    )


def _ask(arguments: argparse.Namespace, names: list[str]) -> "list[Asked]":
    from evf_sam_ros.data import catalogue
    from evf_sam_ros.training import calibration_fit

    if arguments.data == "tabletop":
        pictures = arguments.pictures or 200
        seeds = range(arguments.seed, arguments.seed + pictures)
        return list(calibration_fit.ask_tabletop(_careful(arguments, names), seeds))
    dataset = catalogue.read(Path(arguments.data), arguments.split)
    for problem in dataset.problems:
        print(f"broken: {problem}", file=sys.stderr)
    calibration_fit.check_enough(dataset, arguments.seed, limit=arguments.pictures)
    predict = _careful(arguments, names)
    return list(
        calibration_fit.ask_dataset(predict, dataset, arguments.seed, limit=arguments.pictures)
    )


def _careful(arguments: argparse.Namespace, names: list[str]) -> Any:
    from evf_sam_ros.perception.predictor import load_predictor

    return load_predictor(
        arguments.model,
        arguments.device,
        arguments.precision,
        behaviour=dict(arguments.behaviour),
        signals=names,
        tokenizer=arguments.tokenizer,
    )


def _signals(arguments: argparse.Namespace) -> list[str]:
    from evf_sam_ros.models.checkpoint import load
    from evf_sam_ros.models.compact import CompactSegmenter
    from evf_sam_ros.perception import signals
    from evf_sam_ros.perception.model_folder import model_folder

    if arguments.signals:
        names = [name.strip() for name in arguments.signals.split(",")]
        known = (*signals.ALL, *signals.OF_SOME)
        if unknown := [name for name in names if name not in known]:
            raise ValueError(f"signal is {unknown[0]!r}, need some of {', '.join(known)}")
        return names
    learned = isinstance(load(model_folder(arguments.model)).model.segmenter, CompactSegmenter)
    return [*(signals.FREE if learned else signals.ALL), *signals.OF_SOME]


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f} %"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
