"""Checks without a running ROS graph: libraries, GPU, model, memory, environment."""

import os
import platform
import shutil
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, distributions, version
from importlib.util import find_spec
from pathlib import Path

from evf_sam_ros.ros.doctor.finding import Finding
from evf_sam_ros.ros.doctor.gpu import gpu_findings, jetpack_findings

MEBIBYTE = 2**20
SHARED_MEMORY = Path("/dev/shm")
SHARED_MEMORY_NEEDED = 256 * MEBIBYTE  # camera, node and rviz, with a segment of 64 MiB each
SEGMENT_NEEDED = 8 * MEBIBYTE  # a few 1080p images
MEMORY_NEEDED = 1024 * MEBIBYTE  # the default model with PyTorch takes half of it
LEFT_OVER = 40  # shared memory files of Fast DDS: more are not of programs that run
RANGES = ("SUBNET", "LOCALHOST", "OFF", "SYSTEM_DEFAULT")
KILTED, JAZZY = 9, 6  # rclpy's major version from that release on
APT_PACKAGES = Path("/usr/lib/python3/dist-packages")
PROFILE = Path("config") / "fastdds.xml"

MESSAGES = {
    "tf2_msgs": "no target_frame, gravity_frame, publish_tf or register_depth_by_tf",
    "vision_msgs": "no ~/detections, ~/detections_3d or ~/semantic/label_info",
    "moveit_msgs": "no ~/collision_object",
}


def machine_findings(model: str | None) -> Iterator[Finding]:
    """Check this machine; `model` is loaded and run once, unless it is None."""
    yield Finding("ok", "machine", f"{platform.machine()}, Python {platform.python_version()}")
    yield from _memory()
    yield from jetpack_findings()
    yield from _torch()
    yield engines_finding()
    if model is not None:
        yield from _model(model)
    yield from numpy_findings(version("numpy"), find_spec("cv_bridge") is not None, APT_PACKAGES)
    yield from _page()
    yield from jpeg_findings()
    yield from message_findings(lambda name: find_spec(name) is not None)
    yield from shared_memory_findings(SHARED_MEMORY)
    yield from environment_findings(os.environ, _rclpy_release())


def _memory() -> Iterator[Finding]:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return
    free = next(int(each.split()[1]) * 1024 for each in lines if each.startswith("MemAvailable"))
    text = f"{free // MEBIBYTE} MiB free, {os.cpu_count()} cores"
    if free < MEMORY_NEEDED:
        yield Finding("warning", "memory", text, "the default model needs about 500 MiB")
    else:
        yield Finding("ok", "memory", text)


def _torch() -> Iterator[Finding]:
    try:
        import torch
    except (ImportError, OSError) as error:
        cure = f"{sys.executable} -m pip install . (in the folder of evf_sam_ros)"
        yield Finding("problem", "PyTorch", f"cannot be imported: {error}", cure)
        return
    if torch.cuda.is_available():
        name = torch.cuda.get_device_name()
        yield Finding("ok", "PyTorch", f"{torch.__version__} on {name}")
        yield from gpu_findings(
            name, torch.cuda.get_device_capability(), torch.cuda.get_arch_list()
        )
    elif not has_nvidia_driver():
        yield Finding("note", "PyTorch", f"{torch.__version__} on the CPU, there is no NVIDIA GPU")
    elif torch.version.cuda is None:
        yield Finding(
            "warning", "PyTorch", f"{torch.__version__} cannot use the NVIDIA GPU that is here",
            f"pip install --force-reinstall torch=={torch.__version__.partition('+')[0]}",
        )  # fmt: skip
    else:
        yield Finding(
            "warning", "PyTorch", f"made for CUDA {torch.version.cuda}, which does not start here",
            "compare with `nvidia-smi`: the driver must be as new; in a container, --gpus all",
        )  # fmt: skip


def engines_finding() -> Finding:
    """List the runtimes of exported models that are installed beside PyTorch."""
    found = [name for name in ("openvino", "onnxruntime", "tensorrt") if find_spec(name)]
    if found:
        return Finding("ok", "engines", f"PyTorch and {', '.join(found)}")
    cure = "pip install 'evf_sam_ros[onnxruntime]', then `evf-sam bench` (docs/guides/export.md)"
    return Finding("note", "engines", "PyTorch alone", cure)


def numpy_findings(numpy: str, has_cv_bridge: bool, apt_packages: Path) -> Iterator[Finding]:
    """Compare NumPy with the one that the distribution's cv_bridge is compiled for.

    Args:
        numpy: version of the NumPy that this process imports.
        has_cv_bridge: whether cv_bridge is installed.
        apt_packages: folder of the Python packages that apt installs.
    """
    found = distributions(name="numpy", path=[str(apt_packages)])
    of_apt = next((each.version for each in found), "")
    if has_cv_bridge and of_apt.startswith("1.") and not numpy.startswith("1."):
        yield Finding(
            "warning", "NumPy", f"{numpy} stands in front of apt's {of_apt}, for which cv_bridge "
            "is compiled: nodes that use cv_bridge break in this environment",
            "pip install 'numpy<2' in this environment (docs/guides/install.md)",
        )  # fmt: skip


def has_nvidia_driver() -> bool:
    return Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi") is not None


def _model(name: str) -> Iterator[Finding]:
    try:
        import numpy as np

        from evf_sam_ros.perception.knowledge import knows, warning_of
        from evf_sam_ros.perception.predictor import load_predictor

        started = time.monotonic()
        predict = load_predictor(name)
        loaded = time.monotonic()
        predict(np.zeros((480, 640, 3), np.uint8), ["the object"])
        took_ms = 1000 * (time.monotonic() - loaded)
    except Exception as error:  # whatever it is, the other checks go on
        sentence = " ".join(str(error).split()) or type(error).__name__
        cure = "`evf-sam models` lists models, `evf-sam download OWNER/NAME` fetches one"
        yield Finding("problem", "model", f"{name!r} cannot be used: {sentence}", cure)
        return
    yield Finding(
        "ok", "model", f"{predict.name!r} on {predict.device}, loaded in "
        f"{loaded - started:.1f} s, first answer in {took_ms:.0f} ms; {knows(predict)}",
    )  # fmt: skip
    if warning := warning_of(predict):
        yield Finding("warning", "calibration", warning, "evf-sam calibrate --help")


def _page() -> Iterator[Finding]:
    if find_spec("aiohttp") is None:
        cure = "apt-get install python3-aiohttp, or pip install 'evf_sam_ros[web]'"
        yield Finding("note", "page", "web:=true needs aiohttp, which is not here", cure)


def jpeg_findings() -> Iterator[Finding]:
    """Look for the library that tells damaged pictures of a camera from whole ones."""
    if find_spec("simplejpeg") is None:
        yield Finding(
            "warning", "JPEG",
            "simplejpeg is not here: a damaged JPEG of a camera is answered as if it were whole",
            "pip install simplejpeg",
        )  # fmt: skip


def message_findings(is_installed: Callable[[str], bool]) -> Iterator[Finding]:
    """Tell what the node does not offer without the message packages of others."""
    for package, effect in MESSAGES.items():
        if not is_installed(package):
            apt = f"apt install ros-<release>-{package.replace('_', '-')}"
            yield Finding("note", "messages", f"no {package}: {effect}", apt)


def shared_memory_findings(folder: Path) -> Iterator[Finding]:
    """Look at the memory through which images go from camera to node."""
    if not folder.is_dir():
        yield Finding("warning", "shared memory", f"no {folder}: images go through the network")
        return
    free = shutil.disk_usage(folder).free
    if free < SHARED_MEMORY_NEEDED:
        yield Finding(
            "warning", "shared memory",
            f"{free // MEBIBYTE} MiB free in {folder}, images need {SHARED_MEMORY_NEEDED >> 20}",
            "in a container: docker run --ipc=host, or --shm-size=512m",
        )  # fmt: skip
    else:
        yield Finding("ok", "shared memory", f"{free // MEBIBYTE} MiB free in {folder}")
    files = [each for each in folder.iterdir() if each.name.startswith(("fastrtps_", "fastdds_"))]
    if len(files) > LEFT_OVER:
        yield Finding(
            "warning", "shared memory", f"{len(files)} files of Fast DDS, some of ended programs",
            "`fastdds shm clean` removes those",
        )  # fmt: skip


def environment_findings(
    environment: Mapping[str, str], rclpy_release: int | None
) -> Iterator[Finding]:
    """Check the variables that control discovery; release None: rclpy is missing."""
    yield from _domain(environment.get("ROS_DOMAIN_ID", ""))
    yield from _reach(environment, rclpy_release)
    yield from _transport(environment, rclpy_release)
    if environment.get("ROS_SECURITY_ENABLE", "").lower() == "true":
        keystore = environment.get("ROS_SECURITY_KEYSTORE", "")
        if not Path(keystore).is_dir() or not keystore:
            yield Finding(
                "problem", "security", f"is on, and its keystore {keystore!r} is not there",
                "set ROS_SECURITY_KEYSTORE to the keystore's folder (docs/reference/security.md)",
            )  # fmt: skip
        else:
            yield Finding("ok", "security", f"keys from {keystore}")


def _domain(domain: str) -> Iterator[Finding]:
    if not domain:
        yield Finding("ok", "domain", "ROS_DOMAIN_ID is not set: 0, as everybody's")
    elif not domain.isdigit() or int(domain) > 232:
        cure = "export ROS_DOMAIN_ID=N with N from 0 to 101, the same for all programs"
        yield Finding("problem", "domain", f"ROS_DOMAIN_ID is {domain!r}, need 0 to 232", cure)
    elif int(domain) > 101:
        text = f"ROS_DOMAIN_ID is {domain}: its ports are among those the system hands out"
        yield Finding("warning", "domain", text, "take one from 0 to 101")
    else:
        yield Finding("ok", "domain", f"ROS_DOMAIN_ID is {domain}; others must have the same")


def _reach(environment: Mapping[str, str], release: int | None) -> Iterator[Finding]:
    wished = environment.get("ROS_AUTOMATIC_DISCOVERY_RANGE", "")
    local_only = environment.get("ROS_LOCALHOST_ONLY", "")
    if wished and wished not in RANGES:
        text = f"ROS_AUTOMATIC_DISCOVERY_RANGE is {wished!r}, need one of {', '.join(RANGES)}"
        yield Finding("problem", "reach", text, "export ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST")
    elif wished == "OFF":
        text = "ROS_AUTOMATIC_DISCOVERY_RANGE is OFF: programs find nobody, not even here"
        yield Finding("problem", "reach", text, "LOCALHOST is this machine, SUBNET the network")
    elif wished == "LOCALHOST" and (release is None or release >= JAZZY):
        yield Finding("note", "reach", "only programs of this machine are heard")
    elif wished and release is not None and release < JAZZY:
        text = "this release does not know ROS_AUTOMATIC_DISCOVERY_RANGE"
        yield Finding("warning", "reach", text, "for this machine only: ROS_LOCALHOST_ONLY=1")
    if local_only == "1" and release is not None and release >= KILTED and wished != "LOCALHOST":
        text = "ROS_LOCALHOST_ONLY is ignored by this release: the network hears you"
        yield Finding("warning", "reach", text, "export ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST")
    elif local_only == "1":
        yield Finding("note", "reach", "ROS_LOCALHOST_ONLY: only this machine is heard")


def _transport(environment: Mapping[str, str], release: int | None) -> Iterator[Finding]:
    """Images are lost where Fast DDS has no shared memory that holds one."""
    if "fastrtps" not in environment.get("RMW_IMPLEMENTATION", "rmw_fastrtps_cpp"):
        yield Finding("note", "transport", f"{environment['RMW_IMPLEMENTATION']}, not Fast DDS")
        return
    old, new = "FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE"
    variable = new if release is None or release >= KILTED else old
    other = old if variable == new else new
    path = environment.get(variable, "")
    if not path:
        why = f"{other} is set, this release reads {variable}" if environment.get(other) else (
            f"{variable} is not set: best-effort images above 512 KiB get lost"
        )  # fmt: skip
        yield Finding("warning", "transport", why, _profile_cure(variable))
    else:
        yield profile_finding(Path(path), _profile_cure(variable))


def _profile_cure(variable: str) -> str:
    """Name the profile that came with this package, where it lies here."""
    prefixes = [*os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep), sys.prefix]
    shares = [Path(each) / "share" / "evf_sam_ros" for each in prefixes if each]
    places = [each / PROFILE for each in (*shares, Path(__file__).parents[2])]
    profile = next((each for each in places if each.is_file()), PROFILE)
    return f"export {variable}={profile} for camera and node (our launch files do)"


def profile_finding(path: Path, cure: str) -> Finding:
    """Judge a Fast DDS profile by its shared memory."""
    try:
        root = ElementTree.parse(path).getroot()
    except (OSError, ElementTree.ParseError) as error:
        return Finding("problem", "transport", f"the profile {path} cannot be read: {error}", cure)
    local = [each for each in root.iter() if each.tag.rpartition("}")[2] == "transport_descriptor"]
    for each in local:
        values = {child.tag.rpartition("}")[2]: (child.text or "").strip() for child in each}
        if values.get("type") == "SHM":
            size = int(values.get("segment_size") or 512 * 1024)
            text = f"Fast DDS with {size // 1024} KiB of shared memory by {path}"
            return Finding("ok" if size >= SEGMENT_NEEDED else "warning", "transport", text,
                           "" if size >= SEGMENT_NEEDED else cure)  # fmt: skip
    return Finding("warning", "transport", f"the profile {path} has no shared memory", cure)


def _rclpy_release() -> int | None:
    try:
        return int(version("rclpy").split(".")[0])
    except PackageNotFoundError:
        return None
