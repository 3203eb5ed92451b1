"""Where a model runs, and in which number format: a user's words against the machine."""

import torch

from evf_sam_ros.engines.precision import PRECISIONS

__all__ = ["PRECISIONS", "device_of", "precision_of"]


def device_of(name: str) -> torch.device:
    """Return what "auto" (CUDA where there is one) or torch's name of a device means here.

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

    Raises:
        ValueError: no such precision, or not on this device.
    """
    if name != "auto" and name not in PRECISIONS:
        raise ValueError(f"precision is {name!r}, need auto, {', '.join(PRECISIONS)}")
    if device.type == "cpu":
        if name == "fp16":
            raise ValueError("precision 'fp16' is unusably slow on a CPU, need fp32 or bf16")
        return "fp32" if name == "auto" else name
    # Half precision as the published code has it; bfloat16 rounds eight times as coarsely.
    return "fp16" if name == "auto" else name
