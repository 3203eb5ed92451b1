"""`evf-sam check-engine`: recorded questions asked of whatever runs an exported model."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

SUMMARY = "check that a runtime gives the recorded answers of an exported model"
EXAMPLES = """\
examples:
  evf-sam check-engine exported/ --runtime onnxruntime
  evf-sam check-engine exported/ --runtime openvino --precision bf16
  evf-sam check-engine exported/ --runtime tensorrt          builds for this GPU first
  evf-sam check-engine exported/ --runtime openvino --model default

The largest error of each stage is printed; the exit code is 2 where one exceeds its tolerance.
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what `run` reads."""
    parser.add_argument(
        "folder", type=Path, metavar="FOLDER", help="folder that evf-sam export wrote"
    )
    parser.add_argument(
        "--runtime",
        required=True,
        help="openvino, onnxruntime, onnxruntime-cuda, onnxruntime-tensorrt or tensorrt",
    )
    parser.add_argument(
        "--precision", help="number format to run in (default: that of the files, else fp32)"
    )
    parser.add_argument(
        "--model", help="also check that the folder was exported from this model's weights"
    )


def run(arguments: argparse.Namespace) -> None:
    """Check.

    Raises:
        ValueError: the folder, the model or the runtime is not as needed, or an answer differs.
    """
    from evf_sam_ros.engines.exported.runtimes import device_for

    if arguments.model is not None:
        _check_weights(arguments.folder, arguments.model)
    device = device_for(arguments.runtime)
    errors = check(arguments.folder, arguments.runtime, device, arguments.precision)
    print(checked(arguments.runtime, errors))


def check(folder: Path, runtime: str, device: Any, precision: str | None) -> Sequence[Any]:
    """Return the errors of a runtime's answers; a bar shows the progress.

    Raises:
        ValueError: an answer differs, or nothing could be asked.
    """
    from evf_sam_ros.engines.exported.folder import read_description
    from evf_sam_ros.engines.exported.folder_check import check_folder
    from evf_sam_ros.engines.exported.recorded_answers import grid
    from evf_sam_ros.progress import progress

    questions = len(grid(read_description(folder).max_tokens))
    with progress(desc="check", total=questions, unit="question") as bar:
        return check_folder(folder, runtime, device, precision, lambda _: bar.update())


def checked(runtime: str, errors: Sequence[Any]) -> str:
    """Return a sentence with the largest error of each stage."""
    stages = ("features", "prompts", "logits", "scores")
    largest = {stage: max(getattr(own, stage) for own in errors) for stage in stages}
    listed = ", ".join(f"{stage} {error:.0e}" for stage, error in largest.items())
    return f"{runtime} gives the model's answers to {len(errors)} questions; errors: {listed}"


def _check_weights(folder: Path, model: str) -> None:
    from evf_sam_ros.engines.exported.folder import read_description, weights_digest
    from evf_sam_ros.models import checkpoint
    from evf_sam_ros.perception.model_folder import model_folder

    loaded = checkpoint.load(model_folder(model))
    if weights_digest(loaded.model) != read_description(folder).weights:
        raise ValueError(f"{str(folder)!r} was exported from other weights than {model!r}'s")
