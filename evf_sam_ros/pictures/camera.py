"""One picture of a camera that the operating system has, such as a USB camera."""

import re
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from evf_sam_ros.pictures.video import quietly

NAME = re.compile(r"camera:(\d{1,3})")
DEVICES = Path("/dev")
SETTLING = 5  # frames, in which exposure and white balance are found


def number_of(name: str) -> int | None:
    """Return the number of a camera's name, `camera:0`; None: it names no camera."""
    match = NAME.fullmatch(name)
    return None if match is None else int(match[1])


def take_picture(number: int) -> NDArray[np.uint8]:
    """Return a picture of a camera, (H, W, 3) RGB, as soon as its exposure has settled.

    Raises:
        ValueError: there is no such camera, or it gives no picture.
    """
    device = DEVICES / f"video{number}"
    if not device.exists():
        names = sorted(each.name.removeprefix("video") for each in DEVICES.glob("video[0-9]*"))
        there = ", ".join(f"camera:{each}" for each in names) or "none"
        raise ValueError(f"no camera {number}: {str(device)!r} does not exist; cameras: {there}")
    frame = None
    with quietly():
        capture = cv2.VideoCapture(number)
        try:
            for _ in range(SETTLING):
                frame = capture.read()[1]
        finally:
            capture.release()
    if frame is None:
        raise ValueError(
            f"camera {number} gives no picture: is {str(device)!r} used by another program, or "
            "not readable by this user (group video)?"
        )
    return np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB), np.uint8)
