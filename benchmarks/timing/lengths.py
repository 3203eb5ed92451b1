"""Check that the length of a prompt costs no time and causes no compilation."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks.timing.contender import Contender
from benchmarks.timing.participants import Participant, Setting
from evf_sam_ros.engines.measure import Run, in_turn

LONGEST = 60  # tokens
_ROUNDS = 5
_FRAMES = 3  # per round
_WARM_UP = 3  # runs of one length out of every bucket


@dataclass(frozen=True)
class Spread:
    """The whole network's times over prompts of all lengths."""

    variant: str
    precision: str
    engine: str
    lengths: int
    fastest_ms: float  # the median of the length that has the least
    slowest_ms: float
    compiled: int  # how often, since lengths were tried: of a recording that comes late, too


def spreads(setting: Setting, taking_part: list[Participant], longest: int) -> Iterator[Spread]:
    """Measure every fast engine that is right, with prompts of 1 to `longest` tokens."""
    longest = min(longest, LONGEST, setting.config.encoder.max_tokens)
    for each in taking_part:
        own = not each.contender.is_peer and each.contender.name != "plain"
        if not (longest and own and each.passes("network", setting.prompts[0])):
            continue
        found = setting.tried(
            each.contender.name,
            lambda each=each: _spread(setting, each.contender, longest),
        )
        if found is not None:
            yield found


def _spread(setting: Setting, contender: Contender, longest: int) -> Spread:
    network = contender.steps["network"]
    runs: dict[int, Run] = {
        length: lambda frame, length=length: network(frame, 1, length)
        for length in range(1, longest + 1)
    }
    buckets = {min(2**power, longest) for power in range(3, 7)}
    before = setting.counters.total()
    in_turn({each: runs[each] for each in buckets}, setting.device, 0, warm_up=_WARM_UP)
    times = in_turn(runs, setting.device, _ROUNDS, frames=_FRAMES, warm_up=0)
    medians = [1e3 * float(np.median(own.rounds(setting.device))) for own in times.values()]
    return Spread(
        setting.variant, setting.precision, contender.name, longest,
        min(medians), max(medians), setting.counters.total() - before,
    )  # fmt: skip
