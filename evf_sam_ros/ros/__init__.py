"""The only layer that knows ROS: nodes, messages, parameters.

A node shares its cores with cameras and other nodes. OpenMP's threads wait by spinning, and where
they spin on a core that others need, a picture takes ten times as long; they are told to sleep
instead. OpenMP reads this when torch is first imported.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
