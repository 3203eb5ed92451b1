"""Depth of another size, another camera or another place, brought to the pixels of an image."""

import numpy as np
import pytest

from evf_sam_ros.perception.camera_model import Intrinsics, project
from evf_sam_ros.perception.geometry import deproject
from evf_sam_ros.perception.registration import (
    Registration,
    View,
    not_registered,
    register,
    rigid_transform,
)

COLOUR = Intrinsics(fx=400.0, fy=400.0, cx=159.5, cy=119.5)
HALF = Intrinsics(fx=200.0, fy=200.0, cx=79.5, cy=59.5)  # the same view in half the pixels
TOLD = Registration()


def image(camera=COLOUR, size=(320, 240), frame="camera"):
    return View(size, frame, camera)


def plane(size, camera, distance_m, slope=0.3):
    """Return depth of the plane z = distance + slope * x, as a camera at the origin sees it."""
    columns = (np.arange(size[0]) - camera.cx) / camera.fx
    return np.tile(distance_m / (1 - slope * columns), (size[1], 1)).astype(np.float32)


def test_depth_of_the_image_s_size_and_frame_is_taken_as_it_is():
    depth_m = plane((320, 240), COLOUR, 2.0)
    view = View((320, 240), "camera")
    assert not_registered(view, image(), TOLD) == ""
    np.testing.assert_array_equal(register(depth_m, view, image(), TOLD).depth_m, depth_m)


@pytest.mark.parametrize(
    ("view", "sentence"),
    [
        (View((160, 120), "camera"), "160x120, the image 320x240"),
        (View((320, 240), "depth"), "'depth', the image in 'camera'"),
        (View((320, 240), "depth", COLOUR), "'depth', the image in 'camera'"),
    ],
)
def test_depth_that_nobody_has_placed_is_refused(view, sentence):
    assert sentence in not_registered(view, image(), TOLD)


def test_a_frame_id_that_is_empty_says_nothing():
    assert not_registered(View((320, 240), ""), image(), TOLD) == ""


def test_a_user_s_word_that_depth_is_registered_counts_more_than_its_frame_id():
    depth_m = plane((320, 240), COLOUR, 2.0)
    view, told = View((320, 240), "depth"), Registration(is_registered=True)
    assert not_registered(view, image(), told) == ""
    np.testing.assert_array_equal(register(depth_m, view, image(), told).depth_m, depth_m)
    assert "160x120" in not_registered(View((160, 120), "depth"), image(), told)


def test_the_same_view_in_half_the_pixels_is_scaled():
    depth_m = np.arange(160 * 120, dtype=np.float32).reshape(120, 160) + 1
    view = View((160, 120), "camera", HALF)
    assert not_registered(view, image(), TOLD) == ""
    found = register(depth_m, view, image(), TOLD)
    np.testing.assert_array_equal(found.depth_m, depth_m.repeat(2, axis=0).repeat(2, axis=1))
    assert found.camera == COLOUR


def test_a_scaled_plane_is_where_it_was():
    view = View((160, 120), "camera", HALF)
    found = register(plane((160, 120), HALF, 2.0), view, image(), TOLD)
    truth_m = plane((320, 240), COLOUR, 2.0)
    # Half a pixel of the coarse image is 1/400 of the depth to the side; the slope makes z of it.
    assert np.abs(found.depth_m - truth_m).max() < 0.3 * truth_m.max() ** 2 / 2.0 / 400 * 1.01


@pytest.mark.parametrize("frames", [("camera", "camera"), ("depth", "camera")])
def test_a_wider_camera_at_the_same_place_is_registered_by_its_own_camera_info(frames):
    wide = Intrinsics(fx=180.0, fy=180.0, cx=170.0, cy=110.0)
    wish = TOLD if frames[0] == frames[1] else Registration(image_from_depth=np.eye(4))
    view = View((320, 240), frames[0], wide)
    assert not_registered(view, image(), wish) == ""
    found = register(plane((320, 240), wide, 2.0), view, image(), wish)
    seen = np.isfinite(found.depth_m)
    assert seen[2:-2, 2:-2].mean() > 0.99
    truth_m = plane((320, 240), COLOUR, 2.0)
    # A pixel of the wide camera covers 2.2 of the image; what it tells is off by 1.6 at most.
    assert np.abs(found.depth_m - truth_m)[seen].max() < 0.3 * truth_m.max() ** 2 / 2.0 * 1.7 / 400


def test_a_camera_ten_centimetres_to_the_left_sees_the_object_elsewhere():
    # A square of 20 x 20 pixels at 1 m before a wall at 2 m, in the depth camera.
    depth_m = np.full((240, 320), 2.0, np.float32)
    depth_m[110:130, 150:170] = 1.0
    image_from_depth = np.eye(4)
    image_from_depth[0, 3] = -0.1  # the depth camera stands at x = -0.1 of the image's
    wish, view = Registration(image_from_depth=image_from_depth), View((320, 240), "d", COLOUR)
    assert not_registered(view, image(), wish) == ""
    found = register(depth_m, view, image(), wish).depth_m
    # 0.1 m at 1 m are 40 pixels, at 2 m 20.
    near = found == 1.0
    assert near[110:130, 110:130].all()
    assert np.count_nonzero(near) == 400
    assert np.isnan(found[:, 305:]).all()  # the depth camera does not see so far to the right
    assert np.isnan(found[115:125, 132:145]).all()  # nor what the square hides from it


def test_projecting_is_the_way_back_of_lifting_with_a_distorted_lens():
    for lens in (
        Intrinsics(400.0, 410.0, 160.0, 120.0, (-0.3, 0.1, 0.001, -0.002, 0.01)),
        Intrinsics(200.0, 210.0, 160.0, 120.0, (0.05, -0.01, 0.002, 0.001), fisheye=True),
    ):
        depth_m = plane((320, 240), lens, 1.5)
        points = deproject(depth_m, np.ones((240, 320), bool), lens)
        rows, columns = np.indices((240, 320))
        np.testing.assert_allclose(
            project(points, lens), np.column_stack([columns.ravel(), rows.ravel()]), atol=0.1
        )


def test_a_place_is_three_metres_and_a_quaternion():
    turned = rigid_transform([1.0, 2.0, 3.0, 0.0, 0.0, 0.5**0.5, 0.5**0.5])
    # A quarter of a turn about z takes x to y.
    np.testing.assert_allclose(turned @ [1, 0, 0, 1], [1, 3, 3, 1], atol=1e-12)
    assert rigid_transform([0.0] * 7) is None


@pytest.mark.parametrize(
    ("numbers", "sentence"),
    [
        ([0.0] * 6, "need x, y, z"),
        ([1.0, 0, 0, 0, 0, 0, 0], "length 0"),
        ([float("nan"), 0, 0, 0, 0, 0, 1], "need x, y, z"),
    ],
)
def test_what_is_no_place_is_refused(numbers, sentence):
    with pytest.raises(ValueError, match=sentence):
        rigid_transform(numbers)
