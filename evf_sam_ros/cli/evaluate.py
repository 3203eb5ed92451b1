"""`evf-sam evaluate`: its options, and which evaluation they ask for. Imports nothing slow."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from evf_sam_ros.cli import evaluate_libero as libero
from evf_sam_ros.cli.json_output import add_json, json_to
from evf_sam_ros.cli.option_types import at_least, between
from evf_sam_ros.cli.rules import rules_from

SUMMARY = "measure a model on data it never saw"
EXAMPLES = """\
examples:
  evf-sam evaluate --data tabletop --scenes 500 --seed 900000
  evf-sam evaluate --data tabletop --scenes 50 --json figures.json --report report/
  evf-sam evaluate --data tabletop --model runs/tabletop/model
  evf-sam evaluate --data household --scenes 200                a world of 88 kinds of things
  evf-sam evaluate --data refer_data/ --split refcoco/testA --model weights/evf-sam --report out/
  evf-sam evaluate --data refer_data/ --all --model weights/evf-sam --report out/ --resume
  evf-sam evaluate --data robot_data/ --split roborefit/testA --camera 606 606 320 240
  evf-sam evaluate --data sentences said.tsv                    what people said about scenes
  evf-sam evaluate --data libero --libero libero/ --suite libero_spatial --json libero.json
  evf-sam evaluate --data own.json                              COCO JSON with sentences
  torchrun --nproc-per-node 4 -m evf_sam_ros.cli evaluate --data refer_data/ --all --report out/

data sets: refcoco, refcoco+, refcocog (umd), refcocog-google, refclef, grefcoco, reasonseg, coco;
of robotics: roborefit, ocid-vlg, ocid-ref, refspatial, refspatial-expand, robospatial-home,
where2place, bop;
docs/guides/evaluation.md shows how their folders look and what each figure means
"""
Load = Callable[[argparse.Namespace], Any]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add all but the model's options."""
    parser.add_argument(
        "--data",
        required=True,
        help="tabletop, household, sentences, libero, a folder of data sets, or a COCO JSON file",
    )
    parser.add_argument(
        "file",
        nargs="?",
        type=Path,
        help="file for --data sentences; each line has a seed of the tabletop, a sentence, and "
        "the numbers of the objects meant, NF or AMB",
    )
    add_split_options(parser)
    parser.add_argument("--all", action="store_true", help="all benchmark splits in the folder")
    parser.add_argument(
        "--resume",
        action="store_true",
        help="continuation of an interrupted run with the same --report",
    )
    parser.add_argument(
        "--scenes",
        type=at_least(1),
        default=500,
        help="number of simulated scenes to render (default: %(default)s)",
    )
    parser.add_argument(
        "--seed",
        type=at_least(0),
        default=900_000,
        help="seed of the first simulated scene (default: %(default)s)",
    )
    parser.add_argument(
        "--camera",
        nargs=4,
        type=between(1e-9),
        metavar=("FX", "FY", "CX", "CY"),
        help="camera of depth pictures whose data set does not tell it, in pixels",
    )
    libero.add_options(parser)
    add_json(parser, "all figures")
    parser.add_argument(
        "--report", type=Path, metavar="DIR", help="folder for all answers and a report"
    )


def add_split_options(parser: argparse.ArgumentParser) -> None:
    """Add what says which part of a folder of data sets is meant."""
    parser.add_argument(
        "--split", metavar="NAME/SPLIT", help="split to evaluate, such as refcoco/testA"
    )
    parser.add_argument(
        "--limit",
        type=at_least(1),
        metavar="N",
        help="number of pictures of each split, from the first (default: all)",
    )


def run(arguments: argparse.Namespace, load: Load) -> None:
    """Measure; `load` gives the predictor that the arguments want."""
    make_folders(arguments.json, arguments.report)
    with json_to(arguments.json) as arguments.write_json:
        _measure(arguments, load)


def _measure(arguments: argparse.Namespace, load: Load) -> None:
    if arguments.data == "sentences":
        _on_sentences(arguments, load)
    elif arguments.file is not None:
        raise ValueError(f"{str(arguments.file)!r} is given, which only --data sentences reads")
    elif arguments.data in ("tabletop", "household"):
        _on_scenes(arguments, load)
    elif arguments.data == "libero":
        libero.on_libero(arguments, load)
    else:
        _on_files(arguments, load)


def make_folders(*paths: Path | None) -> None:
    """Make sure now, rather than after an hour of work, that results can be written."""
    for path in paths:
        if path is not None:
            path.resolve().parent.mkdir(parents=True, exist_ok=True)


def _on_files(arguments: argparse.Namespace, load: Load) -> None:
    from evf_sam_ros.evaluation import datasets
    from evf_sam_ros.evaluation.processes import joined

    if arguments.resume and arguments.report is None:
        raise ValueError("--resume goes on with the answers in a --report folder: give it as well")
    data = Path(arguments.data)
    request = datasets.Request(
        model=arguments.model,
        data=data,
        labels=datasets.labels(data, arguments.split, arguments.all),
        folder=arguments.report,
        resume=arguments.resume,
        limit=arguments.limit,
        camera=arguments.camera and tuple(arguments.camera),
        behaviour=dict(arguments.behaviour),
    )
    with joined() as share:
        arguments.device = share.device(arguments.device)
        figures = datasets.evaluate(request, load(arguments), share)
    if figures:
        arguments.write_json(figures if len(figures) > 1 else next(iter(figures.values())))


def _on_sentences(arguments: argparse.Namespace, load: Load) -> None:
    from evf_sam_ros.evaluation import sentences

    if arguments.file is None:
        raise ValueError("--data sentences needs a file of sentences behind it")
    said = sentences.read_sentences(arguments.file)
    predict = load(arguments)
    answers = sentences.measure(predict, said, rules_from(arguments, predict))
    figures = {"data": "sentences", "model": predict.name, **sentences.summarize(answers)}
    print(sentences.as_text(figures, answers))
    arguments.write_json(figures)


def _on_scenes(arguments: argparse.Namespace, load: Load) -> None:
    from evf_sam_ros.evaluation import tabletop
    from evf_sam_ros.evaluation.tabletop_report import as_text, write_report

    predict = load(arguments)
    seeds = range(arguments.seed, arguments.seed + arguments.scenes)
    rules = rules_from(arguments, predict)
    measurement = tabletop.measure(predict, seeds, rules=rules, world=arguments.data)
    figures = {
        "data": arguments.data,
        "scenes": arguments.scenes,
        "first_seed": arguments.seed,
        "model": predict.name,
        "device": str(predict.device),
        "precision": predict.precision,
        **tabletop.summarize(measurement, predict.score_threshold),
    }
    print(as_text(figures))
    arguments.write_json(figures)
    if arguments.report:
        print(f"report: {write_report(arguments.report, figures, measurement.judged, predict)}")
