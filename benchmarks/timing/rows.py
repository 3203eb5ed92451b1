"""Time every step of all who take part, in turn: rows of the table."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
from tqdm import tqdm

from benchmarks.timing.counters import Counters
from benchmarks.timing.inputs import WORDS
from benchmarks.timing.participants import Participant, Setting
from evf_sam_ros.engines.measure import Run, Times, in_turn, work

_WARM_UP = 3  # runs, after all have been made ready


@dataclass(frozen=True)
class Row:
    """One step by one contender; without figures where its answers are not the model's."""

    variant: str
    precision: str
    engine: str
    is_peer: bool
    prompts: int
    step: str
    error: float  # see `Proof.error`; of another implementation: in float32
    passed: bool
    gflop: float
    note: str = ""
    compiled: int = 0  # how often, while it was timed
    wall_ms: float | None = None  # median
    p10_ms: float | None = None
    p90_ms: float | None = None
    events_ms: float | None = None  # median, of a GPU
    cpu_ms: float | None = None  # best
    rounds_ms: list[float] = field(default_factory=list)  # medians; of a CPU: CPU time
    gemm_share: float | None = None  # of the rate measured here, in the slowest round


@dataclass(frozen=True)
class Plan:
    """Steps that are timed, their repetitions, and the rate for comparison."""

    steps: tuple[str, ...]
    rounds: int
    frames: int  # per round
    gflop_per_s: float


class _Watched:
    """A run that notes what was compiled meanwhile."""

    def __init__(self, run: Run, counters: Counters) -> None:
        self._run, self._counters = run, counters
        self.compiled = 0

    def __call__(self, frame: int) -> object:
        before = self._counters.total()
        answer = self._run(frame)
        self.compiled += self._counters.total() - before
        return answer


def rows(setting: Setting, taking_part: list[Participant], plan: Plan) -> Iterator[Row]:
    """Yield a row per step, contender and number of prompts; an image is encoded once for all."""
    work_of = {count: work(setting.config, count, WORDS) for count in setting.prompts}
    for step in tqdm(plan.steps, desc=f"{setting.variant} {setting.precision}", leave=False):
        counts = setting.prompts[:1] if step == "encode" else setting.prompts
        asked = [
            (each, count)
            for count in counts
            for each in taking_part
            if step in each.contender.steps
        ]
        blank = [_blank(setting, *pair, step, work_of) for pair in asked]
        runs = {
            number: partial(_run, *asked[number], step)
            for number, row in enumerate(blank)
            if row.passed
        }
        in_turn(runs, setting.device, 0, warm_up=min(plan.frames, _WARM_UP))
        watched = {number: _Watched(run, setting.counters) for number, run in runs.items()}
        times = in_turn(watched, setting.device, plan.rounds, frames=plan.frames, warm_up=0)
        for number, row in enumerate(blank):
            if number in times:
                row = _with_figures(row, times[number], setting, plan.gflop_per_s)
                row = replace(row, compiled=watched[number].compiled)
            yield row


def _run(each: Participant, count: int, step: str, frame: int) -> object:
    return each.contender.steps[step](frame, count)


def _blank(
    setting: Setting,
    each: Participant,
    count: int,
    step: str,
    work_of: dict[int, dict[str, float]],
) -> Row:
    own = work_of[count]
    return Row(
        variant=setting.variant,
        precision=setting.precision,
        engine=each.contender.name,
        is_peer=each.contender.is_peer,
        prompts=count,
        step=step,
        error=each.errors[step, count],
        passed=each.passes(step, count),
        gflop=own.get(step, sum(own.values())),
        note=each.contender.note,
    )


def _with_figures(row: Row, times: Times, setting: Setting, gflop_per_s: float) -> Row:
    rounds = times.rounds(setting.device)
    return replace(
        row,
        wall_ms=1e3 * times.quantile(0.5),
        p10_ms=1e3 * times.quantile(0.1),
        p90_ms=1e3 * times.quantile(0.9),
        events_ms=1e3 * float(np.median(times.events)) if times.events else None,
        cpu_ms=1e3 * min(times.cpu),
        rounds_ms=[1e3 * each for each in rounds],
        gemm_share=row.gflop / max(rounds) / gflop_per_s,
    )
