"""An object's points as a JSON document for the page's 3-D view."""

import numpy as np
from sensor_msgs.msg import PointCloud2

from evf_sam_ros.ros.node.clouds import POINT
from evf_sam_ros.ros.web.describe import document

MAX_POINTS = 3000  # a canvas draws these at once


def points_document(message: PointCloud2) -> str:
    """Return at most `MAX_POINTS` evenly spaced points.

    The document's `xyz` has whole millimetres in the camera's optical frame, three numbers for
    each point, and its `rgb` three bytes for each.
    """
    points = np.frombuffer(message.data, POINT)
    points = points[:: max(1, -(-points.size // MAX_POINTS))]
    xyz = np.stack([points[axis] for axis in "xyz"], axis=1) * 1000.0
    good = np.isfinite(xyz).all(axis=1)
    colours = points["rgb"][good]
    rgb = np.stack([colours >> shift & 0xFF for shift in (16, 8, 0)], axis=1)
    return document(
        "points",
        xyz=np.rint(xyz[good]).astype(int).ravel().tolist(),
        rgb=rgb.ravel().tolist(),
        frame_id=message.header.frame_id[:200],
    )
