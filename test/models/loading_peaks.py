"""Print the peak memory of loading each folder but the first, in multiples of its weights.

The first is small: what the libraries take once is not counted. Run as a program: a test's own
process has room to spare from what ran before.
"""

import json
import os
import sys
from pathlib import Path

import torch

from evf_sam_ros.models.checkpoint import load


def kilobytes(entry):
    status = Path("/proc/self/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith(entry)))


def peak(folder):
    Path("/proc/self/clear_refs").write_text("5")  # the peak so far is forgotten
    before = kilobytes("VmRSS")
    state = load(folder).model.state_dict()
    for tensor in state.values():
        tensor.sum()  # weights that are still in their file count as well
    grown = 1024 * (kilobytes("VmHWM") - before)
    return grown / sum(tensor.nbytes for tensor in state.values())


def in_a_child(folder):
    """Measure in a copy of this process, so that no folder profits from another."""
    read, write = os.pipe()
    if os.fork() == 0:
        os.write(write, str(peak(folder)).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as answer:
        return float(answer.read())


if __name__ == "__main__":
    torch.set_num_threads(1)  # a child has no other
    peak(sys.argv[1])
    print(json.dumps({folder: in_a_child(folder) for folder in sys.argv[2:]}))
