"""Report of a benchmark for users: a table, and the bottleneck of the best engine."""

from typing import Any

from evf_sam_ros.engines.benchmarking import Bench, BenchOptions
from evf_sam_ros.engines.engine import ENGINES
from evf_sam_ros.engines.exported.runtimes import RUNTIMES, is_installed
from evf_sam_ros.engines.measure import is_gpu
from evf_sam_ros.engines.proof import allowed

_NEAR = 0.5  # of what the device can do: more is not to be had by another program
_SLOWLY_MADE = ("compiled",)
_ON_CPUS = ("openvino", "onnxruntime")
_BUSY = 0.7  # of a core: less was given to other programs


def report(found: Bench, asked: BenchOptions) -> list[str]:
    """Say it in lines."""
    prompts = "1 prompt" if asked.prompts == 1 else f"{asked.prompts} prompts"
    lines = [
        f"one image and {prompts}, {asked.precision}, on {asked.device}",
        "",
        f"{'engine':10}{'ms, median':>12}{'p90':>9}{'images/s':>10}{'CPU ms':>9}{'error':>9}",
        *(_line(name, found, asked.precision) for name in found.times),
        *(f"{name:10}  left out: {why}" for name, why in found.left_out.items()),
        *(
            _not_tried(name)
            for name in _SLOWLY_MADE
            if name in ENGINES and name not in asked.engines
        ),
        "",
    ]
    if found.best is None:
        return [*lines, "no engine gives the model's answers in this precision: try another"]
    return [*lines, *_best(found, found.best), *_floor(found, asked), *_limit(found, asked)]


def _not_tried(name: str) -> str:
    return f"{name:10}  not tried, it takes a while to make: --engines {name}"


def _line(name: str, found: Bench, precision: str) -> str:
    times, error = found.times[name], found.errors[name]
    if not error <= allowed(precision, found.own_error):
        return f"{name:10}  its answers differ by {error:.0e}: no figure"
    median, p90 = times.quantile(0.5), times.quantile(0.9)
    return (
        f"{name:10}{1e3 * median:12.1f}{1e3 * p90:9.1f}{1 / median:10.1f}"
        f"{1e3 * min(times.cpu):9.1f}{error:9.0e}"
    )


def _best(found: Bench, best: str) -> list[str]:
    total = sum(found.steps.values())
    parts = ", ".join(f"{step} {spent / total:.0%}" for step, spent in found.steps.items())
    return [
        f"fastest: {best}; to run it: --engine {best}, of the node engine:={best}",
        f"its time: {parts}; another prompt about the same image costs the last two again",
    ]


def _floor(found: Bench, asked: BenchOptions) -> list[str]:
    core = "" if is_gpu(asked.device) else " of one core"
    return [
        f"the model: {found.gflop:.1f} GFLOP and {1e3 * found.weights_gbyte:.0f} MB of weights",
        f"the device: {found.ceilings.gflop_per_s:.0f} GFLOP/s in large matrix products, "
        f"{found.ceilings.gbyte_per_s:.0f} GB/s in copies{core}",
        f"so no less than {1e3 * found.floor():.1f} ms{core}",
    ]


def _limit(found: Bench, asked: BenchOptions) -> list[str]:
    assert found.best is not None
    times, gpu = found.times[found.best], is_gpu(asked.device)
    share = found.floor() / times.best(asked.device)
    lines = [f"limited by {_what(share, gpu)}: {found.best} is at {share:.0%} of that"]
    busy = min(times.cpu) / min(times.wall)
    if not gpu and busy < _BUSY:
        lines.append(
            f"the machine gave it {busy:.0%} of a core meanwhile: other programs use it, so trust "
            "CPU ms more than ms"
        )
    lines += [] if gpu else [_may_be_faster(name) for name in _ON_CPUS if not is_installed(name)]
    return lines


def _may_be_faster(name: str) -> str:
    return f"{name} may be faster, try it: {RUNTIMES[name].install}"


def _what(share: float, gpu: bool) -> str:
    if share >= _NEAR:
        return "the device (a faster one, half precision or a smaller model helps)"
    if gpu:
        return "starting kernels and small steps, not by arithmetic"
    return "small and memory-bound steps, not by large matrix products"


def as_json(found: Bench, asked: BenchOptions) -> dict[str, Any]:
    """Return all figures for a file."""
    return {
        "device": str(asked.device),
        "precision": asked.precision,
        "prompts": asked.prompts,
        "gflop_per_s": found.ceilings.gflop_per_s,
        "gbyte_per_s": found.ceilings.gbyte_per_s,
        "gflop": found.gflop,
        "weights_gbyte": found.weights_gbyte,
        "floor_s": found.floor(),
        "best": found.best,
        "steps_s": found.steps,
        "left_out": found.left_out,
        "engines": {
            name: {"error": found.errors[name], "wall_s": times.wall, "cpu_s": times.cpu}
            for name, times in found.times.items()
        },
    }
