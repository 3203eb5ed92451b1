"""A learning rate that falls in steps, as in the bridge's paper."""

from dataclasses import dataclass

from evf_sam_ros.training.trainer import Schedule

FACTOR = 0.1
PUBLISHED_DROPS = (0.6, 0.9)  # of 100,000 iterations, at 60,000 and 90,000


@dataclass(frozen=True, kw_only=True)
class DropSchedule(Schedule):
    """A constant rate, a tenth of it from each of these shares of the steps on."""

    drops: tuple[float, ...] = PUBLISHED_DROPS

    def __post_init__(self) -> None:
        if not all(0 < share < 1 for share in self.drops):
            raise ValueError(f"drops are {self.drops}, need shares of the steps, 0 to 1")

    def rate(self, step: int) -> float:
        """Return the learning rate of a step."""
        passed = sum(step >= share * self.steps for share in self.drops)
        return self.learning_rate * min(1.0, (step + 1) / self.warmup) * FACTOR**passed
