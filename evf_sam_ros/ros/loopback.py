"""Keep ROS 2 on this machine, out of the way of every other ROS 2 on it."""

import os
import random
import socket
import sys
from importlib.metadata import version
from pathlib import Path

import evf_sam_ros

PROFILE = Path("config") / "fastdds_local.xml"
DOMAINS = range(1, 102)  # the ports of higher ones lie among those that the system hands out
FIRST_PORT, PORTS_PER_DOMAIN, FIRST_PARTICIPANT = 7400, 250, 10  # of the RTPS standard


def isolate() -> int:
    """Set this process's environment, which its children inherit; return the domain.

    To be called before rclpy starts. A ROS_DOMAIN_ID that is set stays.
    """
    domain = int(os.environ.get("ROS_DOMAIN_ID") or free_domain())
    os.environ |= _variables(int(version("rclpy").split(".")[0]))
    os.environ["ROS_DOMAIN_ID"] = str(domain)
    return domain


def free_domain() -> int:
    """Return a domain in which nobody takes part on this machine."""
    for domain in random.sample(DOMAINS, len(DOMAINS)):
        port = FIRST_PORT + PORTS_PER_DOMAIN * domain + FIRST_PARTICIPANT
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind(("0.0.0.0", port))
            except OSError:
                continue
            return domain
    raise RuntimeError("every ROS domain from 1 to 101 is in use on this machine")


def _variables(rclpy_release: int) -> dict[str, str]:
    """Return what a release reads; newer ones warn of the older names."""
    until_humble, until_jazzy = rclpy_release < 4, rclpy_release < 9
    fast_dds = "FASTRTPS" if until_jazzy else "FASTDDS"
    return {
        **(
            {"ROS_LOCALHOST_ONLY": "1"}
            if until_humble
            else {"ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}
        ),
        f"{fast_dds}_DEFAULT_PROFILES_FILE": str(_profile()),
    }


def _profile() -> Path:
    """Find the profile in the source tree, else where the package is installed."""
    package = Path(evf_sam_ros.__path__[0])
    source = package.parent / PROFILE
    if source.is_file():
        return source
    from ament_index_python.packages import get_package_share_path

    # A virtual environment with the ROS wheels is a prefix, but no setup file says so.
    os.environ.setdefault("AMENT_PREFIX_PATH", sys.prefix)
    return Path(get_package_share_path("evf_sam_ros")) / PROFILE
