"""The QoS, the parameters and the camera_info that both software cameras share."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo
from std_msgs.msg import Header

from evf_sam_ros.ros.parameters import Effect, setting

DEPTH = 5  # messages that wait


def offered_reliability(default: str) -> Any:
    """Describe the parameter `image_reliability` of a camera."""
    return setting(
        default,
        "reliability offered",
        effect=Effect.START,
        choices=("best_effort", "reliable"),
    )


def camera_qos(reliability: str) -> QoSProfile:
    """Return the QoS that a camera offers on all its topics."""
    return QoSProfile(depth=DEPTH, reliability=ReliabilityPolicy[reliability.upper()])


def pinhole_info(k: NDArray[np.float64], width: int, height: int, header: Header) -> CameraInfo:
    """Describe an ideal camera by its (3, 3) matrix: no distortion, so K and P agree."""
    return CameraInfo(
        header=header,
        height=height,
        width=width,
        distortion_model="plumb_bob",
        d=[0.0] * 5,
        k=k.ravel().tolist(),
        r=np.eye(3).ravel().tolist(),
        p=np.hstack([k, np.zeros((3, 1))]).ravel().tolist(),
    )
