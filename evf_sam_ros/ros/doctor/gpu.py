"""Checks of the GPU: whether PyTorch's wheel has code for it, and which wheel does."""

import platform
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from evf_sam_ros.ros.doctor.finding import Finding

JETPACK = Path("/etc/nv_tegra_release")
GUIDE = "docs/guides/jetson.md"
# CUDA of PyTorch's wheels by the compute capability that they first have code for.
_FIRST_CUDA = ((10, 0, "cu128"), (11, 0, "cu130"))
_JETPACK_OF_L4T = {36: "JetPack 6", 38: "JetPack 7", 39: "JetPack 7.2"}


def gpu_findings(
    name: str, capability: tuple[int, int], architectures: Sequence[str]
) -> Iterator[Finding]:
    """Compare a GPU with the code in PyTorch's wheel.

    Args:
        name: of the GPU.
        capability: its compute capability, major and minor.
        architectures: what the wheel has code for, as `torch.cuda.get_arch_list` gives it.
    """
    major, minor = capability
    own = f"sm_{major}{minor}"
    if own in {each.rstrip("af") for each in architectures}:
        return
    if _runs_binary(capability, architectures) or _compiles(capability, architectures):
        yield Finding(
            "note", "GPU", f"PyTorch has no code for {own} ({name}) itself and runs that of a "
            "relative: slower than it could be, and right",
            f"a wheel made for this GPU, if there is one: {GUIDE}",
        )  # fmt: skip
        return
    yield Finding(
        "problem", "GPU", f"PyTorch has no code for {name} ({own}), only for "
        f"{', '.join(architectures) or 'none'}: it will fail with 'no kernel image'",
        f"install a wheel of {_wheel_for(capability)}: {GUIDE}",
    )  # fmt: skip


def jetpack_findings(release: Path = JETPACK) -> Iterator[Finding]:
    """Name the JetPack release of a Jetson; nothing elsewhere."""
    try:
        text = release.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return
    found = re.search(r"# R(\d+) .*?REVISION: ([\d.]+)", text)
    if found is None:
        yield Finding("note", "JetPack", f"{release} says {text.strip()[:60]!r}", GUIDE)
        return
    linux = int(found[1])
    jetpack = _JETPACK_OF_L4T.get(linux, "an unknown JetPack")
    yield Finding("ok", "JetPack", f"L4T {linux}.{found[2]}, {jetpack}, {platform.machine()}")
    if linux < 38:
        yield Finding(
            "note", "JetPack", "generic aarch64 wheels of PyTorch do not run on its CUDA 12",
            f"take PyTorch from NVIDIA's Jetson index: {GUIDE}",
        )  # fmt: skip


def _runs_binary(capability: tuple[int, int], architectures: Sequence[str]) -> bool:
    """Tell whether code for an older GPU of the same generation is there."""
    major, minor = capability
    numbers = [int(each[3:]) for each in architectures if re.fullmatch(r"sm_\d+", each)]
    return any(number // 10 == major and number % 10 <= minor for number in numbers)


def _compiles(capability: tuple[int, int], architectures: Sequence[str]) -> bool:
    """Tell whether the driver can compile intermediate code of an older generation."""
    major, minor = capability
    numbers = [int(each[8:]) for each in architectures if re.fullmatch(r"compute_\d+", each)]
    return any(number <= 10 * major + minor for number in numbers)


def _wheel_for(capability: tuple[int, int]) -> str:
    wheels = [cuda for major, minor, cuda in _FIRST_CUDA if capability >= (major, minor)]
    return wheels[-1] if wheels else "an older PyTorch: new wheels leave old GPUs out"
