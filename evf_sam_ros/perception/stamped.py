"""Messages of a topic in order of arrival, and a check that their stamps are distinct.

A message is any object with a header as std_msgs has it, from a topic or from a recording.
"""

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from math import gcd
from typing import Any

SECOND = 1_000_000_000
REMEMBERED = 300  # messages: ten seconds of a camera at 30 Hz
LATELY = 30  # messages in which repeated stamps are counted
RECENT = 4  # messages whose stamps tell the resolution of the clock
NEVER = -1
COARSE_NS = 10_000_000  # no clock's resolution, but that of a number somebody rounded
START_S = 10  # a simulated time that starts at 0 is at most this far at the second message


@dataclass(eq=False)
class Stamped:
    """A message as it arrived; nanoseconds."""

    stamp: int
    frame_id: str
    arrived: int  # on one clock for all topics; NEVER: it did not come over its topic
    message: Any  # None: let go of
    content: str = ""  # to compare messages by, where that is wanted
    round: int = 0  # how often the stamps have jumped back before it
    in_order: bool = True  # later than all before it in its round

    @property
    def came(self) -> bool:
        """Tell whether it came over its topic, so that it has neighbours to compare it with."""
        return self.arrived != NEVER


def stamp_ns(header: Any) -> int:
    """Return the stamp of a header."""
    return int(header.stamp.sec) * SECOND + int(header.stamp.nanosec)


class Stream:
    """The latest messages of one topic.

    A stamp that lies far back is an outlier if the next one goes on where the one before was;
    only if the next one goes on from the outlier has time jumped back, and a new round begun.
    """

    def __init__(self, kept: int = REMEMBERED) -> None:
        """Start with an empty stream.

        Args:
            kept: number of messages that are kept whole; of older ones only the stamp.
        """
        self.kept = kept
        self.items: deque[Stamped] = deque(maxlen=max(REMEMBERED, kept))
        self.round = 0
        self._newest: Stamped | None = None  # the latest in order, and the one before that
        self._before: Stamped | None = None
        self._suspect: Stamped | None = None  # lies back; the next one tells why

    def put(self, message: Any, arrived: int) -> Stamped:
        header = message.header
        item = Stamped(stamp_ns(header), str(header.frame_id), arrived, message)
        item.round = self.round
        self._order(item)
        self.items.append(item)
        return item

    def let_go(self, needed: Iterable[Stamped] = ()) -> None:
        """Forget the messages that are no longer kept, but those that are needed."""
        wanted = set(map(id, needed))
        for item in list(self.items)[: -self.kept]:
            if id(item) not in wanted:
                item.message = None

    def clear(self, keep: int = 0) -> None:
        """Forget all but the newest so many."""
        while len(self.items) > keep:
            self.items.popleft()
        self._newest = self._before = self._suspect = None

    def is_undecided(self, item: Stamped) -> bool:
        """Tell whether only the next message will say what this one's stamp is worth."""
        if not self.items or item is not self.items[-1]:
            return False
        return item is self._suspect or (item.stamp == 0 and self._opens_its_round(item))

    @property
    def has_jumped(self) -> bool:
        """Tell whether a stamp may come back that was used in an earlier round."""
        rounds = {item.round for item in self.items}
        return len(rounds) > 1 or self._suspect is not None

    def has_other_stamps(self, stamp: int) -> bool:
        """Tell whether the stamps are known to advance."""
        return any(item.stamp not in (0, stamp) for item in self.items)

    def with_stamp(self, item: Stamped) -> list[Stamped]:
        """Return the messages of an item's round that bear its stamp."""
        return [
            each
            for each in self.items
            if each.stamp == item.stamp and (each.round == item.round or not item.came)
        ]

    def doubt(self, item: Stamped) -> str:
        """Return why a stamp does not tell its message from others, empty if it does."""
        if doubt := self.doubt_of_clock(item):
            return doubt
        twins = self.with_stamp(item)
        if len(twins) > 2:
            return f"is one of {len(twins)} with the same stamp"
        if item.came and len(twins) > 1 and twins[0] is not item:
            return "repeats the stamp of an earlier one"
        return ""

    def doubt_of_clock(self, item: Stamped) -> str:
        """Return why the stamp does not tell a time, empty if it does."""
        if item.stamp == 0 and not self._starts_at_zero(item):
            return "has the stamp 0"
        return self._doubt_of_resolution(item)

    def _starts_at_zero(self, item: Stamped) -> bool:
        """Tell whether 0 is a time: simulated time begins with it, and goes on from there."""
        own = [each for each in self.items if each.round == item.round]
        if not self._opens_its_round(item) or len(own) < 2:
            return False
        return 0 < own[1].stamp < START_S * SECOND

    def _opens_its_round(self, item: Stamped) -> bool:
        return next((e for e in self.items if e.round == item.round), None) is item

    def _doubt_of_resolution(self, item: Stamped) -> str:
        """Return why the clock is too coarse for the pace of the messages, empty if it is not.

        One repeated stamp may be an accident, and stamps of a simulation or a synthetic recording
        have round numbers, too; both together, faster than the steps, do not occur by accident.
        """
        is_round = item.stamp % COARSE_NS == 0  # a stamp that is not is of a better clock
        stamped = [each for each in self.items if each.stamp and each.round == self.round]
        stamped = stamped[-LATELY:]
        alike = (each.stamp for each in stamped if (each.stamp % COARSE_NS == 0) == is_round)
        repeated = sum(count > 1 for count in Counter(alike).values())
        if repeated >= 2:
            return f"is of a clock that has given {repeated} stamps several times lately"
        step = gcd(SECOND, *(each.stamp for each in stamped[-RECENT:]))
        if not repeated or not is_round or step < COARSE_NS:
            return ""
        gaps = sorted(later.arrived - each.arrived for each, later in pairwise(stamped))
        if not gaps or gaps[len(gaps) // 4] >= 0.9 * step:
            return ""
        return f"is stamped in steps of {step / SECOND:g} s, longer than from one to the next"

    def _order(self, item: Stamped) -> None:
        newest, before, suspect = self._newest, self._before, self._suspect
        if newest is None or item.stamp > newest.stamp:
            self._before, self._newest, self._suspect = newest, item, None
        elif item.stamp == newest.stamp:
            item.in_order = False
        elif before is not None and item.stamp > before.stamp:
            newest.in_order = False  # it was too far ahead
            self._newest = item
        elif suspect is not None and item.stamp >= suspect.stamp:
            self._begin_round(suspect, item)
        else:
            item.in_order = False
            self._suspect = item

    def _begin_round(self, first: Stamped, second: Stamped) -> None:
        self.round += 1
        first.round = second.round = self.round
        first.in_order = True
        second.in_order = second.stamp > first.stamp
        self._before, self._newest, self._suspect = first, second, None
