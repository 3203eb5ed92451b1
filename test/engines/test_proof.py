"""An engine answers only where it agrees with the model as far as its number format allows."""

from evf_sam_ros.engines.proof import Disagreement, allowed


def test_answers_that_are_no_numbers_are_no_answers():
    assert not Disagreement(float("nan")).agrees("fp32")
    assert not Disagreement(float("nan"), own=float("nan")).agrees("bf16")


def test_an_engine_may_round_as_the_model_does_but_not_far_worse():
    assert allowed("bf16", own=0.001) == 0.02
    assert Disagreement(0.03, own=0.02).agrees("bf16")
    assert not Disagreement(0.05, own=0.02).agrees("bf16")
    assert not Disagreement(0.5, own=0.5).agrees("bf16")  # that model is spoilt by rounding
