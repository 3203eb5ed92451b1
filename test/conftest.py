"""The environment that ROS and torch must find, here and in the tests' processes."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
PROFILE = str(ROOT / "config" / "fastdds_local.xml")

# Threads that spin while they wait slow everything down where tests share the cores.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# A domain of its own for each run; ports above domain 101 fall into the ephemeral range.
os.environ.setdefault("ROS_DOMAIN_ID", str(10 + os.getpid() % 90))
# Loopback only: Kilted reads the first, Humble the second.
os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
os.environ.setdefault("ROS_LOCALHOST_ONLY", "1")
# Kilted reads the first, Humble the second, Jazzy either.
os.environ.setdefault("FASTDDS_DEFAULT_PROFILES_FILE", PROFILE)
os.environ.setdefault("FASTRTPS_DEFAULT_PROFILES_FILE", PROFILE)
# An environment with the ROS wheels is an ament prefix, but no setup file says so.
if (Path(sys.prefix) / "share" / "ament_index").is_dir():
    os.environ.setdefault("AMENT_PREFIX_PATH", sys.prefix)
