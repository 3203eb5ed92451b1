"""Compare a report's figures with the goals, and explain which were not measured.

A ratio to another implementation counts in its worst round; of several engines the best counts.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

Report = dict[str, Any]  # what `benchmarks/model.py --json` writes
Row = dict[str, Any]
Figures = dict[str, float]  # by engine

_ONE, _MANY = 1, 8  # prompts
_PEAK_FACTOR, _PEAK_GB = 1.25, 0.3
_MANY_PROMPTS = {"evf_sam": 1.35, "evf_sam2": 1.7, "evf_effisam_l": 2.6, "evf_effisam_b": 2.6}


class _NotTaken(Exception):
    """Raised for a figure that was not taken; the message says why."""


@dataclass(frozen=True)
class Verdict:
    """One goal: what was measured beside what is wanted, or why nothing was."""

    goal: str
    about: str
    figure: str
    wanted: str
    verdict: str


@dataclass(frozen=True)
class Goal:
    """A figure that is wanted of a report."""

    name: str
    about: str
    wanted: float
    figures: Callable[[Report], Figures]
    on_gpu: bool | None = True  # None: anywhere
    at_least: bool = True  # or at most
    form: str = "{:.2f} x"

    def verdict(self, report: Report) -> Verdict:
        """Judge the best engine."""
        wanted = (">= " if self.at_least else "<= ") + self.form.format(self.wanted)
        try:
            if self.on_gpu not in (None, report["gpu"]):
                raise _NotTaken("a GPU's" if self.on_gpu else "a CPU's")
            figures = self.figures(report)
        except _NotTaken as reason:
            return Verdict(self.name, self.about, "-", wanted, f"not taken here: {reason}")
        choose = max if self.at_least else min
        engine = choose(figures, key=lambda name: figures[name])
        figure = figures[engine]
        reached = figure >= self.wanted if self.at_least else figure <= self.wanted
        told = f"{self.form.format(figure)} by {engine}"
        return Verdict(self.name, self.about, told, wanted, "reached" if reached else "missed")


def verdicts(report: Report) -> list[Verdict]:
    """Return what became of every goal that this benchmark can take."""
    return [goal.verdict(report) for goal in _goals(report)]


def _goals(report: Report) -> Iterator[Goal]:
    published = {"P1": ("evf_sam", 3.0), "P2": ("evf_sam2", 4.0)}
    for name, (variant, wanted) in published.items():
        yield from _faster_than_published(name, variant, wanted)
    for variant in ("evf_effisam_l", "evf_effisam_b"):
        yield from _faster_than_published("P3", variant, 6.0)
    yield _faster("P5", "evf_sam", "transformers_sam", "encode", "bf16", 1.25)
    yield _faster("P5", "evf_sam2", "transformers_sam2", "encode", "bf16", 1.15)
    for variant, wanted in (("evf_sam", 0.6), ("evf_sam2", 0.5)):
        for precision in ("fp16", "bf16"):
            yield _near_the_product(variant, precision, wanted)
    for variant, wanted in _MANY_PROMPTS.items():
        yield from _many_prompts(report, variant, wanted)
    yield from _all_lengths(report)
    yield from _memory(report)
    for precision, wanted in (("bf16", 8.0), ("fp32", 4.5)):
        goal = _faster("P18", "evf_effisam_b", "eager", "network", precision, wanted)
        yield replace(goal, on_gpu=False)


def _faster_than_published(name: str, variant: str, wanted: float) -> Iterator[Goal]:
    for step in ("network", "frame"):
        yield _faster(name, variant, "eager", step, "fp16", wanted)


def _faster(name: str, variant: str, peer: str, step: str, precision: str, wanted: float) -> Goal:
    def figures(report: Report) -> Figures:
        other = _taken(report, variant, precision, step, _ONE, peer=peer)[peer]
        own = _taken(report, variant, precision, step, _ONE)
        return {engine: min(_ratios(other, row)) for engine, row in own.items()}

    return Goal(name, f"{variant} {precision}, {step}: {peer} / ours", wanted, figures)


def _near_the_product(variant: str, precision: str, wanted: float) -> Goal:
    def figures(report: Report) -> Figures:
        own = _taken(report, variant, precision, "encode", _ONE)
        return {engine: row["gemm_share"] for engine, row in own.items()}

    about = f"{variant} {precision}, encode: of the matrix product"
    return Goal("P6", about, wanted, figures, form="{:.0%}")


def _many_prompts(report: Report, variant: str, wanted: float) -> Iterator[Goal]:
    measured = [row["precision"] for row in report["rows"] if row["variant"] == variant]
    for precision in dict.fromkeys(measured) or ["fp16"]:

        def figures(report: Report, precision: str = precision) -> Figures:
            one = _taken(report, variant, precision, "network", _ONE)
            many = _taken(report, variant, precision, "network", _MANY)
            both = one.keys() & many.keys()
            # Of the fastest engine: what waits for itself anyway has prompts for nothing.
            fastest = min(both, key=lambda engine: max(one[engine]["rounds_ms"]))
            return {fastest: max(_ratios(many[fastest], one[fastest]))}

        about = f"{variant} {precision}, network: {_MANY} prompts / {_ONE}"
        yield Goal("P9", about, wanted, figures, on_gpu=None, at_least=False)


def _all_lengths(report: Report) -> Iterator[Goal]:
    def goal(about: str, figures: Callable[[Report], Figures]) -> Goal:
        about = f"{about}: slowest length / fastest - 1"
        return Goal("P15", about, 0.1, figures, on_gpu=None, at_least=False, form="{:.1%}")

    for each in report["lengths"]:
        # What compiles after it was ready misses the goal, however fast it is.
        slower = each["slowest_ms"] / each["fastest_ms"] - 1 if not each["compiled"] else math.inf
        about = f"{each['variant']} {each['precision']} by {each['engine']}, 1-{each['lengths']}"
        yield goal(about, lambda _, each=each, slower=slower: {each["engine"]: slower})
    if not report["lengths"]:
        yield goal("prompts of 1 to 60 tokens", _nothing("--lengths 60"))


def _memory(report: Report) -> Iterator[Goal]:
    def goal(about: str, wanted: float, figures: Callable[[Report], Figures]) -> Goal:
        about = f"{about}: memory at most"
        return Goal("P16", about, wanted, figures, at_least=False, form="{:.2f} GB")

    for each in report["memory"]:
        wanted = _PEAK_FACTOR * each["weights_gb"] + _PEAK_GB
        about = f"{each['variant']} {each['precision']} by {each['engine']}"
        yield goal(about, wanted, lambda _, e=each: {e["engine"]: e["answering_gb"]})
    if not report["memory"]:
        yield goal("weights times 1.25, and", _PEAK_GB, _nothing("an engine that answers"))


def _nothing(needed: str) -> Callable[[Report], Figures]:
    def figures(_: Report) -> Figures:
        raise _NotTaken(f"needs {needed}")

    return figures


def _ratios(one: Row, other: Row) -> list[float]:
    return [a / b for a, b in zip(one["rounds_ms"], other["rounds_ms"], strict=True)]


def _taken(
    report: Report, variant: str, precision: str, step: str, prompts: int, peer: str | None = None
) -> dict[str, Row]:
    """Return the rows with a figure: ours by engine, or that of one other implementation."""
    rows = [row for row in report["rows"] if row["variant"] == variant]
    if not rows:
        raise _NotTaken(f"needs the variant {variant}")
    rows = [row for row in rows if row["precision"] == precision]
    if not rows:
        raise _NotTaken(f"needs --precision {precision}")
    rows = [
        row
        for row in rows
        if row["step"] == step
        and (row["prompts"] == prompts or step == "encode")
        and (row["engine"] == peer if peer else not row["is_peer"])
    ]
    if not rows:
        raise _NotTaken(_why(report, (variant, precision), peer or f"{step}, --prompts {prompts}"))
    right = {row["engine"]: row for row in rows if row["passed"] and not row["compiled"]}
    if not right:
        raise _NotTaken("other answers than the model's, or compiled while it was timed")
    return right


def _why(report: Report, about: tuple[str, str], missing: str) -> str:
    for failure in report["failures"]:
        if (failure["variant"], failure["precision"], failure["engine"]) == (*about, missing):
            return f"{missing}: {failure['reason']}"
    return f"needs {missing}"
