"""`evf-sam`: find what words refer to in a photograph, measure a model, train one."""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any

USER_ERROR = 2

DOWNLOAD_EXAMPLES = """\
examples:
  evf-sam download YxZhang/evf-sam2-multitask
  evf-sam segment photo.jpg "zebra top left" --model YxZhang/evf-sam2-multitask -o out.png
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code, 2 for what the user can put right."""
    # Read when torch is first imported: spinning threads are slow where others need the cores.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    arguments = _parser().parse_args(argv)
    try:
        return arguments.run(arguments) or 0
    except ModuleNotFoundError as error:
        if error.name != "mujoco":
            raise
        return _refuse("the simulated tabletop needs MuJoCo: pip install 'evf_sam_ros[sim]'")
    except (ValueError, OSError) as error:
        return _refuse(" ".join(str(error).split()))
    except KeyboardInterrupt:
        print("evf-sam: interrupted", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="evf-sam", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_segment(commands)
    _add_track(commands)
    _add_doctor(commands)
    _add_bag(commands)
    _add_evaluate(commands)
    _add_compare(commands)
    _add_bench(commands)
    _add_train(commands)
    _add_calibrate(commands)
    _add_data(commands)
    models = _command(commands, "models", "list the models: size, memory, where to get them", "")
    models.set_defaults(run=_models)
    _add_download(commands)
    parameters = _command(commands, "params", "compare parameter counts with the paper's", "")
    parameters.add_argument(
        "paper",
        nargs="?",
        choices=["evf_sam", "sam_clip_bridge"],
        default="evf_sam",
        help="whose tables (default: %(default)s)",
    )
    parameters.set_defaults(run=_params)
    return parser


def _command(commands: Any, name: str, summary: str, examples: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return parser


def _add_model_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model",
        default="default",
        metavar="DIR_OR_NAME",
        help="a model's folder, the name of an embedded one, or the Hugging Face id of one that "
        "was downloaded (default: %(default)s)",
    )
    _add_running_options(parser)


def _add_running_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--device",
        default="auto",
        help="cpu, cuda, cuda:N, or auto: a GPU where there is one (default: %(default)s)",
    )
    parser.add_argument(
        "--precision",
        default="auto",
        help="fp32, bf16, fp16, or auto: fp32 on a CPU, half on a GPU (default: %(default)s)",
    )
    parser.add_argument(
        "--engine",
        default="auto",
        help="torch, openvino, plain, or auto: openvino where it is ready for the model, else "
        "torch (default: %(default)s); docs/performance.md compares them",
    )
    parser.add_argument(
        "--score-threshold",
        type=float,
        metavar="P",
        help="p(found), 0 to 1, from which an object counts as found (default: the model's own)",
    )
    parser.add_argument(
        "--behaviour",
        type=_entry,
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="treat a published checkpoint otherwise than by its own default: "
        "resizing=inference|dataset|legacy, masks=best|stable, "
        "semantic=true|false, tidy=true|false",
    )


def _add_segment(commands: Any) -> None:
    from evf_sam_ros.perception import segment_command

    parser = _command(commands, "segment", segment_command.SUMMARY, segment_command.EXAMPLES)
    segment_command.add_options(parser)
    _add_model_options(parser)
    parser.set_defaults(run=lambda arguments: segment_command.run(arguments, _predictor))


def _add_track(commands: Any) -> None:
    from evf_sam_ros.perception import track_command

    parser = _command(commands, "track", track_command.SUMMARY, track_command.EXAMPLES)
    track_command.add_options(parser)
    _add_model_options(parser)
    parser.set_defaults(run=lambda arguments: track_command.run(arguments, _predictor))


def _add_bench(commands: Any) -> None:
    from evf_sam_ros.perception import bench_command

    parser = _command(commands, "bench", bench_command.SUMMARY, bench_command.EXAMPLES)
    bench_command.add_options(parser)
    parser.set_defaults(run=bench_command.run)


def _add_doctor(commands: Any) -> None:
    from evf_sam_ros.ros import doctor

    parser = _command(commands, "doctor", doctor.SUMMARY, doctor.EXAMPLES)
    doctor.add_options(parser)
    parser.set_defaults(run=doctor.run)


def _add_bag(commands: Any) -> None:
    from evf_sam_ros.recordings import command

    parser = _command(commands, "bag", command.SUMMARY, command.EXAMPLES)
    command.add_options(parser)
    _add_model_options(parser)
    parser.set_defaults(run=lambda arguments: command.run(arguments, _predictor))


def _add_evaluate(commands: Any) -> None:
    from evf_sam_ros.evaluation import evaluate_command

    parser = _command(commands, "evaluate", evaluate_command.SUMMARY, evaluate_command.EXAMPLES)
    evaluate_command.add_options(parser)
    _add_model_options(parser)
    parser.set_defaults(run=lambda arguments: evaluate_command.run(arguments, _predictor))


def _add_compare(commands: Any) -> None:
    from evf_sam_ros.evaluation import compare_command

    parser = _command(commands, "compare", compare_command.SUMMARY, compare_command.EXAMPLES)
    compare_command.add_options(parser)
    _add_running_options(parser)
    parser.set_defaults(run=lambda arguments: compare_command.run(arguments, _predictor))


def _add_train(commands: Any) -> None:
    from evf_sam_ros.training import command

    parser = _command(commands, "train", "train a model by a recipe", command.EXAMPLES)
    command.add_options(parser)
    parser.set_defaults(run=command.run)


def _add_calibrate(commands: Any) -> None:
    from evf_sam_ros.training import calibrate_command

    summary = "decide from what a model signals whether the object is there"
    parser = _command(commands, "calibrate", summary, calibrate_command.EXAMPLES)
    calibrate_command.add_options(parser)
    _add_model_options(parser)
    parser.set_defaults(run=calibrate_command.run)


def _add_data(commands: Any) -> None:
    from evf_sam_ros.data import command

    parser = _command(commands, "data", "look at data sets before training on them", "")
    command.add_options(parser)


def _add_download(commands: Any) -> None:
    summary = "fetch a Hugging Face model, or its newest version, for use without a network"
    parser = _command(commands, "download", summary, DOWNLOAD_EXAMPLES)
    parser.add_argument("model", help="owner/name, or owner/name@revision")
    parser.set_defaults(run=_download)


# Everything below imports what it needs itself: `evf-sam --help` is instant.


def _download(arguments: argparse.Namespace) -> None:
    from evf_sam_ros.perception import hub

    print(hub.download(arguments.model))


def _models(_: argparse.Namespace) -> None:
    from evf_sam_ros.perception import catalogue

    print(catalogue.table(catalogue.this_machine()))


def _params(arguments: argparse.Namespace) -> None:
    from evf_sam_ros.evaluation import bridge_parameters, paper_parameters

    papers = {"evf_sam": paper_parameters, "sam_clip_bridge": bridge_parameters}
    for line in papers[arguments.paper].report():
        print(line)


def _predictor(arguments: argparse.Namespace) -> Any:
    from evf_sam_ros.perception.predictor import load_predictor

    return load_predictor(
        arguments.model,
        arguments.device,
        arguments.precision,
        arguments.score_threshold,
        behaviour=dict(arguments.behaviour),
        engine=arguments.engine,
    )


def _entry(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not (key and equals and value):
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE")
    return key, {"true": True, "false": False}.get(value.lower(), value)


def _refuse(sentence: str) -> int:
    print(f"evf-sam: {sentence}", file=sys.stderr)
    return USER_ERROR


if __name__ == "__main__":
    sys.exit(main())
