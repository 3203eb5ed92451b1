"""Keep the ROS nodes of the tests, and of the processes they start, to themselves."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

collect_ignore = []

if find_spec("rclpy"):
    from evf_sam_ros.ros.loopback import isolate

    isolate()
    # An environment with the ROS wheels is an ament prefix, but no setup file says so.
    if (Path(sys.prefix) / "share" / "ament_index").is_dir():
        os.environ.setdefault("AMENT_PREFIX_PATH", sys.prefix)
else:
    collect_ignore.append("ros")  # the library without ROS is tested without it
