"""Describe the machine of a measurement and the resources that a process uses."""

import platform
import subprocess
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_UNKNOWN = "unknown"


def processor() -> str:
    """Return the name of the CPU."""
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


def commit() -> str:
    """Return git's name of this checkout, whether it was changed since included."""
    try:
        told = subprocess.run(
            ["git", "describe", "--always", "--dirty"],
            cwd=Path(__file__).parent, capture_output=True, text=True, check=False,
        )  # fmt: skip
    except OSError:  # no git
        return _UNKNOWN
    return told.stdout.strip() or _UNKNOWN


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Return the versions of Python and of packages, "none" of those that are missing."""
    return {"python": platform.python_version(), **{name: _version(name) for name in packages}}


def memory_mb(process: int | str, kinds: Iterable[str]) -> dict[str, float]:
    """Return the memory of a process, "self" or by its number, by the kernel's names of kinds."""
    lines = Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
    values = dict(line.split(":", 1) for line in lines)
    return {kind: int(values[kind].split()[0]) / 1024 for kind in kinds}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"
