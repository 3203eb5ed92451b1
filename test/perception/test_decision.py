"""p(found) from what a model signals."""

import numpy as np
import pytest

from evf_sam_ros.perception.decision import Calibration, probability_found

PRESENCE = {"decision": {"signal": "presence", "scale": 2.0, "bias": -1.0, "threshold": 0.4}}


def floats(*values):
    return np.array(values, np.float32)


def test_the_calibrated_score_is_the_sigmoid_of_the_scaled_presence_logit():
    score = probability_found(
        Calibration.from_config(PRESENCE), floats(0.5, 0.5 + np.log(3) / 2), floats(0, 0)
    )
    np.testing.assert_allclose(score, [0.5, 0.75], rtol=1e-6)
    assert score.dtype == np.float32


def test_predicted_iou_can_be_the_calibrated_signal():
    calibration = Calibration("predicted_iou", scale=10.0, bias=-5.0, threshold=0.5)
    np.testing.assert_allclose(probability_found(calibration, None, floats(0.5)), [0.5])


def test_without_calibration_predicted_iou_is_clipped_to_a_probability():
    score = probability_found(None, floats(9, 9, 9), floats(-0.2, 0.7, 1.3))
    np.testing.assert_allclose(score, [0, 0.7, 1])


def test_extreme_and_broken_signals_stay_between_zero_and_one():
    calibration = Calibration.from_config(PRESENCE)
    with np.errstate(over="raise"):
        score = probability_found(
            calibration, floats(1e30, -1e30, np.nan, np.inf), floats(0, 0, 0, 0)
        )
    np.testing.assert_allclose(score, [1, 0, 0, 1], atol=1e-12)


def test_a_config_without_a_decision_is_uncalibrated():
    assert Calibration.from_config({}) is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"signal": "mood"}, "'mood', need one of"),
        ({"threshold": 1.5}, "1.5, need a number from 0 to 1"),
        ({"threshold": float("nan")}, "need a number from 0 to 1"),
        ({"scale": float("inf")}, "must be finite"),
        ({"scale": None}, "need signal, scale, bias, threshold"),
    ],
)
def test_a_broken_decision_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        Calibration.from_config({"decision": PRESENCE["decision"] | change})


def test_a_decision_that_lacks_a_number_is_refused():
    with pytest.raises(ValueError, match="need signal, scale, bias, threshold"):
        Calibration.from_config({"decision": {"signal": "presence"}})


def test_a_decision_about_presence_needs_a_presence_head():
    with pytest.raises(ValueError, match="no presence head"):
        probability_found(Calibration.from_config(PRESENCE), None, floats(0.5))
