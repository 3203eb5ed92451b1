"""Limit Fast DDS's shared memory to the machine's free memory.

A container has 64 MiB of it by default. Where a process gets no segment, large images are lost;
where a segment has nothing behind it, writing to it ends the process.
"""

import os
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

FOLDER = Path("/dev/shm")
VARIABLES = ("FASTDDS_DEFAULT_PROFILES_FILE", "FASTRTPS_DEFAULT_PROFILES_FILE")
TRANSPORTS = "FASTDDS_BUILTIN_TRANSPORTS"
NAMESPACE = "http://www.eprosima.com"
SHARERS = 4  # processes that exchange images: camera, node, a viewer, a recorder
LEAST_SEGMENT = 2 * 2**20  # bytes; two images of 640x480
MEBIBYTE = 2**20


def fit_shared_memory() -> None:
    """Change this process's profile where its segment does not fit, and say so on stderr.

    To be called before rclpy starts.
    """
    free = free_bytes()
    variable = next((name for name in VARIABLES if os.environ.get(name)), None)
    if variable is None:
        if free < LEAST_SEGMENT and os.environ.setdefault(TRANSPORTS, "UDPv4") == "UDPv4":
            _warn(free, "images go over UDP, which loses large ones")
        return
    try:
        root = ElementTree.parse(os.environ[variable]).getroot()
        fitted = fit(root, free)
        if fitted is None:
            return
        os.environ[variable] = str(_written(root, fitted))
    except (OSError, ElementTree.ParseError):
        return  # Fast DDS reports a profile that cannot be read
    _warn(free, _consequence(fitted))


def free_bytes() -> int:
    """Return the free shared memory, 0 if the machine has none."""
    try:
        file_system = os.statvfs(FOLDER)
    except OSError:
        return 0
    return file_system.f_bavail * file_system.f_frsize


def fit(root: ElementTree.Element, free: int) -> int | None:
    """Shrink the shared memory transports of a profile, or remove them where none fits.

    Returns:
        The size of the segments then, 0 without any; None where the profile fits as it is.
    """
    segments = [each for each in root.iter(_tag("segment_size")) if each.text]
    wanted = max((int(each.text or 0) for each in segments), default=0)
    size = free // SHARERS
    if wanted <= size:
        return None
    if size < LEAST_SEGMENT:
        _remove_shared_memory(root)
        return 0
    for name in ("segment_size", "maxMessageSize"):
        for each in root.iter(_tag(name)):
            each.text = str(min(int(each.text or 0), size))
    return size


def _remove_shared_memory(root: ElementTree.Element) -> None:
    removed = set()
    for descriptors in root.iter(_tag("transport_descriptors")):
        for each in list(descriptors):
            if each.findtext(_tag("type")) == "SHM":
                removed.add(each.findtext(_tag("transport_id")))
                descriptors.remove(each)
    for transports in root.iter(_tag("userTransports")):
        for each in list(transports):
            if each.text in removed:
                transports.remove(each)


def _written(root: ElementTree.Element, size: int) -> Path:
    ElementTree.register_namespace("", NAMESPACE)
    path = Path(tempfile.gettempdir()) / f"evf_sam_ros_fastdds_{os.getuid()}_{size}.xml"
    handle, name = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(ElementTree.tostring(root, "utf-8", xml_declaration=True))
    os.replace(name, path)  # several nodes may start at once
    return path


def _consequence(size: int) -> str:
    if not size:
        return "images go over UDP, which loses large ones"
    return f"this process takes {size / MEBIBYTE:.0f} MiB, so larger images are lost"


def _warn(free: int, consequence: str) -> None:
    print(
        f"warning: {FOLDER} has {free / MEBIBYTE:.0f} MiB free, and {consequence}; in a container "
        "set --shm-size=1g, or shm_size: 1gb for compose",
        file=sys.stderr,
    )


def _tag(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"
