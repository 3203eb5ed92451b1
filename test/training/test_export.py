"""Calibration: p(found) means what it says, and the threshold keeps what it promises."""

import numpy as np
import pytest

from evf_sam_ros.training.export import TARGET_ACCURACY, calibrate


def overconfident(count=20_000, seed=0):
    """Logits four times too large: their true probability is sigmoid(logit / 4)."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 8, count)
    found = rng.random(count) < 1 / (1 + np.exp(-logits / 4))
    return logits.astype(np.float32), found


def test_the_scale_of_overconfident_logits_is_found():
    calibration = calibrate(*overconfident())
    assert calibration.weights["presence"] == pytest.approx(0.25, abs=0.01)
    assert calibration.bias == pytest.approx(0, abs=0.05)


def test_the_threshold_passes_the_promised_share_of_what_is_there():
    calibration = calibrate(*overconfident())
    logits, found = overconfident(seed=1)
    scores = 1 / (1 + np.exp(-(calibration.weights["presence"] * logits + calibration.bias)))
    assert np.mean(scores[found] >= calibration.threshold) == pytest.approx(
        TARGET_ACCURACY, abs=0.01
    )
