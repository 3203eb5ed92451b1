"""A camera whose images and depth arrive at a pairing over time, late, lost and oddly stamped."""

import random
from dataclasses import dataclass, field
from types import SimpleNamespace

from evf_sam_ros.perception.no_depth import NoDepth
from evf_sam_ros.perception.pairing import Pairing

SECOND = 1_000_000_000
MS = 1_000_000
START = 1_700_000_000 * SECOND + 123_456_789
PATIENCE_NS = 100 * MS


def message(stamp, number, frame_id="camera"):
    """Return what has a header; its data says of which frame it is."""
    time = SimpleNamespace(sec=stamp // SECOND, nanosec=stamp % SECOND)
    header = SimpleNamespace(stamp=time, frame_id=frame_id)
    return SimpleNamespace(header=header, data=number.to_bytes(4, "big"), number=number)


@dataclass
class Camera:
    """Frame n is taken at START + n / rate; the functions say how that is told, by n and time."""

    rate_hz: float = 15.0
    frames: int = 60
    image_stamp: object = lambda number, taken: taken
    depth_stamp: object = None  # None: as the image's
    depth_lag_ns: int = 2 * MS  # after the image; negative: before it
    model_ns: int = 50 * MS  # from an image's arrival until its depth is asked for
    loss: float = 0.0  # share of messages that do not arrive
    seed: int = 0
    slop_s: float = 0.03
    answers: dict = field(default_factory=dict)

    def taken(self, number):
        return START + round(number * SECOND / self.rate_hz)

    def events(self):
        """Return (time, kind, frame number, stamp) of everything that arrives, in order."""
        chance, events = random.Random(self.seed), []
        depth_stamp = self.depth_stamp or self.image_stamp
        for number in range(self.frames):
            taken = self.taken(number)
            for kind, at, stamp in (
                ("image", taken, self.image_stamp(number, taken)),
                ("depth", taken + self.depth_lag_ns, depth_stamp(number, taken)),
            ):
                if chance.random() >= self.loss:
                    events.append((at, kind, number, stamp))
        return sorted(events)

    def play(self):
        """Return what each answered image got: the number of a frame, or a NoDepth."""
        pairing, waiting = Pairing(10), []
        for at, kind, number, stamp in [*self.events(), (START + 10**12, "end", 0, 0)]:
            waiting = self._answer(pairing, waiting, at)
            if kind == "image":
                waiting.append((at, number, pairing.put_image(message(stamp, number), at)))
            elif kind == "depth":
                pairing.put_depth(message(stamp, number), at)
        return self.answers

    def _answer(self, pairing, waiting, now):
        """Answer what was due before now, and return what waits on; like the node, one by one."""
        left = []
        for arrived, number, image in waiting:
            pairing.expect(image)
            due = arrived + self.model_ns
            if now > due and (pairing.depth_is_settled(image) or now > due + PATIENCE_NS):
                found = pairing.depth_of(image, self.slop_s)
                self.answers[number] = (
                    found if isinstance(found, NoDepth) else found.message.number
                )
            else:
                left.append((arrived, number, image))
        return left

    def right(self):
        return [n for n, found in self.answers.items() if found == n]

    def wrong(self):
        return [
            n for n, found in self.answers.items() if not isinstance(found, NoDepth) and found != n
        ]

    def statuses(self):
        found = self.answers.values()
        return {each.status.name for each in found if isinstance(each, NoDepth)}
