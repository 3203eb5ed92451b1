"""Training by one or several processes; the only module that uses `accelerate`.

`accelerate launch` starts the processes and says by its options how they share the work: copies
of the model (DDP), parts of it (FSDP) or parts of the optimizer (DeepSpeed ZeRO-2).
"""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from evf_sam_ros.whole_files import whole_file

_STATE = "checkpoint.pt"
_WHOLE = "step.json"  # written last: a folder without it was left by a kill


class Processes(Protocol):
    """The operations that the training loop needs of one process, or of several together."""

    index: int  # of this process; the first one writes the files
    count: int

    def prepare(
        self, module: nn.Module, optimizer: torch.optim.Optimizer, accumulate: int, norm: float
    ) -> tuple[Any, Any]:
        """Return the module and the optimizer to train with.

        Args:
            accumulate: batches of this process per step.
            norm: to which gradients will be clipped.
        """
        ...

    def batch(self, module: nn.Module) -> Any:
        """Return the context in which a batch is run forward and backward."""
        ...

    def backward(self, loss: Tensor, accumulate: int) -> None:
        """Add the gradients of one of `accumulate` batches to their mean."""
        ...

    def clip(self, module: nn.Module, norm: float) -> None: ...

    def mean(self, figures: Mapping[str, float]) -> dict[str, float]:
        """Return the mean of each figure over all processes."""
        ...

    def wait(self) -> None:
        """Go on when every process has come here."""
        ...

    def has_state(self, folder: Path) -> bool: ...

    def save(self, folder: Path, step: int, module: nn.Module, optimizer: Any) -> None: ...

    def restore(self, folder: Path, module: nn.Module, optimizer: Any) -> int:
        """Load the newest state and return its step."""
        ...

    def weights(self, module: nn.Module) -> dict[str, Tensor]:
        """Return the whole state of a prepared module, on the CPU."""
        ...


def processes() -> Processes:
    """Return all that were started together, or this one alone."""
    started_together = "ACCELERATE_MIXED_PRECISION" in os.environ  # by `accelerate launch`
    return _Together() if started_together else Alone()


class Alone:
    """This process, on the device where its model is; needs nothing but torch."""

    index, count = 0, 1

    def prepare(
        self, module: nn.Module, optimizer: torch.optim.Optimizer, accumulate: int, norm: float
    ) -> tuple[Any, Any]:
        return module, optimizer

    def batch(self, module: nn.Module) -> Any:
        return nullcontext()

    def backward(self, loss: Tensor, accumulate: int) -> None:
        (loss / accumulate).backward()

    def clip(self, module: nn.Module, norm: float) -> None:
        nn.utils.clip_grad_norm_(module.parameters(), norm)

    def mean(self, figures: Mapping[str, float]) -> dict[str, float]:
        return dict(figures)

    def wait(self) -> None:
        pass

    def has_state(self, folder: Path) -> bool:
        return (folder / _STATE).exists()

    def save(self, folder: Path, step: int, module: nn.Module, optimizer: Any) -> None:
        state = {
            "step": step,
            "module": module.state_dict(),
            "optimizer": optimizer.state_dict(),
        }
        with whole_file(folder / _STATE) as part:
            torch.save(state, part)

    def restore(self, folder: Path, module: nn.Module, optimizer: Any) -> int:
        state = torch.load(folder / _STATE, map_location="cpu", weights_only=True)
        module.load_state_dict(state["module"])
        optimizer.load_state_dict(state["optimizer"])
        return int(state["step"])

    def weights(self, module: nn.Module) -> dict[str, Tensor]:
        return module.state_dict()


class _Together:
    """The processes that `accelerate launch` started."""

    def __init__(self) -> None:
        from accelerate import Accelerator, DistributedDataParallelKwargs

        # Which mask tokens and heads get a gradient may differ from batch to batch.
        copies = DistributedDataParallelKwargs(find_unused_parameters=True)
        self._accelerator: Any = Accelerator(kwargs_handlers=[copies])
        self.index = int(self._accelerator.process_index)
        self.count = int(self._accelerator.num_processes)

    def prepare(
        self, module: nn.Module, optimizer: torch.optim.Optimizer, accumulate: int, norm: float
    ) -> tuple[Any, Any]:
        accelerator = self._accelerator
        accelerator.gradient_accumulation_steps = accumulate
        plugin = getattr(accelerator.state, "deepspeed_plugin", None)
        if plugin is not None:  # it counts and clips by itself, and wants to know beforehand
            plugin.deepspeed_config |= {
                "train_micro_batch_size_per_gpu": 1,
                "gradient_accumulation_steps": accumulate,
                "gradient_clipping": norm,
            }
        return accelerator.prepare(module, optimizer)

    @contextmanager
    def batch(self, module: nn.Module) -> Iterator[None]:
        with self._accelerator.accumulate(module):
            yield

    def backward(self, loss: Tensor, accumulate: int) -> None:
        self._accelerator.backward(loss)  # divides by `accumulate` itself

    def clip(self, module: nn.Module, norm: float) -> None:
        self._accelerator.clip_grad_norm_(module.parameters(), norm)

    def mean(self, figures: Mapping[str, float]) -> dict[str, float]:
        values = torch.tensor(list(figures.values()), dtype=torch.float32)
        shared = self._accelerator.reduce(values.to(self._accelerator.device), "mean")
        return dict(zip(figures, shared.tolist(), strict=True))

    def wait(self) -> None:
        self._accelerator.wait_for_everyone()

    def has_state(self, folder: Path) -> bool:
        return bool(_whole_states(folder))

    def save(self, folder: Path, step: int, module: nn.Module, optimizer: Any) -> None:
        new = folder / f"checkpoint-{step:07d}"
        self._accelerator.save_state(str(new))
        self._accelerator.wait_for_everyone()
        if self.index == 0:
            (new / _WHOLE).write_text(f'{{"step": {step}}}\n')
            for old in folder.glob("checkpoint-*"):
                if old != new:
                    shutil.rmtree(old)

    def restore(self, folder: Path, module: nn.Module, optimizer: Any) -> int:
        newest = _whole_states(folder)[-1]
        self._accelerator.load_state(str(newest))
        return int(newest.name.rpartition("-")[2])

    def weights(self, module: nn.Module) -> dict[str, Tensor]:
        state = self._accelerator.get_state_dict(module)
        return {name: tensor.cpu() for name, tensor in state.items()}


def _whole_states(folder: Path) -> list[Path]:
    return sorted(path.parent for path in folder.glob(f"checkpoint-*/{_WHOLE}"))
