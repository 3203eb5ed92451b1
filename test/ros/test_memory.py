"""Memory that one image gave back serves the next."""

import subprocess
import sys

PROGRAM = """
import resource, sys
import numpy as np
from evf_sam_ros.ros.memory import keep_freed

if sys.argv[1] == "kept":
    assert keep_freed()
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
def images():
    for _ in range(20):
        message, pixels, picture = (np.ones((720, 1280, 3), np.uint8) for _ in range(3))
        del message, pixels, picture
images()
before = faults()
images()
print(faults() - before)
"""


def faults_per_image(how: str) -> float:
    """Return how often the system is asked for a page, in a process of its own."""
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, how], capture_output=True, text=True, check=True
    )
    return int(ran.stdout) / 20


def test_an_image_in_memory_that_was_kept_asks_the_system_for_none():
    assert faults_per_image("kept") < 1


def test_by_default_every_image_is_asked_for_anew():
    assert faults_per_image("not") > 100  # else the C library has become better, and this can go
