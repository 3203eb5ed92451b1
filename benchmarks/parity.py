"""Compare our models, stage by stage, with golden data recorded from the reference.

    python benchmarks/parity.py GOLDEN...

GOLDEN is a model's folder (with manifest.json), one of losses.npz, metrics.npz and
preprocess.npz, or the folder with these files, which stands for them. Prints every error
beside its tolerance; exit status 1 if one is too large or an array was not compared.
In half precision the errors of a model are printed, not judged.
"""

import argparse
import gc
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs without being installed

import torch

from benchmarks.golden import Check, GoldenModel, load_golden, uncompared
from benchmarks.golden_cases import check_case
from benchmarks.golden_deris import check_deris_case
from benchmarks.golden_files import check_file
from benchmarks.golden_instancevg import check_instancevg_case
from benchmarks.golden_training import check_training
from evf_sam_ros.models.deris.deris import Deris
from evf_sam_ros.models.instancevg.instancevg import InstanceVg
from evf_sam_ros.perception.device import PRECISIONS


@dataclass(frozen=True)
class Run:
    """Device and precision of a run."""

    device: str = "cpu"
    dtype: torch.dtype = torch.float32


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("golden", nargs="+", type=Path, help="folders or .npz files")
    parser.add_argument("--precision", choices=("fp32", "bf16", "fp16"), default="fp32")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:N")
    arguments = parser.parse_args(argv)
    run = Run(arguments.device, PRECISIONS[arguments.precision])
    compared = missed = 0
    for path in arguments.golden:
        for source, checks in _checked(path, run):
            print(table(source, checks), flush=True)
            compared += len(checks)
            missed += sum(not check.ok for check in checks)
    print(f"{compared} comparisons, {missed} missed")
    return 1 if missed or not compared else 0


def check_folder(golden: GoldenModel, run: Run | None = None) -> list[Check]:
    """Compare everything in a golden folder; training in float32 on a CPU only."""
    run = run or Run()
    golden.model.to(run.device)
    checks = [golden.weights]
    files = set()
    kinds: dict[type, Any] = {Deris: check_deris_case, InstanceVg: check_instancevg_case}
    checked = kinds.get(type(golden.model), check_case)
    for case in golden.manifest["cases"]:
        checks += checked(golden, case, run.dtype)
        files.add(case["file"])
    if train := golden.manifest.get("train"):
        if run == Run():
            checks += check_training(golden, train)
        files.add(train["file"])
    present = {path.name for path in golden.folder.glob("*.npz")}
    return checks + uncompared("folder", present - files)


def _checked(path: Path, run: Run) -> Iterator[tuple[str, list[Check]]]:
    started = time.perf_counter()
    try:
        if (path / "manifest.json").is_file():
            checks = check_folder(load_golden(path), run)
            gc.collect()  # the next model may be as large
            yield f"{path} ({time.perf_counter() - started:.1f} s)", checks
        elif path.is_file():
            yield str(path), check_file(path)
        else:
            yield from _checked_files(path, run)
    except (ValueError, KeyError, OSError) as error:
        print(f"{path}: {error}", file=sys.stderr)
        yield str(path), [Check(path.name, "could not be compared", float("inf"), 0, "error")]


def _checked_files(folder: Path, run: Run) -> Iterator[tuple[str, list[Check]]]:
    files = sorted(folder.glob("*.npz"))
    if not files:
        raise ValueError("no golden data: need a folder with manifest.json or .npz files")
    for file in files:
        yield from _checked(file, run)
    models = sorted(manifest.parent.name for manifest in folder.glob("*/manifest.json"))
    if models:
        print(f"{folder}: models are compared when named: {', '.join(models)}")


def table(source: str, checks: list[Check]) -> str:
    """Return a readable table of comparisons."""
    rows = [("file", "array", "error", "tolerance", "measure", "")]
    rows += [
        (
            check.source,
            check.name,
            f"{check.error:.2e}",
            f"{check.tolerance:.0e}",
            check.kind,
            "ok" if check.ok else "MISS",
        )
        for check in checks
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    return "\n".join([source, *(f"  {line}" for line in lines), ""])


if __name__ == "__main__":
    sys.exit(main())
