"""Image messages without ROS; encodings are tested with real messages in test/ros."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from evf_sam_ros.perception.camera_model import Intrinsics
from evf_sam_ros.perception.image_messages import (
    depth_from_compressed,
    intrinsics_from_info,
    rgb_from_image,
)


def info(**changes):
    values = {
        "width": 640,
        "height": 480,
        "k": [600.0, 0, 320, 0, 500, 240, 0, 0, 1],
        "p": [300.0, 0, 300, 0, 0, 250, 200, 0, 0, 0, 1, 0],
        "d": [0.1, -0.2, 0.001, 0.002, 0.3],
        "distortion_model": "plumb_bob",
        "binning_x": 0,
        "binning_y": 0,
        "roi": SimpleNamespace(x_offset=0, y_offset=0, width=0, height=0),
    }
    return SimpleNamespace(**{**values, **changes})


def compressed(data, name="16UC1; compressedDepth png"):
    return SimpleNamespace(format=name, data=data)


def test_a_raw_image_has_the_lens_and_a_rectified_one_has_not():
    raw = intrinsics_from_info(info(), 640, 480, rectified=False)
    assert raw == Intrinsics(600, 500, 320, 240, (0.1, -0.2, 0.001, 0.002, 0.3))
    rectified = intrinsics_from_info(info(), 640, 480, rectified=True)
    assert rectified == Intrinsics(300, 250, 300, 200)


def test_region_of_interest_and_binning_leave_the_lens_as_it_is():
    region = SimpleNamespace(x_offset=100, y_offset=40, width=320, height=240)
    camera = intrinsics_from_info(
        info(roi=region, binning_x=2, binning_y=2), 160, 120, rectified=False
    )
    assert camera == Intrinsics(300, 250, 110, 100, (0.1, -0.2, 0.001, 0.002, 0.3))


def test_a_fisheye_lens_is_recognised_by_its_models_name():
    camera = intrinsics_from_info(
        info(distortion_model="equidistant", d=[0.1, 0.2, 0.3, 0.4]), 640, 480, rectified=False
    )
    assert camera.fisheye
    assert camera.distortion == (0.1, 0.2, 0.3, 0.4)


def test_an_unknown_lens_is_refused_where_it_matters():
    odd = info(distortion_model="inverse_brown_conrady")
    with pytest.raises(ValueError, match=r"inverse_brown_conrady.*need plumb_bob"):
        intrinsics_from_info(odd, 640, 480, rectified=False)
    assert intrinsics_from_info(odd, 640, 480, rectified=True).distortion == ()
    odd.d = [0.0] * 5
    assert intrinsics_from_info(odd, 640, 480, rectified=False).distortion == ()


def test_compressed_depth_is_read_in_metres_with_its_holes():
    millimetres = np.array([[1000, 0], [250, 65535]], np.uint16)
    png = cv2.imencode(".png", millimetres)[1].tobytes()
    expected = np.array([[1, np.nan], [0.25, np.nan]], np.float32)
    np.testing.assert_allclose(depth_from_compressed(compressed(bytes(12) + png)), expected)
    np.testing.assert_allclose(depth_from_compressed(compressed(png, "16UC1; png")), expected)


@pytest.mark.parametrize(
    "message",
    [
        compressed(b""),
        compressed(bytes(12) + b"no image"),
        compressed(bytes(12) + cv2.imencode(".png", np.zeros((2, 2), np.uint8))[1].tobytes()),
        compressed(b"", "32FC1; compressedDepth png"),
    ],
)
def test_what_is_no_compressed_depth_is_refused(message):
    with pytest.raises(ValueError, match="need"):
        depth_from_compressed(message)


def test_an_unknown_encoding_is_refused_with_those_accepted():
    message = SimpleNamespace(
        height=1, width=1, encoding="hsv8", is_bigendian=False, step=3, data=b"abc"
    )
    with pytest.raises(ValueError, match=r"'hsv8', need one of rgb8, bgr8"):
        rgb_from_image(message)


@pytest.mark.parametrize("focal", [1e300, 1e-6])
def test_a_focal_length_that_no_lens_has_is_refused(focal):
    odd = info(k=[focal, 0.0, 320.0, 0.0, focal, 240.0, 0.0, 0.0, 1.0])
    with pytest.raises(ValueError, match="no lens has a focal length"):
        intrinsics_from_info(odd, 640, 480, rectified=False)
