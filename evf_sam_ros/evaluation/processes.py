"""Evaluation by several processes: reads rank and count from torchrun or accelerate, and waits."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

LONGEST_WAIT = timedelta(days=7)  # for the slowest process


@dataclass(frozen=True)
class Share:
    """Rank of this process among `count` equal workers."""

    rank: int = 0
    count: int = 1
    local_rank: int = 0  # on its machine: the number of its GPU

    def of(self, items: list[int]) -> list[int]:
        """Return this worker's items: together the workers have each item exactly once."""
        return items[self.rank :: self.count]

    def device(self, wanted: str) -> str:
        """Return the GPU of this process where several share a machine's, else what is wanted."""
        import torch

        if self.count > 1 and wanted in ("auto", "cuda") and torch.cuda.is_available():
            return f"cuda:{self.local_rank % torch.cuda.device_count()}"
        return wanted

    def wait(self) -> None:
        """Wait until all workers are here."""
        if self.count > 1:
            import torch.distributed as distributed

            distributed.barrier()


@contextmanager
def joined() -> Iterator[Share]:
    """Return this process's share, in touch with the others where there are any."""
    share = Share(*(int(os.environ.get(name, default)) for name, default in _VARIABLES.items()))
    if share.count == 1:
        yield share
        return
    import torch.distributed as distributed

    distributed.init_process_group("gloo", timeout=LONGEST_WAIT)
    try:
        yield share
    finally:
        distributed.destroy_process_group()


_VARIABLES = {"RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0"}
