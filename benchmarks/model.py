"""Time every step of a model by every engine, beside what the machine can do, and prove it right.

    python benchmarks/model.py [VARIANT ...] [--engines plain torch openvino] [--prompts 1 8]
    python benchmarks/model.py evf_sam --against benchmarks/peers/transformers_sam
    python benchmarks/model.py --json benchmarks/results/model.json

Weights are random and the same for all. A figure is printed only if the engine's logits agree with
the model's as written, in float32; a row that misses says so, and the exit status is 1. Compare
ratios: all engines run in turn in one process. CPU time is of all threads, the best of the runs.

--against DIR imports DIR/implementation.py and calls its `build(variant, model, device)`, which
returns functions by the step they stand for: any of encode(images), prompt(fusions, tokens,
padding) and decode(features, prompts). What they give is compared, too.
"""

import argparse
import importlib.util
import json
import platform
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timezone
from itertools import product
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs without being installed

import torch
from tqdm import tqdm

from evf_sam_ros.engines.engine import ENGINES, PlainEngine, engine_for, is_installed
from evf_sam_ros.engines.float8 import float8_twin
from evf_sam_ros.engines.measure import GATES, Times, ceilings, gflop, in_turn, relative_error
from evf_sam_ros.engines.parts import parts_of
from evf_sam_ros.models.sam import SamConfig
from evf_sam_ros.models.variants import VARIANTS, EvfSamConfig, build
from evf_sam_ros.perception.device import AUTOCAST, device_of

STEPS = ("encode", "prompt", "decode")
WORDS = 12  # tokens of a prompt


@dataclass(frozen=True)
class Row:
    """One step by one engine."""

    variant: str
    engine: str
    precision: str
    prompts: int
    step: str
    error: float  # of the whole answer, or of this step where an implementation has no more
    passed: bool
    wall_ms: float | None = None  # median
    p10_ms: float | None = None
    p90_ms: float | None = None
    cpu_ms: float | None = None  # best
    speedup: float | None = None  # CPU time (GPU: wall time) of `plain` over this
    gemm_share: float | None = None  # of the rate measured here


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    arguments = _arguments(argv)
    device, threads = device_of(arguments.device), torch.get_num_threads()
    if arguments.threads:
        torch.set_num_threads(threads := arguments.threads)
    peak = {name: ceilings(device, AUTOCAST[name]) for name in arguments.precision}
    report: dict[str, Any] = {
        "date": datetime.now(timezone.utc).isoformat(timespec="minutes"),
        "machine": _machine(device, threads) | {"layers": arguments.depth or "all"},
        "ceilings": {name: asdict(value) for name, value in peak.items()},
        "rows": [],
    }
    for chosen in product(arguments.variant, arguments.precision, arguments.prompts):
        rows = Case(*chosen, device, arguments.depth).rows(arguments, peak[chosen[1]].gflop_per_s)
        report["rows"] += [asdict(row) for row in rows]
        if arguments.json:  # after every case: the next may take an hour
            _write(report, arguments.json)
    print(table(report))
    return 0 if all(row["passed"] for row in report["rows"]) else 1


def _write(report: dict[str, Any], file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


class Case:
    """A variant in one precision, asked so many prompts about one image."""

    def __init__(
        self,
        variant: str,
        precision: str,
        prompts: int,
        device: torch.device,
        depth: int | None = None,
    ) -> None:
        torch.manual_seed(0)
        self.variant, self.precision, self.device = variant, precision, device
        self.config = _cut(VARIANTS[variant], depth)
        self.model = build(self.config).requires_grad_(False).to(device)
        self.images = torch.randn(1, 3, *self.config.image_input.size, device=device)
        self.fusions = torch.randn(1, 3, *self.config.fusion_input.size, device=device)
        vocabulary = self.config.encoder.vocabulary
        self.tokens = torch.randint(3, vocabulary, (1, prompts, WORDS), device=device)
        self.padding = torch.zeros_like(self.tokens, dtype=torch.bool)
        self.padding[:, ::2, WORDS - 3 :] = True

    def rows(self, arguments: argparse.Namespace, peak: float) -> list[Row]:
        """Prove and time every engine, and the other implementation where there is one."""
        plain = PlainEngine(self.model)
        with torch.inference_mode():
            features = plain.encode(self.images)
            prompts = plain.prompt(self.fusions, self.tokens, self.padding)
            truth = {"encode": features, "prompt": prompts}
            truth["decode"] = plain.decode(features, prompts).logits
        work = {step: gflop(run) for step, run in self._runs(plain).items()}
        engines = {name: self._engine(name) for name in arguments.engines}
        runs = {name: self._runs(engine) for name, engine in engines.items()}
        errors = {
            name: dict.fromkeys(STEPS, relative_error(truth["decode"], self._logits(engine)))
            for name, engine in engines.items()
        }
        if arguments.against:
            other = self._other(arguments.against, truth)
            runs["against"] = other
            errors["against"] = {step: _error(truth[step], run()) for step, run in other.items()}
        return self._measured(runs, errors, work, arguments.rounds, peak)

    def _measured(
        self,
        runs: dict[str, dict[str, Callable[[], Any]]],
        errors: dict[str, dict[str, float]],
        work: dict[str, float],
        rounds: int,
        peak: float,
    ) -> list[Row]:
        rows = []
        for step in tqdm(STEPS, desc=f"{self.variant} {self.precision}", leave=False):
            mine = {name: own[step] for name, own in runs.items() if step in own}
            times = in_turn(mine, self.device, rounds)
            for name in mine:
                row = Row(
                    self.variant, name, self.precision, self.tokens.shape[1], step,
                    errors[name][step], errors[name][step] <= GATES[self.precision],
                )  # fmt: skip
                rows.append(self._with_figures(row, times, name, work[step], peak))
        return rows

    def _with_figures(
        self, row: Row, times: dict[str, Times], name: str, work: float, peak: float
    ) -> Row:
        if not row.passed:
            return row
        own, plain = times[name], times.get("plain", times[name])
        used = own.best(self.device)
        figures = {
            "wall_ms": 1e3 * own.quantile(0.5),
            "p10_ms": 1e3 * own.quantile(0.1),
            "p90_ms": 1e3 * own.quantile(0.9),
            "cpu_ms": 1e3 * min(own.cpu),
            "speedup": plain.best(self.device) / used,
            "gemm_share": work / used / peak,
        }
        return Row(**{**asdict(row), **figures})

    def _engine(self, name: str) -> Any:
        model = float8_twin(self.model) if self.precision == "fp8" else self.model
        engine = engine_for(name, model, self.config, self.device, self.precision)
        if self.precision != "fp32" and name != "openvino":
            return _Autocast(engine, self.device, AUTOCAST[self.precision])
        return engine

    def _runs(self, engine: Any) -> dict[str, Callable[[], Any]]:
        with torch.inference_mode():
            features = engine.encode(self.images)
            prompts = engine.prompt(self.fusions, self.tokens, self.padding)
        return {
            "encode": lambda: engine.encode(self.images),
            "prompt": lambda: engine.prompt(self.fusions, self.tokens, self.padding),
            "decode": lambda: engine.decode(features, prompts),
        }

    def _logits(self, engine: Any) -> torch.Tensor:
        with torch.inference_mode():
            prompts = engine.prompt(self.fusions, self.tokens, self.padding)
            return engine.decode(engine.encode(self.images), prompts).logits

    def _other(self, folder: Path, truth: dict[str, Any]) -> dict[str, Callable[[], Any]]:
        steps = _imported(folder).build(self.variant, self.model, self.device)
        given = {
            "encode": (self.images,),
            "prompt": (self.fusions, self.tokens, self.padding),
            "decode": (truth["encode"], truth["prompt"]),
        }
        return {step: lambda run=run, step=step: run(*given[step]) for step, run in steps.items()}


def _cut(config: EvfSamConfig, depth: int | None) -> EvfSamConfig:
    """Leave so many layers to both encoders, where they are counted."""
    if depth is None:
        return config
    segmenter: Any = config.segmenter
    if isinstance(segmenter, SamConfig):
        attention = tuple(block for block in segmenter.global_attention if block < depth)
        segmenter = replace(segmenter, depth=depth, global_attention=attention)
    elif hasattr(segmenter, "depth"):
        segmenter = replace(segmenter, depth=depth)
    return replace(config, encoder=replace(config.encoder, depth=depth), segmenter=segmenter)


class _Autocast:
    """An engine of torch in half precision, as the predictor runs it."""

    def __init__(self, engine: Any, device: torch.device, dtype: torch.dtype) -> None:
        self._engine, self._device, self._dtype = engine, device, dtype

    def __getattr__(self, step: str) -> Callable[..., Any]:
        def run(*inputs: Any) -> Any:
            with torch.autocast(self._device.type, self._dtype):
                return getattr(self._engine, step)(*inputs)

        return run


def _error(truth: Any, computed: Any) -> float:
    pairs = zip(parts_of(truth), parts_of(getattr(computed, "logits", computed)), strict=True)
    return max(relative_error(*pair) for pair in pairs)


def _imported(folder: Path) -> Any:
    path = folder / "implementation.py"
    spec = importlib.util.spec_from_file_location("implementation", path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise SystemExit(f"--against {folder}: there is no {path.name} in it")
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(folder))
    spec.loader.exec_module(module)
    return module


def table(report: dict[str, Any]) -> str:
    """Return the report as text."""
    lines = [" | ".join(f"{key} {value}" for key, value in report["machine"].items())]
    for precision, peak in report["ceilings"].items():
        lines.append(
            f"ceilings {precision}: matrix product {peak['gflop_per_s']:.0f} GFLOP/s, "
            f"copy {peak['gbyte_per_s']:.1f} GB/s"
        )
    lines += [
        "",
        "| variant | prompts | precision | step | engine | error | CPU ms | wall ms (p10-p90) "
        "| x plain | of GEMM |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines += [_line(row) for row in report["rows"]]
    return "\n".join([*lines, "", *_totals(report["rows"])])


def _totals(rows: list[dict[str, Any]]) -> list[str]:
    """Return a table of all steps together, for engines of which every step has a figure."""
    taken: dict[tuple[Any, ...], dict[str, float]] = {}
    for row in rows:
        key = tuple(row[name] for name in ("variant", "precision", "engine", "prompts"))
        if row["passed"]:
            taken.setdefault(key, {})[row["step"]] = row["cpu_ms"]
    sums = {key: sum(own.values()) for key, own in taken.items() if len(own) == len(STEPS)}
    lines = [
        "| variant | precision | engine | prompts | CPU ms | x against | of the fewest prompts |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for (*kind, prompts), total in sums.items():
        variant, precision, _ = kind
        other = sums.get((variant, precision, "against", prompts))
        ratio = f"{other / total:.2f}" if other else "-"
        fewest = min(key[3] for key in sums if list(key[:3]) == kind)
        lines.append(
            f"| {' | '.join(kind)} | {prompts} | {total:.1f} | {ratio} "
            f"| {total / sums[(*kind, fewest)]:.2f} |"
        )
    return lines


def _line(row: dict[str, Any]) -> str:
    start = (
        f"| {row['variant']} | {row['prompts']} | {row['precision']} | {row['step']} "
        f"| {row['engine']} | {row['error']:.0e} "
    )
    if not row["passed"]:
        return f"{start}| parity missed: no figure | | | |"
    return (
        f"{start}| {row['cpu_ms']:.1f} | {row['wall_ms']:.1f} "
        f"({row['p10_ms']:.1f}-{row['p90_ms']:.1f}) | {row['speedup']:.2f} "
        f"| {row['gemm_share']:.0%} |"
    )


def _machine(device: torch.device, threads: int) -> dict[str, Any]:
    import openvino

    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else _processor()
    return {
        "device": name,
        "threads": threads,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "openvino": openvino.__version__ if is_installed() else "none",
        "commit": commit or "unknown",
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("variant", nargs="*", default=["tabletop"], help=", ".join(VARIANTS))
    engines = ["plain", "torch", *(["openvino"] if is_installed() else [])]
    parser.add_argument("--engines", nargs="+", default=engines, choices=ENGINES)
    parser.add_argument("--prompts", nargs="+", type=int, default=[1], help="per image")
    parser.add_argument(
        "--precision",
        nargs="+",
        default=["fp32"],
        choices=AUTOCAST,
        help="fp8: not by openvino, and beside the ceiling of bf16; on a CPU only to see errors",
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N")
    parser.add_argument("--rounds", type=int, default=10, help="runs of each (%(default)s)")
    parser.add_argument("--threads", type=int, help="of torch and OpenVINO (default: theirs)")
    parser.add_argument("--depth", type=int, help="only so many layers: a quick look at ratios")
    parser.add_argument("--against", type=Path, metavar="DIR", help="another implementation")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    arguments = parser.parse_args(argv)
    if unknown := set(arguments.variant) - VARIANTS.keys():
        parser.error(f"no variant {', '.join(sorted(unknown))}: need {', '.join(VARIANTS)}")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
