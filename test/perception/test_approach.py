"""The pose in which a robot stands before an object."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from evf_sam_ros.perception.approach import approach
from evf_sam_ros.perception.boxes import Box

LEVEL = np.array([0.0, 0, 0, 1])
BIN = Box(np.array([3.0, 4.0, 0.5]), np.array([0.4, 0.2, 1.0]), LEVEL)


def test_the_robot_stands_off_on_the_camera_s_side_and_faces_the_object():
    made = approach(BIN, np.array([0.0, 0.0, 1.2]), 1.0)
    # 5 m away along (0.6, 0.8): it stands at 4 m.
    assert (made.x_m, made.y_m) == (pytest.approx(2.4), pytest.approx(3.2))
    assert made.yaw_rad == pytest.approx(np.arctan2(0.8, 0.6))


def test_a_given_direction_is_that_of_the_robot_wherever_the_camera_is():
    made = approach(BIN, np.array([9.0, 9.0, 1.2]), 1.0, yaw_rad=np.pi / 2)
    assert (made.x_m, made.y_m) == (pytest.approx(3.0), pytest.approx(3.0))
    assert made.yaw_rad == pytest.approx(np.pi / 2)


@pytest.mark.parametrize(("yaw_deg", "reach_m"), [(0, 0.2), (90, 0.1), (180, 0.2)])
def test_a_place_inside_the_object_is_refused_with_how_far_it_reaches(yaw_deg, reach_m):
    camera = np.zeros(3)
    approach(BIN, camera, reach_m + 0.01, np.deg2rad(yaw_deg))
    with pytest.raises(ValueError, match=f"inside the object: it reaches {reach_m:.2f} m"):
        approach(BIN, camera, reach_m - 0.01, np.deg2rad(yaw_deg))


def test_the_reach_is_that_of_the_box_as_it_is_turned():
    turned = Rotation.from_euler("z", 90, degrees=True).as_quat()
    box = Box(BIN.center_m, BIN.size_m, turned)
    with pytest.raises(ValueError, match=r"reaches 0\.10 m"):
        approach(box, np.zeros(3), 0.05, 0.0)


def test_straight_below_the_camera_no_side_is_nearer():
    above = np.array([3.0, 4.0, 2.0])
    with pytest.raises(ValueError, match="straight above the object"):
        approach(BIN, above, 1.0)
    assert approach(BIN, above, 1.0, 0.0).x_m == pytest.approx(2.0)
