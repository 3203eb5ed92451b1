"""The page's 3-D view gets an object's points as whole millimetres."""

import json

import numpy as np
import pytest

pytest.importorskip("sensor_msgs", reason="ROS is not installed")

from sensor_msgs.msg import PointCloud2

from evf_sam_ros.ros.node.clouds import FIELDS, POINT
from evf_sam_ros.ros.web.points import MAX_POINTS, points_document


def cloud(points):
    message = PointCloud2(height=1, width=len(points), fields=FIELDS, point_step=POINT.itemsize)
    message.header.frame_id = "camera"
    message.data = np.array(points, POINT).tobytes()
    return message


def test_points_are_millimetres_with_their_colour():
    shown = json.loads(points_document(cloud([(0.1, -0.2, 1.0, 0x102030), (0, 0, 2, 0xFF00FF)])))
    assert shown["xyz"] == [100, -200, 1000, 0, 0, 2000]
    assert shown["rgb"] == [0x10, 0x20, 0x30, 255, 0, 255]
    assert shown["frame_id"] == "camera"


def test_a_large_cloud_is_thinned_and_what_is_not_finite_left_out():
    points = [(i, 0, 1, 0) for i in range(10 * MAX_POINTS - 10)] + [(np.nan, 0, 1, 0)] * 10
    shown = json.loads(points_document(cloud(points)))
    assert len(shown["xyz"]) == 3 * (MAX_POINTS - 1)  # every tenth, but the last is not a number
    assert shown["xyz"][:6] == [0, 0, 1000, 10_000, 0, 1000]
    assert len(json.loads(points_document(cloud([])))["xyz"]) == 0
