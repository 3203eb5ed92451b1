"""The only layer that knows ROS: nodes, messages, parameters.

A node shares its cores with cameras and other nodes. OpenMP's threads wait by spinning, and where
they spin on a core that others need, a picture takes ten times as long; they are told to sleep
instead. OpenMP reads this when torch is first imported.

Where shared memory is full, the tracing library of rclpy ends the process with SIGBUS when it is
imported; nothing could be said afterwards.
"""

import os
import sys
from contextlib import suppress

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

with suppress(OSError):  # no such folder
    if os.statvfs("/dev/shm").f_bavail == 0:
        print(
            "warning: /dev/shm is full, and ROS ends with SIGBUS where it cannot write there: "
            "remove what fills it (fastdds shm clean), or start a container with --shm-size=1g",
            file=sys.stderr,
        )
