"""Check of an exported folder: recorded questions asked of what runs it, at its tolerances."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch

from evf_sam_ros.engines.exported import recorded_answers as answers
from evf_sam_ros.engines.exported.folder import (
    ANSWERS,
    Description,
    check_files,
    graph_path,
    read_description,
    tolerances_of,
)
from evf_sam_ros.engines.exported.onnx_graphs import GRAPHS
from evf_sam_ros.engines.exported.recorded_answers import StageErrors
from evf_sam_ros.engines.exported.runtimes import check_runtime, engine_from, run_precision
from evf_sam_ros.engines.exported.tensorrt_operators import findings


def check_folder(
    folder: Path,
    runtime: str,
    device: torch.device,
    precision: str | None = None,
    report: Callable[[StageErrors], None] = lambda _: None,
) -> list[StageErrors]:
    """Ask a runtime all recorded questions and return its errors.

    Args:
        precision: to run in; None: the files' own where the runtime has it, else fp32.
        report: called with the errors of each question.

    Raises:
        ValueError: a file was changed since the export, the runtime is unknown or not installed,
            or an answer differs by more than the tolerances in `graphs.json`.
    """
    check_runtime(runtime, device, precision)
    found = read_description(folder)
    check_files(folder, found)
    recorded = answers.load(folder / ANSWERS)
    engine = engine_from(runtime, folder, device, precision)
    errors = []
    for own in answers.replay(engine, recorded, found.max_tokens, device):
        report(own)
        errors.append(own)
    _refuse_wrong(runtime, errors, tolerances(found, precision or run_precision(runtime, found)))
    return errors


def refuse_operators(folder: Path) -> None:
    """Raise ValueError where a graph has what TensorRT 10 does not take."""
    for graph in GRAPHS:
        if found := findings(graph_path(folder, graph)):
            raise ValueError(f"TensorRT 10 does not take {graph}.onnx: {', '.join(found)}")


def tolerances(found: Description, precision: str) -> Mapping[str, float]:
    """Return the errors that the files and the precision they run in may have together."""
    own = tolerances_of(precision)
    return {name: max(most, own[name]) for name, most in found.tolerances.items()}


def _refuse_wrong(
    runtime: str, errors: Sequence[StageErrors], allowed: Mapping[str, float]
) -> None:
    wrong = [(own, clauses) for own in errors if (clauses := own.excess(allowed))]
    if wrong:
        first, clauses = wrong[0]
        raise ValueError(
            f"{runtime} does not give the model's answers to {len(wrong)} of {len(errors)} "
            f"questions; with {first.question.prompts} prompts of {first.question.tokens} "
            f"tokens {' and '.join(clauses)}"
        )
