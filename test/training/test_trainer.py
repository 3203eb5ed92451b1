"""The training loop: a killed run goes on as if nothing had happened."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import numpy as np
import pytest
import torch
from patience import patience
from torch import nn

from evf_sam_ros.training import trainer
from evf_sam_ros.training.distributed import Alone
from evf_sam_ros.training.trainer import Schedule, Trainer, batch_generator

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
    Trainer(task, replace(SCHEDULE, steps=120), tmp_path).run(resume=False)
    assert float(task.module.weight) == pytest.approx(3, abs=0.1)
    assert float(task.module.bias) == pytest.approx(-1, abs=0.1)


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_a_killed_run_ends_with_the_weights_of_one_that_was_not(tmp_path, optimizer):
    schedule = replace(SCHEDULE, optimizer=optimizer)
    whole = LineTask()
    Trainer(whole, schedule, tmp_path / "whole").run(resume=False)

    with pytest.raises(KilledError):
        Trainer(killed_after(7), schedule, tmp_path / "killed").run(resume=False)
    resumed = LineTask()
    trainer = Trainer(resumed, schedule, tmp_path / "killed")
    trainer.run(resume=True)

    assert trainer.step == SCHEDULE.steps
    assert torch.equal(resumed.module.weight, whole.module.weight)
    assert torch.equal(resumed.module.bias, whole.module.bias)


def test_two_half_batches_give_the_step_of_their_mean(tmp_path):
    """Accumulation: the gradient is the mean of the parts' gradients."""
    task = LineTask()
    parts = [task.batch(batch_generator(0, 0, number)) for number in range(2)]
    task.module.zero_grad()
    (sum(task.loss(part)[0] for part in parts) / 2).backward()
    expected = task.module.weight.grad.clone()

    seen = []
    task.module.weight.register_hook(lambda gradient: seen.append(gradient.clone()))
    Trainer(task, replace(SCHEDULE, steps=1, accumulate=2), tmp_path).run(resume=False)
    torch.testing.assert_close(sum(seen), expected)


class Thread(Alone):
    """One of two that train together; what `accelerate` does, by a barrier."""

    count = 2

    def __init__(self, index, barrier, gradients):
        self.index, self.barrier, self.gradients = index, barrier, gradients

    def clip(self, module, norm):
        own = list(module.parameters())
        self.gradients[self.index] = [weight.grad.clone() for weight in own]
        self.barrier.wait(timeout=patience(60.0))
        for number, weight in enumerate(own):
            weight.grad = (self.gradients[0][number] + self.gradients[1][number]) / 2
        self.barrier.wait(timeout=patience(60.0))
        super().clip(module, norm)


def test_two_that_share_the_batches_take_the_steps_of_one(tmp_path):
    # Threads must not fork: a worker may inherit a lock that the other thread holds.
    schedule = replace(SCHEDULE, steps=5, accumulate=4, workers=0)
    alone = LineTask()
    Trainer(alone, schedule, tmp_path / "one").run(resume=False)
    tasks, barrier, gradients = [LineTask(), LineTask()], Barrier(2), [None, None]
    trainers = [
        Trainer(task, schedule, tmp_path / f"{index}", Thread(index, barrier, gradients))
        for index, task in enumerate(tasks)
    ]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda trainer: trainer.run(resume=False), trainers))
    for task in tasks:
        torch.testing.assert_close(task.module.weight, alone.module.weight)
        torch.testing.assert_close(task.module.bias, alone.module.bias)


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


def test_a_step_reports_the_mean_loss_of_all_its_batches(tmp_path):
    task = LineTask()
    parts = [task.batch(batch_generator(0, 0, number)) for number in range(3)]
    expected = float(sum(task.loss(part)[0] for part in parts) / 3)
    Trainer(task, replace(SCHEDULE, steps=1, accumulate=3), tmp_path).run(resume=False)
    row = json.loads((tmp_path / "log.jsonl").read_text())
    assert row["loss"] == pytest.approx(expected, abs=1e-5)


def test_overlap_is_that_of_all_pixels_together(tmp_path):
    class CountingTask(LineTask):
        def loss(self, batch):
            union = float(batch[0].shape[0] + (1000 if batch[0][0] > 0 else 0))
            return super().loss(batch)[0], {"intersection": 8.0, "union": union}

    seeds = [batch_generator(0, 0, number) for number in range(4)]
    positive = sum(float(LineTask().batch(rng)[0][0]) > 0 for rng in seeds)
    Trainer(CountingTask(), replace(SCHEDULE, steps=1, accumulate=4), tmp_path).run(resume=False)
    row = json.loads((tmp_path / "log.jsonl").read_text())
    assert row["ciou"] == pytest.approx(4 * 8 / (4 * 16 + 1000 * positive), abs=1e-5)


def test_each_step_is_a_point_on_the_curves_of_tensorboard(tmp_path):
    pytest.importorskip("tensorboardX")
    from tensorboardX.proto.event_pb2 import Event

    Trainer(LineTask(), SCHEDULE, tmp_path).run(resume=False)
    (file,) = (tmp_path / "tensorboard").glob("events.*")
    content, points = file.read_bytes(), []
    while content:  # length, its checksum, event, its checksum
        length = int.from_bytes(content[:8], "little")
        event = Event.FromString(content[12 : 12 + length])
        points += [(value.tag, event.step) for value in event.summary.value]
        content = content[16 + length :]
    assert [step for tag, step in points if tag == "loss"] == list(range(1, 13))
    assert [step for tag, step in points if tag == "held_out/slope"] == [4, 8, 12]


def test_batches_that_processes_cannot_share_equally_are_refused(tmp_path):
    class Three(Alone):
        count = 3

    with pytest.raises(ValueError, match=r"4 batches per step .* equally by 3 processes"):
        Trainer(LineTask(), replace(SCHEDULE, accumulate=4), tmp_path, Three())


@pytest.mark.parametrize("has", [True, False])
def test_bfloat16_is_used_where_the_processor_has_it(has, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(trainer, "has_bfloat16", lambda: has)
    task, formats = LineTask(), []
    task.module.register_forward_hook(lambda *given: formats.append(given[-1].dtype))
    Trainer(task, replace(SCHEDULE, steps=1, bfloat16=True), tmp_path).run(resume=False)
    assert formats[0] == (torch.bfloat16 if has else torch.float32)
    assert ("training in fp32" in caplog.text) == (not has)
