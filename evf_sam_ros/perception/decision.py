"""Is the object there at all? From what the model signals to a probability and a yes or no."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

SIGNALS = ("presence", "predicted_iou")


@dataclass(frozen=True)
class Calibration:
    """p(found) = sigmoid(scale * signal + bias), fitted on held-out scenes."""

    signal: str
    scale: float
    bias: float
    threshold: float  # p(found) from which the object counts as found

    def __post_init__(self) -> None:
        if self.signal not in SIGNALS:
            raise ValueError(f"decision signal is {self.signal!r}, need one of {SIGNALS}")
        check_threshold(self.threshold)
        if not np.isfinite([self.scale, self.bias]).all():
            raise ValueError(f"decision scale and bias must be finite, not {self}")

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "Calibration | None":
        """Read the part `decision` of a model's config.json; None where it has none."""
        values = config.get("decision")
        if values is None:
            return None
        try:
            return cls(
                signal=str(values["signal"]),
                scale=float(values["scale"]),
                bias=float(values["bias"]),
                threshold=float(values["threshold"]),
            )
        except (KeyError, TypeError) as error:
            raise ValueError(
                f"config.json says decision = {values!r}, need signal, scale, bias, threshold"
            ) from error


def check_threshold(threshold: float) -> None:
    """Refuse what is no probability."""
    if not 0.0 <= threshold <= 1.0:
        raise ValueError(f"score threshold is {threshold}, need a number from 0 to 1")


def probability_found(
    calibration: Calibration | None, presence: Floats | None, predicted_iou: Floats
) -> Floats:
    """Return p(found) for each prompt, (P,), from 0 to 1.

    Args:
        calibration: None for a model nobody calibrated; predicted IoU then stands in, clipped.
        presence: (P,) logits, None for a model without a presence head.
        predicted_iou: (P,), which SAM leaves unclamped.
    """
    if calibration is None:
        score = np.clip(predicted_iou, 0.0, 1.0)
    else:
        signal = presence if calibration.signal == "presence" else predicted_iou
        if signal is None:
            raise ValueError(
                "the decision wants the signal 'presence', but this model has no presence "
                "head; 'predicted_iou' is what it offers"
            )
        # Beyond 60 the sigmoid is 0 or 1 to the last bit; the clip keeps exp from overflowing.
        exponent = np.clip(calibration.scale * signal + calibration.bias, -60.0, 60.0)
        score = 1.0 / (1.0 + np.exp(-exponent))
    return np.nan_to_num(score, nan=0.0).astype(np.float32)
