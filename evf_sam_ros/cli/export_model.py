"""`evf-sam export`: a model as three ONNX files with recorded answers."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

SUMMARY = "write a model as three ONNX files, with answers to check what runs them"
EXAMPLES = """\
examples:
  evf-sam export default exported/ --check
  evf-sam export weights/evf-sam2 exported/ --precision fp16

The folder holds encode.onnx, prompt.onnx, decode.onnx, answers.npz and graphs.json. Run the
command again to finish an export that was interrupted. `evf-sam check-engine` checks what runs
the files.
docs/guides/export.md explains.
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what `run` reads."""
    parser.add_argument(
        "model", metavar="MODEL", help="model: its folder, name or Hugging Face id"
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="new or empty folder")
    parser.add_argument(
        "--precision",
        default="fp32",
        help="number format of the files: fp32, or fp16 for GPUs (default: %(default)s)",
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="replay the recorded questions by ONNX Runtime, and refuse an export that differs",
    )


def run(arguments: argparse.Namespace) -> None:
    """Export.

    Raises:
        ValueError: no such model or precision, no room, or the files do not give its answers.
    """
    import torch

    from evf_sam_ros.cli.check_engine import checked
    from evf_sam_ros.engines.exported.runtimes import check_runtime
    from evf_sam_ros.engines.exported.writing import export, steps
    from evf_sam_ros.models import checkpoint
    from evf_sam_ros.perception.model_folder import model_folder
    from evf_sam_ros.progress import progress

    if arguments.check:
        check_runtime("onnxruntime", torch.device("cpu"))  # before minutes of work
    loaded = checkpoint.load(model_folder(arguments.model))
    model = loaded.model.requires_grad_(False)
    with progress(desc="export", total=steps(loaded.config), unit="step") as bar:
        found = export(
            model, loaded.config, arguments.folder, arguments.precision, lambda _: bar.update()
        )
    if arguments.check:
        print(checked("onnxruntime", _errors(arguments.folder)))
    size = sum(mark.size for mark in found.files.values())
    print(f"{arguments.folder}: {found.family}, {found.precision}, {size / 1e6:.1f} MB")


def _errors(folder: Path) -> Sequence[Any]:
    """Return the errors of ONNX Runtime's answers; a folder that misses is not to be run."""
    import torch

    from evf_sam_ros.cli.check_engine import check
    from evf_sam_ros.engines.exported.folder import DESCRIPTION
    from evf_sam_ros.engines.exported.folder_check import refuse_operators

    try:
        refuse_operators(folder)
        return check(folder, "onnxruntime", torch.device("cpu"), None)
    except ValueError:
        (folder / DESCRIPTION).unlink()
        raise
