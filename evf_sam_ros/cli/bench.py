"""`evf-sam bench`: how fast a model is on this machine, by which engine, and what limits it."""

import argparse

from evf_sam_ros.cli.json_output import add_json, json_to
from evf_sam_ros.cli.option_types import at_least

SUMMARY = "measure how fast a model is on this machine, and say what limits it"
EXAMPLES = """\
examples:
  evf-sam bench
  evf-sam bench --prompts 4 --precision bf16
  evf-sam bench --model weights/evf-sam2 --json bench.json

One image, its prompts, the whole network; reading and resizing pictures are not in it. OpenVINO,
where it is installed, is made ready for the model meanwhile. From then on the engine `auto` runs
this model by what was faster here.
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what `run` reads."""
    parser.add_argument(
        "--model",
        default="default",
        metavar="DIR_OR_NAME",
        help="model, as in segment (%(default)s)",
    )
    parser.add_argument(
        "--device", default="auto", help="device: auto (a GPU if present), cpu, cuda, cuda:N"
    )
    parser.add_argument(
        "--precision", default="auto", help="number format: auto, fp32, bf16, fp16"
    )
    parser.add_argument(
        "--prompts",
        type=at_least(1),
        default=1,
        help="number of prompts per image (default: %(default)s)",
    )
    parser.add_argument(
        "--engines",
        nargs="+",
        metavar="NAME",
        help="engines to time (default: all except those that take minutes)",
    )
    parser.add_argument(
        "--rounds",
        type=at_least(1),
        default=10,
        help="number of runs of each engine (%(default)s)",
    )
    add_json(parser, "all figures")


def run(arguments: argparse.Namespace) -> None:
    """Measure and print.

    Raises:
        ValueError: no such model, device or precision.
    """
    from evf_sam_ros.engines import bench_report, benchmarking
    from evf_sam_ros.models import checkpoint
    from evf_sam_ros.perception.device import PRECISIONS, device_of, precision_of
    from evf_sam_ros.perception.model_folder import model_folder

    device = device_of(arguments.device)
    precision = precision_of(arguments.precision, device)
    loaded = checkpoint.load(model_folder(arguments.model))
    question = benchmarking.BenchOptions(
        model=loaded.model.requires_grad_(False).to(device),
        config=loaded.config,
        device=device,
        precision=precision,
        dtype=PRECISIONS[precision],
        engines=arguments.engines or benchmarking.engines_of(device),
        prompts=arguments.prompts,
        rounds=arguments.rounds,
        source=loaded.folder,
    )
    with json_to(arguments.json) as write_json:
        found = benchmarking.bench(question)
        print("\n".join(bench_report.report(found, question)))
        write_json(bench_report.as_json(found, question) | {"model": arguments.model})
