"""Statistics of recent images, answers and durations, for the diagnostics."""

from collections import deque
from dataclasses import dataclass
from statistics import quantiles
from threading import Lock
from time import monotonic

from evf_sam_ros.msg import SegmentationResult
from evf_sam_ros.ros.stamps import nanoseconds

STAGES = ("preprocess", "inference", "postprocess", "total")
KEPT = 100  # answers and images: a few seconds of a camera


@dataclass(frozen=True)
class Spread:
    """Median and 95th percentile of the latest durations, seconds."""

    p50_s: float
    p95_s: float


class Statistics:
    """Counters and the latest times; every method may be called from any thread."""

    def __init__(self) -> None:
        self.images = self.answers = self.dropped = self.errors = 0
        self.mixed = ""
        self.last_result: SegmentationResult | None = None  # of an image that was processed
        self.last_ambiguous: SegmentationResult | None = None
        self._last_arrival_s: float | None = None  # steady
        self._gaps_s: deque[float] = deque(maxlen=KEPT)  # between images that followed each other
        self._seconds: dict[str, deque[float]] = {stage: deque(maxlen=KEPT) for stage in STAGES}
        self._lock = Lock()

    def image_arrived(self, steady_s: float | None = None, *, follows: bool = True) -> None:
        """Count an image.

        Args:
            steady_s: when it arrived; None: now.
            follows: whether it is the next that the camera sent after the one before.
        """
        arrived_s = monotonic() if steady_s is None else steady_s
        with self._lock:
            self.images += 1
            if follows and self._last_arrival_s is not None:
                self._gaps_s.append(arrived_s - self._last_arrival_s)
            self._last_arrival_s = arrived_s

    def tell_mixed(self, said: str) -> None:
        """Set the sentence on inputs with several publishers, empty if none has."""
        self.mixed = said

    def images_dropped(self, count: int) -> None:
        with self._lock:
            self.dropped += count

    def answered(self, result: SegmentationResult, processed: bool) -> None:
        """Count an answer; `processed` if a model has run on the image."""
        with self._lock:
            self.answers += 1
            self.errors += result.status == SegmentationResult.ERROR
            if not processed:
                return
            self.last_result = result
            if result.status == SegmentationResult.AMBIGUOUS:
                self.last_ambiguous = result
            for stage, seconds in self._seconds.items():
                seconds.append(nanoseconds(getattr(result, stage)) / 1e9)

    def image_age_s(self) -> float | None:
        """Return how long ago the last image arrived, None if there was none."""
        with self._lock:
            last_s = self._last_arrival_s
        return None if last_s is None else monotonic() - last_s

    def image_rate_hz(self) -> float:
        """Return the rate of the latest images, 0 if it is unknown."""
        with self._lock:
            lasted = sum(self._gaps_s)
            return len(self._gaps_s) / lasted if lasted > 0 else 0.0

    def latency(self, stage: str) -> Spread | None:
        """Return how long a stage took lately, None where no image was processed."""
        with self._lock:
            seconds = list(self._seconds[stage])
        if not seconds:
            return None
        # In steps of 5 %. Of a hundred numbers NumPy's percentiles take ten times as long.
        steps = quantiles(seconds if len(seconds) > 1 else 2 * seconds, n=20, method="inclusive")
        return Spread(p50_s=steps[9], p95_s=steps[18])
