"""One training loop for every model: steps, schedule, checkpoints, log and progress bar."""

import json
import logging
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, get_worker_info

from evf_sam_ros.perception.device import has_bfloat16
from evf_sam_ros.progress import progress as progress_bar
from evf_sam_ros.training.distributed import Alone, Processes
from evf_sam_ros.training.optimizer import OptimizerName, build_optimizer
from evf_sam_ros.whole_files import named

SMOOTHING = 0.98  # of the figures in the progress bar
FINAL_SHARE = 0.01  # of the learning rate, at the last step

_log = logging.getLogger(__name__)


class Task(Protocol):
    """A training task: its module, batches, loss and measurements."""

    module: nn.Module  # every parameter and buffer that a checkpoint must hold

    def batch(self, rng: np.random.Generator) -> Any:
        """Make the data of one batch; runs in a process of its own."""
        ...

    def loss(self, batch: Any) -> tuple[Tensor, dict[str, float]]:
        """Return the loss and figures for the log, with gradients wanted."""
        ...

    def measure(self) -> dict[str, float]:
        """Return figures on held-out data."""
        ...


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Length, learning rate and intervals of a training."""

    steps: int
    learning_rate: float
    optimizer: OptimizerName = "adamw"
    warmup: int = 100  # steps from zero to the full learning rate
    decay_from: float = 0.0  # share of the steps after which it falls linearly
    weight_decay: float = 0.05
    betas: tuple[float, float] = (0.9, 0.98)
    clip_norm: float = 1.0
    accumulate: int = 1  # batches per step, shared by all processes
    save_every: int = 250  # steps
    measure_every: int = 400  # steps
    workers: int = 1  # processes that make batches; 0: the training one does
    bfloat16: bool = True
    seed: int = 0

    def rate(self, step: int) -> float:
        """Return the learning rate of a step."""
        start = self.decay_from * self.steps
        left = (self.steps - step) / max(self.steps - start, 1)
        decay = FINAL_SHARE + (1 - FINAL_SHARE) * min(1.0, left)
        return self.learning_rate * min(1.0, (step + 1) / self.warmup) * decay


def _suits_bfloat16(module: nn.Module) -> bool:
    """Tell whether mixed precision is faster where a module is; say so where it is not."""
    if next(module.parameters()).device.type != "cpu" or has_bfloat16():
        return True
    _log.warning(
        "training in fp32: this CPU does not support bfloat16, so mixed precision would be slower"
    )
    return False


class Trainer:
    """Train a task in a folder; a run that was killed goes on where its last checkpoint is."""

    def __init__(
        self, task: Task, schedule: Schedule, folder: Path, together: Processes | None = None
    ) -> None:
        """Prepare a run; nothing is trained yet.

        Args:
            task: the module, its batches and its loss.
            schedule: steps, learning rate and intervals.
            folder: folder of the run, for checkpoints and logs.
            together: the processes that share the training; None: this one alone.
        """
        self.task = task
        self.schedule = schedule
        self.folder = folder
        self.step = 0
        self.together = together or Alone()
        if schedule.accumulate % self.together.count:
            raise ValueError(
                f"{schedule.accumulate} batches per step cannot be shared equally by "
                f"{self.together.count} processes"
            )
        optimizer = build_optimizer(
            task.module,
            schedule.optimizer,
            learning_rate=schedule.learning_rate,
            weight_decay=schedule.weight_decay,
            betas=schedule.betas,
        )
        self._bfloat16 = schedule.bfloat16 and _suits_bfloat16(task.module)
        self._own_batches = schedule.accumulate // self.together.count
        self._module, self.optimizer = self.together.prepare(
            _Learner(task), optimizer, self._own_batches, schedule.clip_norm
        )
        self._board: Any = None

    @property
    def checkpoint(self) -> Path:
        """File of weights, optimizer state and step, for training by a single process."""
        return self.folder / "checkpoint.pt"

    def run(self, *, resume: bool) -> None:
        """Train to the end.

        Raises:
            ValueError: the folder holds a run already and `resume` is False.
        """
        if self.together.has_state(self.folder):
            if not resume:
                raise ValueError(
                    f"{str(self.folder)!r} holds a run already: resume it or choose another folder"
                )
            self.step = self.together.restore(self.folder, self.task.module, self.optimizer)
        first = self.together.index == 0
        self.folder.mkdir(parents=True, exist_ok=True)
        self._board = board(self.folder, self.step) if first else None
        figures: dict[str, float] = {}
        with progress_bar(
            total=self.schedule.steps, initial=self.step, unit="step", disable=not first
        ) as bar:
            bar.set_description(self.folder.name)
            batches = self._batches()
            while self.step < self.schedule.steps:
                new = self._train(batches)
                self._draw(new)
                _smooth(figures, new)
                bar.update()
                bar.set_postfix({name: f"{figures[name]:.3f}" for name in _shown(figures)})
                self._keep(figures)
        if self._board is not None:
            self._board.close()

    def weights(self) -> dict[str, Tensor]:
        """Return the state of the task's module, gathered from all processes.

        Every process must ask; the first gets all of it.
        """
        if self.together.count == 1:
            return self.task.module.state_dict()
        state = self.together.weights(self._module)
        return {name.removeprefix("learned."): tensor for name, tensor in state.items()}

    def _train(self, batches: Iterator[Any]) -> dict[str, float]:
        """Run one optimizer step and return its figures, averaged over its batches."""
        self.task.module.train()
        torch.manual_seed(self.schedule.seed + self.step)  # the same after a resume
        for group in self.optimizer.param_groups:
            group["lr"] = self.schedule.rate(self.step)
        sums: dict[str, float] = {}
        for batch in islice(batches, self._own_batches):
            with self.together.batch(self._module):
                with self._precision():
                    loss, figures = self._module(batch)
                self.together.backward(loss, self._own_batches)
            for name, value in {"loss": float(loss.detach()), **figures}.items():
                sums[name] = sums.get(name, 0.0) + value / self._own_batches
        self.together.clip(self._module, self.schedule.clip_norm)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1
        return _with_ciou(self.together.mean(sums))

    def _keep(self, figures: dict[str, float]) -> None:
        """Save and measure when it is time."""
        last = self.step == self.schedule.steps
        if last or self.step % self.schedule.measure_every == 0:
            self.task.module.eval()
            with torch.inference_mode(), self._precision():
                held_out = {f"held_out/{k}": v for k, v in self._module(None).items()}
            if self.together.index == 0:
                self._draw(held_out)
                self._log({**figures, **held_out})
        if last or self.step % self.schedule.save_every == 0:
            self.together.save(self.folder, self.step, self.task.module, self.optimizer)

    def _precision(self) -> torch.autocast:
        device = next(self.task.module.parameters()).device.type
        return torch.autocast(device, torch.bfloat16, enabled=self._bfloat16)

    def _batches(self) -> Iterator[Any]:
        """Make the batches of every step still to come, in processes of their own."""
        numbers = range(self.together.index, self.schedule.accumulate, self.together.count)
        places = [(step, n) for step in range(self.step, self.schedule.steps) for n in numbers]
        loader = DataLoader(
            _Batches(self.task, self.schedule.seed),
            batch_size=None,
            sampler=places,
            num_workers=self.schedule.workers,
            prefetch_factor=4 if self.schedule.workers else None,
        )
        return iter(loader)

    def _draw(self, figures: Mapping[str, float]) -> None:
        """Add a point to each curve of TensorBoard."""
        if self._board is not None:
            for name, value in figures.items():
                self._board.add_scalar(name, value, self.step)

    def _log(self, figures: dict[str, float]) -> None:
        rounded = {name: round(value, 5) for name, value in figures.items()}
        row = {"step": self.step, "cpu_s": round(time.process_time()), **rounded}
        path = self.folder / "log.jsonl"
        with named(path), path.open("a") as file:
            file.write(json.dumps(row) + "\n")


class _Learner(nn.Module):
    """A task as a module, so that whatever wraps a module sees every use of its weights."""

    def __init__(self, task: Task) -> None:
        super().__init__()
        self.learned = task.module
        self._task = (task,)  # in a tuple: its other modules are none of ours

    def forward(self, batch: Any) -> Any:
        """Return the loss and figures of a batch, or, for None, the held-out figures."""
        task = self._task[0]
        return task.measure() if batch is None else task.loss(batch)


def board(folder: Path, step: int) -> Any:
    """Return a writer of TensorBoard's files that forgets what came after `step`, if there is one.

    It is `tensorboardX`, without which a run writes only log.jsonl.
    """
    try:
        from tensorboardX import SummaryWriter
    except ModuleNotFoundError:
        return None
    return SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1)


class _Batches(Dataset[Any]):
    """Batches by step and number: from the seed and these alone, so a resumed run sees the same.

    So do several processes, which share the numbers of a step's batches among them.
    """

    def __init__(self, task: Task, seed: int) -> None:
        self.task = task
        self.seed = seed

    def __getitem__(self, place: tuple[int, int]) -> Any:
        if get_worker_info() is not None:
            torch.set_num_threads(1)
        return self.task.batch(batch_generator(self.seed, *place))


def batch_generator(seed: int, step: int, number: int) -> np.random.Generator:
    """Return the source of every choice in a batch; `number` counts those of a step."""
    return np.random.default_rng([seed, step, number] if number else [seed, step])


def _with_ciou(figures: dict[str, float]) -> dict[str, float]:
    """Overlaps of batches do not average; their pixels do."""
    if figures.get("union"):
        figures["ciou"] = figures["intersection"] / figures["union"]
    return figures


def _smooth(figures: dict[str, float], new: dict[str, float]) -> None:
    for name, value in new.items():
        if math.isfinite(value):
            figures[name] = SMOOTHING * figures.get(name, value) + (1 - SMOOTHING) * value


def _shown(figures: dict[str, float]) -> list[str]:
    return [name for name in ("loss", "ciou", "hit", "names") if name in figures]
