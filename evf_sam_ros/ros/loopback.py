"""Restrict ROS 2 to this machine, in a domain that no other program here uses."""

import os
import random
import socket
import sys
from importlib.metadata import version
from pathlib import Path

import evf_sam_ros
from evf_sam_ros.ros.shared_memory import fit_shared_memory

PROFILE = Path("config") / "fastdds_local.xml"
DOMAINS = range(1, 102)  # the ports of higher ones lie among those that the system hands out
FIRST_PORT, PORTS_PER_DOMAIN, FIRST_PARTICIPANT = 7400, 250, 10  # of the RTPS standard
INHERITED = "EVF_SAM_ROS_DOMAIN"  # the domain that this process or a parent has claimed

# Domains that this process has taken, possibly long before anything of ROS runs in them.
_taken: list[socket.socket] = []


def isolate() -> int:
    """Set this process's environment, which its children inherit; return the domain.

    To be called before rclpy starts. A ROS_DOMAIN_ID that is set stays, unless another run that
    keeps to itself has that domain.
    """
    domain = _domain()
    os.environ |= _variables(int(version("rclpy").split(".")[0]))
    os.environ["ROS_DOMAIN_ID"] = os.environ[INHERITED] = str(domain)
    fit_shared_memory()
    return domain


def _domain() -> int:
    wanted = os.environ.get("ROS_DOMAIN_ID")
    if not wanted:
        return free_domain()
    # A child is in the domain of the run that started it.
    if os.environ.get(INHERITED) == wanted or _claim(int(wanted)):
        return int(wanted)
    domain = free_domain()
    print(
        f"warning: another run of tests or demo has ROS_DOMAIN_ID {wanted}: this one has {domain}",
        file=sys.stderr,
    )
    return domain


def free_domain() -> int:
    """Reserve a domain without participants on this machine until this process ends."""
    for domain in random.sample(DOMAINS, len(DOMAINS)):
        if _take(domain):
            return domain
    raise RuntimeError("every ROS domain from 1 to 101 is in use on this machine")


def _take(domain: int) -> bool:
    """Claim a domain in which no other ROS takes part; False if somebody has it."""
    port = FIRST_PORT + PORTS_PER_DOMAIN * domain + FIRST_PARTICIPANT
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("0.0.0.0", port))  # of a ROS that did not ask
        except OSError:
            return False
    return _claim(domain)


def _claim(domain: int) -> bool:
    """Keep the domain from others that ask here for one; False if somebody did so before."""
    # A name without a file: the system forgets it with the process.
    taken = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        taken.bind(f"\0evf_sam_ros domain {domain}")
    except OSError:
        taken.close()
        return False
    _taken.append(taken)
    return True


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
