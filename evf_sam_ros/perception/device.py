"""Selection of device and number format: the user's wish checked against the machine."""

import logging
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from pathlib import Path
from typing import Any

import torch

from evf_sam_ros.engines.precision import PRECISIONS

__all__ = ["PRECISIONS", "autocast_to", "device_of", "has_bfloat16", "precision_of"]

_CPU_INFO = Path("/proc/cpuinfo")
_BFLOAT16 = {"avx512_bf16", "amx_bf16", "avx10_2", "bf16", "svebf16"}  # flags of x86-64 and of Arm

_log = logging.getLogger(__name__)


def device_of(name: str) -> torch.device:
    """Return the device of a name: "auto" (CUDA if present) or one of torch's names.

    From then on float32 is float32 on GPUs, too: by itself PyTorch rounds what its convolutions
    take to TF32, ten bits of mantissa, and misses the gate of fp32.

    Raises:
        ValueError: no such kind of device, or not on this machine.
    """
    torch.backends.cudnn.allow_tf32 = False
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ValueError(f"device is {name!r}, need auto, cpu, cuda or cuda:N") from error
    if device.type not in ("cpu", "cuda"):
        raise ValueError(f"device is {name!r}, need auto, cpu, cuda or cuda:N")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        count = torch.cuda.device_count()
        raise ValueError(
            f"device is {name!r} but torch sees {count} CUDA devices; try auto or cpu"
        )
    return device


def precision_of(name: str, device: torch.device) -> str:
    """Return a key of `PRECISIONS`; "auto" is what suits the device.

    A CPU that must emulate bfloat16 gets fp32 in its place, and a warning says so: emulated, it
    takes twice as long.

    Raises:
        ValueError: no such precision, or not on this device.
    """
    if name != "auto" and name not in PRECISIONS:
        raise ValueError(f"precision is {name!r}, need auto, {', '.join(PRECISIONS)}")
    if device.type == "cpu":
        if name == "fp16":
            raise ValueError("precision 'fp16' is unusably slow on a CPU, need fp32 or bf16")
        if name == "bf16" and not has_bfloat16():
            _log.warning("using fp32: this CPU does not support bfloat16, so bf16 would be slower")
            return "fp32"
        return "fp32" if name == "auto" else name
    if name == "int8":
        raise ValueError("precision 'int8' is for engine 'openvino' on a CPU, need fp32 to fp16")
    # Half precision as the published code has it; bfloat16 rounds eight times as coarsely.
    return "fp16" if name == "auto" else name


def autocast_to(precision: str, device: torch.device) -> AbstractContextManager[Any]:
    """Return the context in which a model runs in this precision; of fp32 it changes nothing."""
    if precision == "fp32":
        return nullcontext()
    return torch.autocast(device.type, PRECISIONS[precision])


@cache
def has_bfloat16() -> bool:
    """Tell whether the CPU supports bfloat16; False if the system does not say."""
    if not _CPU_INFO.is_file():
        return False
    lines = _CPU_INFO.read_text(encoding="utf-8", errors="replace").splitlines()
    flags = [line.partition(":")[2].split() for line in lines if _lists_flags(line)]
    return bool(flags) and all(_BFLOAT16 & set(each) for each in flags)  # of every core


def _lists_flags(line: str) -> bool:
    return line.split(":")[0].strip() in ("flags", "Features")
