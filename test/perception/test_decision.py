"""p(found) from what a model signals."""

import numpy as np
import pytest

from evf_sam_ros.perception.decision import Calibration, probability_found

PRESENCE = {"decision": {"signal": "presence", "scale": 2.0, "bias": -1.0, "threshold": 0.4}}


def floats(*values):
    return np.array(values, np.float32)


def says(presence, predicted_iou):
    signals = {"predicted_iou": predicted_iou}
    return signals if presence is None else signals | {"presence": presence}


def test_the_calibrated_score_is_the_sigmoid_of_the_scaled_presence_logit():
    presence = floats(0.5, 0.5 + np.log(3) / 2)
    score = probability_found(Calibration.from_config(PRESENCE), says(presence, floats(0, 0)))
    np.testing.assert_allclose(score, [0.5, 0.75], rtol=1e-6)
    assert score.dtype == np.float32


def test_predicted_iou_can_be_the_calibrated_signal():
    calibration = Calibration({"predicted_iou": 10.0}, bias=-5.0, threshold=0.5)
    np.testing.assert_allclose(probability_found(calibration, says(None, floats(0.5))), [0.5])


def test_several_signals_add_up():
    calibration = Calibration({"presence": 1.0, "stability": 2.0}, bias=-2.0, threshold=0.5)
    signals = says(floats(1, 0), floats(0, 0)) | {"stability": floats(0.5, 1.0)}
    np.testing.assert_allclose(probability_found(calibration, signals), [0.5, 0.5])
    assert Calibration.from_config({"decision": calibration.document()}) == calibration


def test_a_signal_that_nobody_measured_counts_as_its_mean():
    calibration = Calibration({"flip": 4.0}, bias=-2.0, threshold=0.5, means={"flip": 0.5})
    np.testing.assert_allclose(probability_found(calibration, says(None, floats(0))), [0.5])


def test_without_calibration_predicted_iou_is_clipped_to_a_probability():
    score = probability_found(None, says(None, floats(-0.2, 0.7, 1.3)))
    np.testing.assert_allclose(score, floats(0, 0.7, 1))


def test_without_calibration_a_vote_for_nothing_counts():
    never_half_sure = floats(-60, 0, 60)
    score = probability_found(None, says(never_half_sure, floats(0.8, 0.8, 0.8)))
    np.testing.assert_allclose(score, floats(0, 0.4, 0.8), atol=1e-7)  # float32 of 0.8


def test_extreme_and_broken_signals_stay_between_zero_and_one():
    calibration = Calibration.from_config(PRESENCE)
    with np.errstate(over="raise"):
        presence = floats(1e30, -1e30, np.nan, np.inf)
        score = probability_found(calibration, says(presence, floats(0, 0, 0, 0)))
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
        ({"scale": None}, "signal, scale, bias, threshold"),
    ],
)
def test_a_broken_decision_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        Calibration.from_config({"decision": PRESENCE["decision"] | change})


def test_a_decision_that_lacks_a_number_is_refused():
    with pytest.raises(ValueError, match="signal, scale, bias, threshold"):
        Calibration.from_config({"decision": {"signal": "presence"}})


def test_a_decision_about_presence_needs_a_presence_head():
    with pytest.raises(ValueError, match="no presence head"):
        probability_found(Calibration.from_config(PRESENCE), says(None, floats(0.5)))
