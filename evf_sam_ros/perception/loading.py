"""Steps of `load_predictor`: read the weights, check fp16, choose the signals that decide."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from evf_sam_ros.engines.exported.runtimes import RUNTIMES
from evf_sam_ros.engines.precision import rounded_names
from evf_sam_ros.engines.proof import has_finite_features
from evf_sam_ros.models import checkpoint
from evf_sam_ros.perception.decision import Calibration
from evf_sam_ros.perception.device import PRECISIONS
from evf_sam_ros.perception.signals import wants_more

_log = logging.getLogger(__name__)

_FROM_FLOAT32 = ("compiled", "warming", *RUNTIMES)  # engines


def loaded_model(
    folder: Path,
    behaviour: Mapping[str, Any] | None,
    device: torch.device,
    precision: str,
    engine: str,
) -> tuple[checkpoint.LoadedModel, str]:
    """Load a model and return it with its precision: bf16 where its features overflow fp16.

    On a GPU the weights are loaded in the format in which they will run there.
    """
    loaded = _loaded(folder, behaviour, device, precision, engine)
    if precision != "fp16" or has_finite_features(
        loaded.model, loaded.config, device, torch.float16
    ):
        return loaded, precision
    _log.warning("using bf16 instead of fp16: image features of %s overflow fp16", folder.name)
    return _loaded(folder, behaviour, device, "bf16", engine), "bf16"


def _loaded(
    folder: Path,
    behaviour: Mapping[str, Any] | None,
    device: torch.device,
    precision: str,
    engine: str,
) -> checkpoint.LoadedModel:
    # These two compare what they make with the model in float32.
    rounds = device.type != "cpu" and precision != "fp32" and engine not in _FROM_FLOAT32
    rounding = checkpoint.Rounding(PRECISIONS[precision], rounded_names) if rounds else None
    return checkpoint.load(folder, behaviour, device, rounding)


def deciding_signals(
    signals: Sequence[str] | None, calibration: Calibration | None
) -> Sequence[str] | None:
    """Return the signals that are wanted, or that the decision needs beyond the free ones."""
    if signals is None and calibration is not None and wants_more(calibration.weights):
        return tuple(calibration.weights)
    return signals
