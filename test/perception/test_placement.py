"""An object's place in another frame."""

import numpy as np
import pytest

from evf_sam_ros.perception.boxes import Box
from evf_sam_ros.perception.geometry import Location
from evf_sam_ros.perception.placement import moved

LEVEL = np.array([0.0, 0, 0, 1])
# A camera one metre above the map's origin that looks along x: REP 103's optical frame.
MAP_FROM_CAMERA = np.array([[0.0, 0, 1, 0], [-1, 0, 0, 0], [0, -1, 0, 1], [0, 0, 0, 1]])


@pytest.fixture
def place():
    box = Box(np.array([0.1, 0.2, 2.1]), np.array([0.3, 0.2, 0.1]), LEVEL)
    return Location(np.array([0.1, 0.2, 2.0]), np.diag([1.0, 4.0, 9.0]), 0.5, box)


def test_positions_boxes_and_covariances_turn_together(place):
    there = moved(place, MAP_FROM_CAMERA)
    # 2 m ahead, 0.1 m to the right, 0.2 m below the camera.
    np.testing.assert_allclose(there.position_m, [2.0, -0.1, 0.8], atol=1e-12)
    np.testing.assert_allclose(there.box.center_m, [2.1, -0.1, 0.8], atol=1e-12)
    np.testing.assert_allclose(there.covariance_m2, np.diag([9.0, 1.0, 4.0]), atol=1e-12)
    # The quaternion of an optical frame, up to its sign.
    turned = there.box.orientation_xyzw
    np.testing.assert_allclose(turned * np.sign(turned[3]), [-0.5, 0.5, -0.5, 0.5], atol=1e-12)
    np.testing.assert_array_equal(there.box.size_m, place.box.size_m)


def test_what_the_depth_said_stays(place):
    there = moved(place, MAP_FROM_CAMERA)
    assert (there.depth_valid_ratio, there.status) == (place.depth_valid_ratio, place.status)
