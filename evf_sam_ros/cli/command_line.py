"""`evf-sam`: find what words refer to in a photograph, measure a model, train one."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, NamedTuple

from evf_sam_ros import __version__
from evf_sam_ros.cli import completion
from evf_sam_ros.cli.rules import add_rules
from evf_sam_ros.whole_files import sentence

USER_ERROR = 2
USUAL_EXIT_CODES = (
    "\nexit code: 0 done, 2 wrong input; docs/reference/command_line.md has all of them\n"
)

DOWNLOAD_EXAMPLES = """\
examples:
  evf-sam download YxZhang/evf-sam2-multitask
  evf-sam segment photo.jpg "zebra top left" --model YxZhang/evf-sam2-multitask -o out.png
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code, 2 for errors that the user can correct."""
    # Read when torch is first imported: spinning threads are slow where others need the cores.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    arguments = _parser().parse_args(argv)
    try:
        return arguments.run(arguments) or 0
    except ModuleNotFoundError as error:
        if error.name != "mujoco":
            raise
        return _refuse("the simulated tabletop needs MuJoCo: pip install 'evf_sam_ros[sim]'")
    except OSError as error:
        return _refuse(sentence(error))
    except ValueError as error:
        return _refuse(" ".join(str(error).split()))
    except KeyboardInterrupt:
        print("evf-sam: interrupted", file=sys.stderr)
        return 130


class _Command(NamedTuple):
    """A subcommand whose options and work are in a module of their own."""

    name: str
    module: str  # of this package: SUMMARY, EXAMPLES, add_options(parser), run(arguments[, load])
    options: Callable[[argparse.ArgumentParser], None] = lambda parser: None  # beside its own
    loads: bool = False  # whether `run` is also given what loads the model that is wanted
    summary: str = ""  # where the module has none


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="evf-sam", description=__doc__)
    parser.add_argument("--version", action="version", version=f"evf-sam {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for each in COMMANDS:
        _add(commands, each)
    _add_small(commands)
    _add_completion(commands, parser)
    return parser


def _add(commands: Any, command: _Command) -> None:
    module = import_module(f"evf_sam_ros.{command.module}")
    summary = command.summary or module.SUMMARY
    parser = _subparser(commands, command.name, summary, getattr(module, "EXAMPLES", ""))
    module.add_options(parser)
    command.options(parser)
    if command.loads:
        parser.set_defaults(run=lambda arguments: module.run(arguments, _predictor))
    elif hasattr(module, "run"):  # else its own subcommands have one each
        parser.set_defaults(run=module.run)


def _add_small(commands: Any) -> None:
    """Add what takes a few lines here."""
    models = _subparser(commands, "models", "list the models: size, memory, where to get them", "")
    models.add_argument(
        "--json", action="store_true", help="JSON instead of text, memory in bytes"
    )
    models.set_defaults(run=_models)
    summary = "fetch a Hugging Face model, or its newest version, for use without a network"
    download = _subparser(commands, "download", summary, DOWNLOAD_EXAMPLES)
    download.add_argument("model", help="Hugging Face id, owner/name or owner/name@revision")
    download.add_argument(
        "--tokenizer", action="store_true", help="only the tokenizer, without the weights"
    )
    download.set_defaults(run=_download)
    parameters = _subparser(commands, "params", "compare parameter counts with the paper's", "")
    parameters.add_argument(
        "paper",
        nargs="?",
        choices=["evf_sam", "sam_clip_bridge", "deris", "instancevg"],
        default="evf_sam",
        help="paper to compare with (default: %(default)s)",
    )
    parameters.set_defaults(run=_params)


def _add_completion(commands: Any, whole: argparse.ArgumentParser) -> None:
    summary = "print a script that completes `evf-sam` in a shell"
    parser = _subparser(commands, "completion", summary, completion.EXAMPLES)
    completion.add_options(parser)
    parser.set_defaults(run=lambda arguments: completion.run(arguments, whole))


def _subparser(commands: Any, name: str, summary: str, examples: str) -> argparse.ArgumentParser:
    told = examples if "exit code:" in examples else examples + USUAL_EXIT_CODES
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        epilog=told,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return parser


def _add_model_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model",
        default="default",
        metavar="DIR_OR_NAME",
        help="model: its folder, the name of an embedded one, or the Hugging Face id of a "
        "downloaded one (default: %(default)s)",
    )
    parser.add_argument(
        "--tokenizer",
        metavar="DIR_OR_ID",
        help="folder or Hugging Face id of the tokenizer, for a fine-tuned model that was "
        "published without one (default: the model's own)",
    )
    _add_running_options(parser)


def _add_running_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--device",
        default="auto",
        help="device: cpu, cuda, cuda:N, or auto, which is a GPU if present (default: "
        "%(default)s)",
    )
    parser.add_argument(
        "--precision",
        default="auto",
        help="number format: fp32, bf16, fp16, int8 (weights in 8 bits, by engine openvino), or "
        "auto, which is fp32 on a CPU and fp16 on a GPU (default: %(default)s)",
    )
    parser.add_argument(
        "--engine",
        default="auto",
        help="torch; openvino or onnxruntime, on a CPU; onnxruntime-cuda, onnxruntime-tensorrt "
        "or tensorrt, on a GPU; warming: torch until openvino or onnxruntime is ready; plain: the "
        "model as it is written; or auto: what `evf-sam bench` found fastest here, else openvino "
        "or onnxruntime where it is ready for the model, else torch (default: %(default)s)",
    )
    add_rules(parser)
    parser.add_argument(
        "--behaviour",
        type=_entry,
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="settings that replace the checkpoint's defaults: "
        "resizing=inference|dataset|legacy, masks=best|stable, semantic=true|false, "
        "everyday=true|false, tidy=true|false, trained_on=grefcoco|refcoco",
    )


COMMANDS = (
    _Command("segment", "cli.segment", _add_model_options, loads=True),
    _Command("parse", "cli.parse"),
    _Command("track", "cli.track", _add_model_options, loads=True),
    _Command("doctor", "ros.doctor.doctor"),
    _Command("bag", "cli.bag", _add_model_options, loads=True),
    _Command("evaluate", "cli.evaluate", _add_model_options, loads=True),
    _Command("compare", "cli.compare", _add_running_options, loads=True),
    _Command("bench", "cli.bench"),
    _Command("mcp", "cli.mcp"),
    _Command("export", "cli.export_model"),
    _Command("check-engine", "cli.check_engine"),
    _Command("train", "cli.train", summary="train a model by a recipe"),
    _Command(
        "calibrate",
        "cli.calibrate",
        _add_model_options,
        summary="decide from what a model signals whether the object is there",
    ),
    _Command("data", "cli.data", summary="look at data sets before training on them"),
)

# Everything below imports what it needs itself: `evf-sam --help` is instant.


def _download(arguments: argparse.Namespace) -> None:
    from evf_sam_ros.perception import hub

    fetch = hub.download_tokenizer if arguments.tokenizer else hub.download
    print(fetch(arguments.model))


def _models(arguments: argparse.Namespace) -> None:
    from evf_sam_ros.perception import model_catalogue

    memory = model_catalogue.this_machine()
    if arguments.json:
        print(json.dumps(model_catalogue.document(memory), indent=2))
    else:
        print(model_catalogue.table(memory))


def _params(arguments: argparse.Namespace) -> None:
    from evf_sam_ros.evaluation import (
        bridge_parameters,
        deris_parameters,
        instancevg_parameters,
        paper_parameters,
    )

    papers = {
        "evf_sam": paper_parameters,
        "sam_clip_bridge": bridge_parameters,
        "deris": deris_parameters,
        "instancevg": instancevg_parameters,
    }
    for line in papers[arguments.paper].report():
        print(line)


def _predictor(arguments: argparse.Namespace) -> Any:
    from evf_sam_ros.perception.predictor import load_predictor

    predictor = load_predictor(
        arguments.model,
        arguments.device,
        arguments.precision,
        arguments.score_threshold,
        behaviour=dict(arguments.behaviour),
        engine=arguments.engine,
        tokenizer=getattr(arguments, "tokenizer", None),  # `compare` names models otherwise
    )
    predictor.seeks_rivals = not arguments.no_rivals
    return predictor


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
