"""Decide if the object is present: signals give a probability, a threshold gives the answer."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evf_sam_ros.models.variants import EvfSamConfig, own_threshold
from evf_sam_ros.perception.signals import ALL, ASKED, OF_SOME

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Calibration:
    """p(found) = sigmoid(bias + sum of weight * signal), fitted on held-out data."""

    weights: Mapping[str, float]  # by signal
    bias: float
    threshold: float  # p(found) from which the object counts as found
    means: Mapping[str, float] = field(
        default_factory=dict
    )  # for a signal nobody measured, else 0

    def __post_init__(self) -> None:
        for signal in self.weights:
            if signal not in (*ALL, *OF_SOME):
                raise ValueError(f"decision signal is {signal!r}, need one of {ALL + OF_SOME}")
        check_threshold(self.threshold)
        numbers = [*self.weights.values(), *self.means.values(), self.bias]
        if not self.weights or not np.isfinite(numbers).all():
            raise ValueError(f"decision weights and bias must be finite numbers, not {self}")

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "Calibration | None":
        """Read the part `decision` of a model's config.json; None if it has none.

        An older one names a single `signal` and its `scale`.
        """
        values = config.get("decision")
        if values is None:
            return None
        try:
            weights = values.get("weights") or {str(values["signal"]): values["scale"]}
            return cls(
                weights={str(name): float(weight) for name, weight in weights.items()},
                bias=float(values["bias"]),
                threshold=float(values["threshold"]),
                means={k: float(v) for k, v in (values.get("means") or {}).items()},
            )
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(
                f"config.json says decision = {values!r}, need weights by signal, bias, "
                "threshold, or signal, scale, bias, threshold"
            ) from error

    def document(self) -> dict[str, Any]:
        """Return what `from_config` reads, as the part `decision`."""
        return asdict(self)


def authors_decision_of(config: EvfSamConfig) -> Calibration | None:
    """Return the decision of a model's authors, where they have a threshold; else None.

    The presence of such a model is above 0 from that threshold on; the score is theirs. It
    stands in where no calibration was fitted.
    """
    threshold = own_threshold(config)
    if threshold is None:
        return None
    bias = float(np.log(threshold / (1 - threshold)))
    return Calibration(weights={"presence": 1.0}, bias=bias, threshold=threshold)


def check_threshold(threshold: float) -> None:
    """Raise ValueError unless the threshold is between 0 and 1."""
    if not 0.0 <= threshold <= 1.0:
        raise ValueError(f"score threshold is {threshold}, need a number from 0 to 1")


def probability_found(calibration: Calibration | None, signals: Mapping[str, Floats]) -> Floats:
    """Return p(found) for each prompt, (P,), from 0 to 1.

    Args:
        calibration: None for an uncalibrated model; predicted IoU then stands in,
            clipped, times the probability of presence where the model tells it.
        signals: (P,) each, by name; at least predicted IoU.
    """
    score: NDArray[np.floating]
    if calibration is None:
        score = np.clip(signals["predicted_iou"], 0.0, 1.0)
        if "presence" in signals:  # a logit: SAM-2's object score, the no-target vote of a bridge
            score = score / (1.0 + np.exp(-np.clip(signals["presence"], -60.0, 60.0)))
    else:
        exponent = np.full(signals["predicted_iou"].shape, calibration.bias, np.float64)
        for name, weight in calibration.weights.items():
            exponent += weight * np.asarray(_signal(name, calibration, signals), np.float64)
        # Beyond 60 the sigmoid is 0 or 1 to the last bit; the clip keeps exp from overflowing.
        score = 1.0 / (1.0 + np.exp(-np.clip(exponent, -60.0, 60.0)))
    return np.nan_to_num(score, nan=0.0).astype(np.float32)


def _signal(name: str, calibration: Calibration, signals: Mapping[str, Floats]) -> Floats | float:
    if name in signals:
        return signals[name]
    if name in calibration.means or name in ASKED:  # not asked for here
        return calibration.means.get(name, 0.0)
    raise ValueError(
        f"the decision wants the signal {name!r}, which this model does not give: "
        f"{'it has no presence head; ' if name == 'presence' else ''}"
        f"it offers {', '.join(signals)}"
    )
