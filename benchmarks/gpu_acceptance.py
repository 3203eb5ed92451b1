"""Verdict on every GPU optimisation, on the GPU of this machine, in eight minutes.

    python benchmarks/gpu_acceptance.py [--variant evf_sam2] [--budget 480] [--json FILE]

One line per lever: whether its answers are exact, how many times faster it is, and so KEEP, DELETE
or NOT SETTLED. Weights are random; the truth is the model as it is written, in float32. Races are
provoked: the GPU sleeps before the steps that could overtake each other. With `--device cpu` the
script itself is rehearsed; only the levers of a CPU are then settled.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs without being installed

import numpy as np
import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from evf_sam_ros.engines.engine import PlainEngine, engine_for
from evf_sam_ros.engines.gpu.side_by_side import SideBySide
from evf_sam_ros.engines.measure import GATES, relative_error
from evf_sam_ros.engines.precision import PRECISIONS
from evf_sam_ros.engines.proof import allowed, question
from evf_sam_ros.engines.tensor_tuples import tensors_in
from evf_sam_ros.models.variants import VARIANTS, build
from evf_sam_ros.perception.download import Download

WORTH_IT = 1.05  # times faster, from which a lever is kept
ASKED = ((1, 5), (3, 12), (1, 30))  # prompts and words
REPEATS = {"cuda": 20, "cpu": 2}
RACES = {"cuda": 20, "cpu": 1}
NAP_CYCLES = 2_000_000  # of the GPU, about a millisecond
LARGEST_FP16 = 65504.0
KEPT, SLOW, REFUSED, UNSETTLED = "KEEP", "DELETE: not faster", "DELETE or mend", "NOT SETTLED"

Pair = Callable[[Callable[[], Any], Callable[[], Any]], tuple[Any, Any]]


@dataclass(frozen=True)
class Measured:
    """Result of one lever; `faster` is None where only exactness matters."""

    exact: bool
    faster: float | None
    note: str


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    lever: str
    verdict: str
    exact: bool | None
    faster: float | None
    note: str


@dataclass
class Bench:
    """The model on its device, the questions and the true answers."""

    variant: str
    device: torch.device
    answers: list[Tensor] = field(init=False)

    def __post_init__(self) -> None:
        self.config = VARIANTS[self.variant]
        torch.manual_seed(0)
        with self.device:
            self.model = build(self.config).requires_grad_(False).eval()
        self.questions = [
            tuple(part.to(self.device) for part in question(self.config, *each)) for each in ASKED
        ]
        plain = PlainEngine(self.model)
        self.answers = [self.ask(plain, each, "fp32").float() for each in self.questions]
        self.half = "fp16" if self.device.type == "cuda" else "fp32"
        self.torch_engine = engine_for("torch", self.model, self.config, self.device, self.half)
        self.torch_s = self.timed(
            lambda: self.ask(self.torch_engine, self.questions[0], self.half)
        )

    def ask(
        self, engine: Any, asked: tuple[Tensor, ...], precision: str, pair: Pair | None = None
    ) -> Tensor:
        """Return the logits of one question; `pair` runs the two first steps side by side."""
        dtype, both = PRECISIONS[precision], pair or _in_turn
        autocast = torch.autocast(self.device.type, dtype, enabled=precision != "fp32")
        with torch.inference_mode(), autocast:
            features, prompts = both(
                lambda: engine.encode(asked[0]), lambda: engine.prompt(*asked[1:])
            )
            return engine.decode(features, prompts).logits

    def error(self, engine: Any, precision: str) -> float:
        """Return the largest relative error of an engine's answers."""
        pairs = zip(self.answers, self.questions, strict=True)
        return max(
            relative_error(true, self.ask(engine, q, precision).float()) for true, q in pairs
        )

    def timed(self, run: Callable[[], object]) -> float:
        """Return the median seconds of a run, the device waited for."""
        for _ in range(2):
            run()
        seconds = []
        for _ in range(REPEATS[self.device.type]):
            self.wait()
            start = time.perf_counter()
            run()
            self.wait()
            seconds.append(time.perf_counter() - start)
        return float(np.median(seconds))

    def wait(self) -> None:
        """Wait until the device is done."""
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def nap(self) -> None:
        """Let the current stream of the GPU sleep, so that whatever does not wait overtakes."""
        if self.device.type == "cuda":
            torch.cuda._sleep(NAP_CYCLES)


def _in_turn(first: Callable[[], Any], second: Callable[[], Any]) -> tuple[Any, Any]:
    return first(), second()


def lean(bench: Bench, precision: str) -> Measured:
    """Compare the engine `torch` with the model as it is written, in one precision."""
    engine = engine_for("torch", bench.model, bench.config, bench.device, precision)
    plain = PlainEngine(bench.model)
    error, own = bench.error(engine, precision), bench.error(plain, precision)
    plain_s = bench.timed(lambda: bench.ask(plain, bench.questions[0], precision))
    engine_s = bench.timed(lambda: bench.ask(engine, bench.questions[0], precision))
    return Measured(error <= allowed(precision, own), plain_s / engine_s, f"error {error:.1e}")


def headroom(bench: Bench) -> Measured:
    """Measure how far the image features in fp16 are from overflow."""
    with torch.inference_mode(), torch.autocast(bench.device.type, torch.float16):
        features = bench.torch_engine.encode(bench.questions[0][0])
    largest = max(float(each.abs().max()) for each in tensors_in(features))
    note = f"largest feature {largest:.0f}, overflow at {LARGEST_FP16:.0f}"
    return Measured(largest < LARGEST_FP16 / 2, None, note)


def attention(bench: Bench) -> Measured:
    """Name the attention kernels; the one that writes the whole matrix is too slow."""
    activities = [ProfilerActivity.CPU]
    if bench.device.type == "cuda":
        activities.append(ProfilerActivity.CUDA)
    with profile(activities=activities) as seen:
        bench.ask(bench.torch_engine, bench.questions[1], bench.half)
    names = {each.key for each in seen.key_averages() if "attention" in each.key}
    kernels = sorted(name.removeprefix("aten::") for name in names if "scaled_dot" not in name)
    chosen = sorted(name.removeprefix("aten::") for name in names if "scaled_dot" in name)
    uses_math = any("math" in name for name in names)
    return Measured(not uses_math, None, ", ".join([*chosen, *kernels])[:200])


def two_streams(bench: Bench) -> Measured:
    """Encode image and words on two streams, the GPU asleep before either."""
    both = SideBySide(bench.device)

    def late(first: Callable[[], Any], second: Callable[[], Any]) -> tuple[Any, Any]:
        return both(lambda: (bench.nap(), first())[1], lambda: (bench.nap(), second())[1])

    worst = 0.0
    for asked in bench.questions:
        true = bench.ask(bench.torch_engine, asked, bench.half)
        for _ in range(RACES[bench.device.type]):
            other = bench.ask(bench.torch_engine, asked, bench.half, late)
            worst = max(worst, relative_error(true.float(), other.float()))
    seconds = bench.timed(
        lambda: bench.ask(bench.torch_engine, bench.questions[0], bench.half, both)
    )
    return Measured(worst <= 1e-3, bench.torch_s / seconds, f"largest difference {worst:.0e}")


def download(bench: Bench) -> Measured:
    """Copy masks and logits to pinned memory with one wait, the GPU late."""
    fetch = Download(bench.device)
    given = [torch.randn(3, 720, 1280, device=bench.device) for _ in range(8)]
    kept = []
    for each in given:
        bench.nap()
        kept.append(fetch(each.gt(0), each, None))
    right = all(
        torch.equal(mask, each.gt(0).cpu()) and torch.equal(logits, each.cpu())
        for (mask, logits, _), each in zip(kept, given, strict=True)
    )
    plain_s = bench.timed(lambda: (given[0].gt(0).cpu(), given[0].cpu()))
    own_s = bench.timed(lambda: fetch(given[0].gt(0), given[0]))
    return Measured(right, plain_s / own_s, "answers kept while others come")


def graphs(bench: Bench) -> Measured:
    """Replay recorded kernels on other questions in turn, free memory poisoned between them."""
    engine: Any = engine_for("graphs", bench.model, bench.config, bench.device, "fp16")
    both, worst = SideBySide(bench.device), 0.0
    for number in range(3 * RACES[bench.device.type]):
        torch.full((64 << 18,), float("nan"), device=bench.device)
        asked = bench.questions[number % 3]
        true = bench.ask(bench.torch_engine, asked, "fp16").float()
        other = bench.ask(engine, asked, "fp16", both).float()
        worst = max(worst, relative_error(true, other))
    seconds = bench.timed(lambda: bench.ask(engine, bench.questions[0], "fp16", both))
    recorded = sum(each is not None for each in engine._recordings.values())
    note = f"difference {worst:.0e}, {recorded} graphs, {len(engine._refused)} refused"
    exact = worst <= GATES["fp16"] and not engine._refused and recorded > 0
    return Measured(exact, bench.torch_s / seconds, note)


def other_engine(bench: Bench, name: str, precision: str) -> Measured:
    """Compare an engine with `torch` in half precision."""
    start = time.monotonic()
    engine = engine_for(name, bench.model, bench.config, bench.device, precision)
    ready_s = time.monotonic() - start
    error = bench.error(engine, precision)
    own = bench.error(PlainEngine(bench.model), precision)
    seconds = bench.timed(lambda: bench.ask(engine, bench.questions[0], precision))
    exact = engine.name == name and error <= allowed(precision, own)
    return Measured(
        exact, bench.torch_s / seconds, f"error {error:.1e}, ready after {ready_s:.0f} s"
    )


@dataclass(frozen=True)
class Lever:
    """An optimisation, what measures it, and the seconds that it may need."""

    name: str
    measure: Callable[[Bench], Measured]
    needs_s: float = 10.0
    on_cpu: str = ""  # "judged", or "rehearsed": run without a verdict


LEVERS = (
    Lever("lean in float32", lambda bench: lean(bench, "fp32"), on_cpu="judged"),
    Lever("lean in fp16", lambda bench: lean(bench, "fp16")),
    Lever("lean in bf16", lambda bench: lean(bench, "bf16")),
    Lever("fp16 features are finite", headroom),
    Lever("attention is fused", attention, on_cpu="judged"),
    Lever("two streams at once", two_streams, on_cpu="rehearsed"),
    Lever("download with one wait", download, on_cpu="rehearsed"),
    Lever("bf16 instead of fp16", lambda bench: other_engine(bench, "torch", "bf16")),
    Lever("graphs in fp16", graphs, needs_s=60.0),
    Lever(
        "compiled in fp16", lambda bench: other_engine(bench, "compiled", "fp16"), needs_s=150.0
    ),
)


def verdict(measured: Measured) -> str:
    """Return what is to become of a lever."""
    if not measured.exact:
        return REFUSED
    if measured.faster is None or measured.faster >= WORTH_IT:
        return KEPT
    return SLOW


def rows(bench: Bench, end: float) -> Iterator[Row]:
    """Measure every lever while there is time; `end` is of the monotonic clock."""
    for lever in LEVERS:
        if bench.device.type != "cuda" and not lever.on_cpu:
            yield Row(lever.name, UNSETTLED, None, None, "needs a GPU")
        elif time.monotonic() + lever.needs_s > end:
            yield Row(lever.name, UNSETTLED, None, None, "no time is left")
        else:
            yield _row(lever, bench)


def _row(lever: Lever, bench: Bench) -> Row:
    try:
        measured = lever.measure(bench)
    except Exception as error:  # one lever that fails must not cost the others their verdict
        first = (str(error).strip().splitlines() or [""])[0]
        return Row(lever.name, REFUSED, False, None, f"{type(error).__name__}: {first}")
    is_settled = bench.device.type == "cuda" or lever.on_cpu == "judged" or not measured.exact
    told = verdict(measured) if is_settled else UNSETTLED
    return Row(lever.name, told, measured.exact, measured.faster, measured.note)


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--variant", default="evf_sam2", choices=sorted(VARIANTS))
    parser.add_argument("--budget", type=float, default=480.0, help="seconds (%(default)s)")
    parser.add_argument("--device", default="cuda", help="cuda, or cpu to rehearse")
    parser.add_argument("--json", type=Path, help="file for the rows and the machine")
    arguments = parser.parse_args(argv)
    if arguments.device == "cuda" and not torch.cuda.is_available():
        parser.error("there is no CUDA GPU here; --device cpu rehearses the script")
    start = time.monotonic()
    bench = Bench(arguments.variant, torch.device(arguments.device))
    start_up_s = time.monotonic() - start
    table = []
    print(f"{'s':>5} {'lever':26} {'exact':6} {'faster':>7}  verdict")
    for row in rows(bench, start + arguments.budget):
        table.append(row)
        faster = "-" if row.faster is None else f"{row.faster:.2f}"
        exact = "-" if row.exact is None else str(row.exact)
        passed = time.monotonic() - start
        print(f"{passed:5.0f} {row.lever:26} {exact:6} {faster:>7}  {row.verdict}; {row.note}")
    facts = machine(bench, start_up_s)
    print("; ".join(f"{name} {value}" for name, value in facts.items()))
    if arguments.json:
        document = {"machine": facts, "rows": [asdict(row) for row in table]}
        arguments.json.write_text(json.dumps(document, indent=2) + "\n")
    return 0


def machine(bench: Bench, start_up_s: float) -> dict[str, Any]:
    """Return variant, device, versions, memory and the seconds until the model was ready."""
    facts: dict[str, Any] = {
        "variant": bench.variant,
        "device": str(bench.device),
        "torch": torch.__version__,
        "date": time.strftime("%Y-%m-%d"),
        "start_up_s": round(start_up_s, 1),
        "torch_engine_ms": round(1e3 * bench.torch_s, 2),
    }
    if bench.device.type == "cuda":
        facts |= {
            "gpu": torch.cuda.get_device_name(),
            "cuda": torch.version.cuda,
            "peak_memory_gb": round(torch.cuda.max_memory_allocated() / 1e9, 2),
            "weights_gb": round(sum(each.nbytes for each in bench.model.parameters()) / 1e9, 2),
        }
    return facts


if __name__ == "__main__":
    sys.exit(main())
