"""The training loop: a killed run goes on as if nothing had happened."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from evf_sam_ros.training.trainer import Schedule, Trainer

SCHEDULE = Schedule(
    steps=12, learning_rate=0.1, warmup=2, save_every=5, measure_every=4, bfloat16=False
)


class LineTask:
    """Learn y = 3 x - 1 from noisy points."""

    def __init__(self):
        torch.manual_seed(1)
        self.module = nn.Linear(1, 1)

    def batch(self, rng: np.random.Generator):
        x = torch.from_numpy(rng.standard_normal((16, 1), dtype=np.float32))
        return x, 3 * x - 1

    def loss(self, batch):
        x, y = batch
        return ((self.module(x) - y) ** 2).mean(), {}

    def measure(self):
        return {"slope": float(self.module.weight)}


class KilledError(Exception):
    """Stands for a kill."""


def killed_after(steps):
    """A task whose process dies in the middle of a step."""
    task = LineTask()
    alive = task.loss
    calls = iter(range(steps))

    def loss(batch):
        if next(calls, None) is None:
            raise KilledError
        return alive(batch)

    task.loss = loss
    return task


def test_training_learns_the_line(tmp_path):
    task = LineTask()
    Trainer(task, replace(SCHEDULE, steps=300), tmp_path).run(resume=False)
    assert float(task.module.weight) == pytest.approx(3, abs=0.1)
    assert float(task.module.bias) == pytest.approx(-1, abs=0.1)


def test_a_killed_run_ends_with_the_weights_of_one_that_was_not(tmp_path):
    whole = LineTask()
    Trainer(whole, SCHEDULE, tmp_path / "whole").run(resume=False)

    with pytest.raises(KilledError):
        Trainer(killed_after(7), SCHEDULE, tmp_path / "killed").run(resume=False)
    resumed = LineTask()
    trainer = Trainer(resumed, SCHEDULE, tmp_path / "killed")
    trainer.run(resume=True)

    assert trainer.step == SCHEDULE.steps
    assert torch.equal(resumed.module.weight, whole.module.weight)
    assert torch.equal(resumed.module.bias, whole.module.bias)


def test_two_half_batches_give_the_step_of_their_mean(tmp_path):
    """Accumulation: the gradient is the mean of the parts' gradients."""
    task = LineTask()
    rng = np.random.default_rng([0, 0])
    parts = [task.batch(rng), task.batch(rng)]
    task.module.zero_grad()
    (sum(task.loss(part)[0] for part in parts) / 2).backward()
    expected = task.module.weight.grad.clone()

    seen = []
    task.module.weight.register_hook(lambda gradient: seen.append(gradient.clone()))
    Trainer(task, replace(SCHEDULE, steps=1, accumulate=2), tmp_path).run(resume=False)
    torch.testing.assert_close(sum(seen), expected)


def test_a_folder_with_a_run_is_not_overwritten(tmp_path):
    Trainer(LineTask(), SCHEDULE, tmp_path).run(resume=False)
    with pytest.raises(ValueError, match="resume it or choose another folder"):
        Trainer(LineTask(), SCHEDULE, tmp_path).run(resume=False)


def test_figures_on_held_out_data_are_logged(tmp_path):
    Trainer(LineTask(), SCHEDULE, tmp_path).run(resume=False)
    rows = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [4, 8, 12]
    assert all("held_out/slope" in row and "loss" in row for row in rows)


def test_the_learning_rate_warms_up_stays_and_falls():
    schedule = Schedule(steps=1000, learning_rate=1.0, warmup=100, decay_from=0.5)
    assert schedule.rate(0) == pytest.approx(0.01)
    assert schedule.rate(300) == pytest.approx(1.0)
    assert schedule.rate(750) == pytest.approx(0.505)
    assert schedule.rate(999) < 0.02
