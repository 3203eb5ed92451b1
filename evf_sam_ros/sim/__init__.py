"""The simulated tabletop: pictures, depth, sentences and their ground truth.

MuJoCo reads how to draw without a screen from the environment when it is first imported, so this
must be settled before any module here imports it.
"""

import ctypes.util
import os

for _library, _backend in (("EGL", "egl"), ("OSMesa", "osmesa")):
    if "MUJOCO_GL" not in os.environ and ctypes.util.find_library(_library):
        os.environ["MUJOCO_GL"] = _backend
