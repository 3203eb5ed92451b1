"""A learning rate that falls in steps."""

import pytest

from evf_sam_ros.training.bridge_schedule import DropSchedule
from evf_sam_ros.training.referring import ReferOptions, schedule


def test_the_rate_is_a_tenth_from_60_percent_on_and_a_hundredth_from_90():
    steps = DropSchedule(steps=10, learning_rate=1.0, warmup=1)
    rates = [steps.rate(step) for step in range(10)]
    assert rates == pytest.approx([1.0] * 6 + [0.1] * 3 + [0.01])


def test_it_warms_up_first():
    steps = DropSchedule(steps=100, learning_rate=1.0, warmup=4)
    assert [steps.rate(step) for step in range(5)] == [0.25, 0.5, 0.75, 1.0, 1.0]


def test_a_share_beyond_the_end_is_refused():
    with pytest.raises(ValueError, match="shares of the steps"):
        DropSchedule(steps=10, learning_rate=1.0, drops=(0.6, 90))


def test_the_recipe_refer_takes_the_drops(tmp_path):
    options = ReferOptions(data=tmp_path, sources={}, drop=(0.5,), steps=10, learning_rate=1.0)
    assert [schedule(options).rate(step) for step in (4, 5, 9)] == pytest.approx([1.0, 0.1, 0.1])
    linear = schedule(ReferOptions(data=tmp_path, sources={}, steps=10, learning_rate=1.0))
    assert not isinstance(linear, DropSchedule)
