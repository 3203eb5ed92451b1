"""Engine times that `evf-sam bench` measured on this machine, stored in the user's cache."""

import os
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from evf_sam_ros.engines.cache import key_of, mark_of, note, noted

_KIND = "bench"
_CPU_INFO = Path("/proc/cpuinfo")


def note_times(source: Path, precision: str, seconds: Mapping[str, float]) -> None:
    """Keep what each engine took for the model of a folder."""
    note(_KIND, _key(source, precision), dict(seconds))


def is_slower(engine: str, other: str, source: Path | None, precision: str) -> bool:
    """Tell whether the first engine was measured to be slower; not measured: no."""
    if source is None:
        return False
    times = noted(_KIND, _key(source, precision)) or {}
    return engine in times and other in times and times[engine] > times[other]


def _key(source: Path, precision: str) -> str:
    return key_of(mark_of(source), precision, _machine())


def _machine() -> tuple[object, ...]:
    libraries = [_version(name) for name in ("torch", "openvino", "onnxruntime")]
    return (processor(), os.cpu_count(), torch.get_num_threads(), *libraries)


def processor() -> str:
    """Return the name of the processor as the system gives it."""
    lines = _CPU_INFO.read_text(errors="replace").splitlines() if _CPU_INFO.is_file() else []
    named = (line for line in lines if line.startswith(("model name", "CPU part")))
    return next(named, platform.processor())


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
