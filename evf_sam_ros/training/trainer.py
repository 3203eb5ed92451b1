"""One training loop for every model: steps, schedule, checkpoints, log and progress bar."""

import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

SMOOTHING = 0.98  # of the figures in the progress bar
FINAL_SHARE = 0.01  # of the learning rate, at the last step


class Task(Protocol):
    """What is learned, from which data."""

    module: nn.Module  # every parameter and buffer that a checkpoint must hold

    def batch(self, rng: np.random.Generator) -> Any:
        """Make the data of one step; runs in a process of its own."""
        ...

    def loss(self, batch: Any) -> tuple[Tensor, dict[str, float]]:
        """Return the loss and figures for the log, with gradients wanted."""
        ...

    def measure(self) -> dict[str, float]:
        """Return figures on held-out data."""
        ...


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How long, how fast and how often."""

    steps: int
    learning_rate: float
    warmup: int = 100  # steps from zero to the full learning rate
    decay_from: float = 0.0  # share of the steps after which it falls linearly
    weight_decay: float = 0.05
    clip_norm: float = 1.0
    accumulate: int = 1  # batches per step
    save_every: int = 250  # steps
    measure_every: int = 400  # steps
    bfloat16: bool = True
    seed: int = 0

    def rate(self, step: int) -> float:
        """Return the learning rate of a step."""
        start = self.decay_from * self.steps
        left = (self.steps - step) / max(self.steps - start, 1)
        decay = FINAL_SHARE + (1 - FINAL_SHARE) * min(1.0, left)
        return self.learning_rate * min(1.0, (step + 1) / self.warmup) * decay


class Trainer:
    """Train a task in a folder; a run that was killed goes on where its last checkpoint is."""

    def __init__(self, task: Task, schedule: Schedule, folder: Path) -> None:
        self.task = task
        self.schedule = schedule
        self.folder = folder
        self.step = 0
        self.optimizer = torch.optim.AdamW(
            _parameter_groups(task.module, schedule.weight_decay),
            lr=schedule.learning_rate,
            betas=(0.9, 0.98),
        )

    @property
    def checkpoint(self) -> Path:
        """Where weights, optimizer and step are kept."""
        return self.folder / "checkpoint.pt"

    def run(self, *, resume: bool) -> None:
        """Train to the end.

        Raises:
            ValueError: the folder holds a run already and `resume` is False.
        """
        if self.checkpoint.exists():
            if not resume:
                raise ValueError(
                    f"{str(self.folder)!r} holds a run already: resume it or choose another folder"
                )
            self._restore()
        self.folder.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(self.schedule.seed)
        figures: dict[str, float] = {}
        with tqdm(total=self.schedule.steps, initial=self.step, unit="step") as bar:
            bar.set_description(self.folder.name)
            for batches in self._batches():
                _smooth(figures, self._train(batches))
                bar.update()
                bar.set_postfix({name: f"{figures[name]:.3f}" for name in _shown(figures)})
                self._keep(figures)

    def _train(self, batches: list[Any]) -> dict[str, float]:
        """Take one optimizer step."""
        self.task.module.train()
        for group in self.optimizer.param_groups:
            group["lr"] = self.schedule.rate(self.step)
        figures: dict[str, float] = {}
        for batch in batches:
            with self._precision():
                loss, figures = self.task.loss(batch)
            (loss / len(batches)).backward()
        nn.utils.clip_grad_norm_(self.task.module.parameters(), self.schedule.clip_norm)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1
        return {"loss": float(loss.detach()), **figures}

    def _keep(self, figures: dict[str, float]) -> None:
        """Save and measure when it is time."""
        last = self.step == self.schedule.steps
        if last or self.step % self.schedule.measure_every == 0:
            self.task.module.eval()
            with torch.inference_mode(), self._precision():
                held_out = self.task.measure()
            self._log({**figures, **{f"held_out/{k}": v for k, v in held_out.items()}})
        if last or self.step % self.schedule.save_every == 0:
            self._save()

    def _precision(self) -> torch.autocast:
        device = next(self.task.module.parameters()).device.type
        return torch.autocast(device, torch.bfloat16, enabled=self.schedule.bfloat16)

    def _batches(self) -> Iterator[list[Any]]:
        steps = range(self.step, self.schedule.steps)
        loader = DataLoader(
            _Steps(self.task, self.schedule),
            batch_size=None,
            sampler=steps,
            num_workers=1,
            prefetch_factor=4,
        )
        return iter(loader)

    def _log(self, figures: dict[str, float]) -> None:
        rounded = {name: round(value, 5) for name, value in figures.items()}
        row = {"step": self.step, "cpu_s": round(time.process_time()), **rounded}
        with (self.folder / "log.jsonl").open("a") as file:
            file.write(json.dumps(row) + "\n")

    def _save(self) -> None:
        state = {
            "step": self.step,
            "module": self.task.module.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        part = self.checkpoint.with_suffix(".part")
        torch.save(state, part)
        part.replace(self.checkpoint)  # a kill while writing keeps the last one

    def _restore(self) -> None:
        state = torch.load(self.checkpoint, map_location="cpu", weights_only=True)
        self.task.module.load_state_dict(state["module"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step = state["step"]


class _Steps(Dataset[list[Any]]):
    """The batches of each step, from the seed and the step alone: a resumed run sees the same."""

    def __init__(self, task: Task, schedule: Schedule) -> None:
        self.task = task
        self.schedule = schedule

    def __getitem__(self, step: int) -> list[Any]:
        torch.set_num_threads(1)
        rng = np.random.default_rng([self.schedule.seed, step])
        return [self.task.batch(rng) for _ in range(self.schedule.accumulate)]


def _parameter_groups(module: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Let only the matrices of layers shrink; not norms, biases, embeddings or positions."""
    decayed = {
        id(layer.weight)
        for layer in module.modules()
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d)
    }
    trained = [parameter for parameter in module.parameters() if parameter.requires_grad]
    return [
        {"params": [p for p in trained if id(p) in decayed], "weight_decay": weight_decay},
        {"params": [p for p in trained if id(p) not in decayed], "weight_decay": 0.0},
    ]


def _smooth(figures: dict[str, float], new: dict[str, float]) -> None:
    for name, value in new.items():
        if math.isfinite(value):
            figures[name] = SMOOTHING * figures.get(name, value) + (1 - SMOOTHING) * value


def _shown(figures: dict[str, float]) -> list[str]:
    return [name for name in ("loss", "ciou", "hit", "names") if name in figures]
