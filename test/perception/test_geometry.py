"""From mask and depth to a place, against values a reader can check by hand."""

import cv2
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from evf_sam_ros.perception.boxes import camera_box, evenly, quaternion_xyzw, upright_box
from evf_sam_ros.perception.camera_model import Intrinsics, transform
from evf_sam_ros.perception.geometry import (
    DepthStatus,
    Location,
    NoLocation,
    Roi,
    deproject,
    locate,
    main_body,
    outline,
    split_instances,
)

CAMERA = Intrinsics(fx=2.0, fy=2.0, cx=1.0, cy=1.0)
WEBCAM = Intrinsics(fx=500.0, fy=500.0, cx=50.0, cy=40.0)


def mask_of(shape, rows, columns):
    mask = np.zeros(shape, bool)
    mask[rows, columns] = True
    return mask


def tile_at_one_metre():
    """A mask of 20 x 20 pixels around the optical axis, a surface at 1 m, a wall at 3 m."""
    mask = mask_of((81, 101), slice(31, 50), slice(41, 60))
    depth_m = np.where(mask, 1.0, 3.0)
    return mask, depth_m


def rotation_matrix(x, y, z, w):
    """Textbook formula, independent of the code under test."""
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


class TestDeproject:
    def test_principal_point_lies_on_the_optical_axis(self):
        points = deproject(np.full((3, 3), 4.0), mask_of((3, 3), 1, 1), CAMERA)
        np.testing.assert_array_equal(points, [[0, 0, 4]])

    def test_one_pixel_right_is_depth_over_fx_metres_right(self):
        points = deproject(np.full((3, 3), 4.0), mask_of((3, 3), 1, 2), CAMERA)
        np.testing.assert_array_equal(points, [[2, 0, 4]])

    def test_one_pixel_down_is_depth_over_fy_metres_down(self):
        points = deproject(np.full((3, 3), 4.0), mask_of((3, 3), 2, 1), CAMERA)
        np.testing.assert_array_equal(points, [[0, 2, 4]])

    @pytest.mark.parametrize("size", [(480, 640), (3, 3)])
    def test_points_of_a_lens_with_distortion_are_seen_where_they_were(self, size):
        factors = (-0.3, 0.12, 0.001, -0.002, -0.02)
        lens = Intrinsics(fx=400.0, fy=410.0, cx=320.0, cy=240.0, distortion=factors)
        mask = np.zeros(size, bool)
        mask[::17, ::13] = True
        points = deproject(np.full(size, 2.0), mask, lens)
        matrix = np.array([[400.0, 0, 320], [0, 410.0, 240], [0, 0, 1]])
        seen, _ = cv2.projectPoints(points, np.zeros(3), np.zeros(3), matrix, np.array(factors))
        np.testing.assert_allclose(seen[:, 0], np.argwhere(mask)[:, ::-1], atol=0.05)

    def test_points_of_a_fisheye_lens_are_seen_where_they_were(self):
        factors = (0.1, -0.02, 0.003, 0.0)
        lens = Intrinsics(300.0, 300.0, 320.0, 240.0, distortion=factors, fisheye=True)
        mask = np.zeros((480, 640), bool)
        mask[20:460:40, 20:620:40] = True
        points = deproject(np.full(mask.shape, 2.0), mask, lens)
        matrix = np.array([[300.0, 0, 320], [0, 300.0, 240], [0, 0, 1]])
        seen, _ = cv2.fisheye.projectPoints(
            points[:, None], np.zeros(3), np.zeros(3), matrix, np.array(factors)
        )
        np.testing.assert_allclose(seen[:, 0], np.argwhere(mask)[:, ::-1], atol=0.05)

    @pytest.mark.parametrize("missing", [0.0, -1.0, np.nan, np.inf, -np.inf])
    def test_pixels_without_a_reading_give_no_point(self, missing):
        depth_m = np.full((2, 2), missing)
        assert deproject(depth_m, np.ones((2, 2), bool), CAMERA).shape == (0, 3)

    def test_a_mask_of_another_size_is_refused(self):
        with pytest.raises(ValueError, match=r"\(2, 2\).*\(3, 3\)"):
            deproject(np.ones((2, 2)), np.ones((3, 3), bool), CAMERA)

    def test_transform_rotates_then_translates(self):
        quarter_turn = np.array([[0.0, -1, 0, 5], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
        np.testing.assert_array_equal(
            transform(quarter_turn, np.array([[1.0, 0, 0]])), [[5, 1, 0]]
        )


class TestIntrinsics:
    def test_a_camera_matrix_and_a_projection_matrix_give_the_same_camera(self):
        camera_matrix = np.array([[5.0, 0, 3], [0, 6, 2], [0, 0, 1]])
        projection = np.hstack([camera_matrix, np.zeros((3, 1))])
        expected = Intrinsics(fx=5.0, fy=6.0, cx=3.0, cy=2.0)
        assert Intrinsics.from_matrix(camera_matrix) == expected
        assert Intrinsics.from_matrix(projection) == expected

    def test_an_uncalibrated_camera_is_refused(self):
        with pytest.raises(ValueError, match="focal lengths must be positive"):
            Intrinsics.from_matrix(np.zeros((3, 3)))


class TestOutline:
    def test_a_rectangle_is_measured_exactly(self):
        measured = outline(mask_of((10, 12), slice(2, 7), slice(3, 10)))
        assert measured.area_px == 35
        assert measured.roi == Roi(x=3, y=2, width=7, height=5)
        assert measured.centroid_uv == (6.0, 4.0)
        assert measured.anchor_uv[1] == 4

    def test_the_anchor_of_a_ring_lies_on_the_ring_though_the_centroid_does_not(self):
        mask = mask_of((21, 21), slice(2, 19), slice(2, 19))
        mask[6:15, 6:15] = False
        measured = outline(mask)
        assert measured.centroid_uv == (10.0, 10.0)
        assert not mask[10, 10]
        u, v = measured.anchor_uv
        assert mask[v, u]

    def test_a_mask_that_fills_the_image_has_its_anchor_in_the_middle(self):
        assert outline(np.ones((9, 9), bool)).anchor_uv == (4, 4)

    @pytest.mark.parametrize(
        ("rows", "columns", "cut_off"),
        [
            (slice(0, 4), slice(3, 8), True), (slice(6, 10), slice(3, 8), True),
            (slice(2, 5), slice(0, 4), True), (slice(2, 5), slice(9, 12), True),
            (slice(0, 10), slice(0, 12), True), (slice(1, 9), slice(1, 11), False),
            (slice(4, 5), slice(4, 5), False),
        ],
    )  # fmt: skip
    def test_a_mask_at_any_border_of_the_image_is_cut_off(self, rows, columns, cut_off):
        assert outline(mask_of((10, 12), rows, columns)).cut_off is cut_off

    def test_an_empty_mask_is_refused(self):
        with pytest.raises(ValueError, match="empty"):
            outline(np.zeros((3, 3), bool))

    @given(st.integers(0, 2**32 - 1), st.floats(0.05, 0.95))
    @settings(max_examples=60, deadline=None)
    def test_the_anchor_is_always_inside_mask_and_roi(self, seed, density):
        mask = np.random.default_rng(seed).random((12, 17)) < density
        mask[5, 5] = True
        measured = outline(mask)
        u, v = measured.anchor_uv
        roi = measured.roi
        assert mask[v, u]
        assert mask[roi.y : roi.y + roi.height, roi.x : roi.x + roi.width].sum() == mask.sum()
        assert measured.area_px == mask.sum()


class TestSplitInstances:
    def test_parts_come_apart_largest_first_and_specks_are_left_out(self):
        mask = mask_of((20, 20), slice(1, 4), slice(1, 4))
        mask[8:16, 8:16] = True
        mask[0, 19] = True
        parts = split_instances(mask, min_area_px=4)
        assert [int(part.sum()) for part in parts] == [64, 9]

    def test_an_empty_mask_has_no_parts(self):
        assert split_instances(np.zeros((4, 4), bool)) == []


class TestMainBody:
    """An object of 20 x 40 pixels at 1 m, a table at 1.2 m."""

    def scene(self):
        mask = mask_of((80, 100), slice(30, 50), slice(20, 60))
        return mask, np.where(mask, 1.0, 1.2)

    def test_a_stray_blob_on_the_table_is_left_out(self):
        mask, depth_m = self.scene()
        stray = mask | mask_of(mask.shape, slice(60, 70), slice(70, 90))
        np.testing.assert_array_equal(main_body(stray, depth_m), mask)

    def test_a_stray_blob_on_another_object_at_the_same_depth_is_left_out(self):
        mask, depth_m = self.scene()
        depth_m[30:50, 70:90] = 1.0
        stray = mask | mask_of(mask.shape, slice(30, 50), slice(70, 90))
        np.testing.assert_array_equal(main_body(stray, depth_m), mask)

    def test_what_something_nearer_cuts_in_two_stays_together(self):
        mask, depth_m = self.scene()
        mask[:, 42:46] = False
        depth_m[:, 42:46] = 0.8
        np.testing.assert_array_equal(main_body(mask, depth_m), mask)

    def test_a_speck_beside_a_nearer_thing_is_left_out(self):
        mask, depth_m = self.scene()
        depth_m[:, 60:64] = 0.8
        specked = mask | mask_of(mask.shape, slice(40, 43), slice(64, 67))
        np.testing.assert_array_equal(main_body(specked, depth_m), mask)

    @pytest.mark.parametrize("hole", [0.0, np.nan, np.inf])
    def test_without_a_reading_between_them_nothing_says_that_parts_belong_together(self, hole):
        mask, depth_m = self.scene()
        mask[:, 46:48] = False
        depth_m[:, 46:48] = hole
        assert main_body(mask, depth_m).sum() == 20 * 26

    def test_an_empty_mask_stays_empty(self):
        assert not main_body(np.zeros((4, 4), bool), np.ones((4, 4))).any()

    def test_a_place_is_that_of_the_largest_part(self):
        mask, depth_m = tile_at_one_metre()
        mask[2:10, 2:30] = True
        found = locate(mask, depth_m, WEBCAM)
        np.testing.assert_allclose(found.position_m, [0, 0, 1], atol=1e-12)
        assert found.status is DepthStatus.OK


class TestUprightBox:
    """A block of 0.30 x 0.10 x 0.20 m, turned by 0.4 rad, on a table 0.5 m below the camera."""

    UP = np.array([0.0, -1.0, 0.0])
    TURNED = np.array([[np.cos(0.4), 0, np.sin(0.4)], [0, 1, 0], [-np.sin(0.4), 0, np.cos(0.4)]])

    def block(self):
        axis = np.linspace(-0.5, 0.5, 31)
        cube = np.stack(np.meshgrid(axis, axis, axis), -1).reshape(-1, 3)
        return (cube * [0.30, 0.20, 0.10]) @ self.TURNED.T + [0.1, 0.4, 1.0]

    def test_a_turned_block_gets_its_size_and_axes_back(self):
        box = upright_box(self.block(), self.UP)
        np.testing.assert_allclose(box.size_m, [0.30, 0.10, 0.20], atol=0.01)
        np.testing.assert_allclose(box.center_m, [0.1, 0.4, 1.0], atol=0.005)
        axes = rotation_matrix(*box.orientation_xyzw)
        np.testing.assert_allclose(axes[:, 2], self.UP, atol=1e-9)
        assert abs(axes[:, 0] @ self.TURNED[:, 0]) > 0.9995

    def test_points_of_the_table_neither_turn_nor_widen_the_box(self):
        rng = np.random.default_rng(0)
        table = rng.uniform([0.1, 0.5, 0.7], [0.5, 0.5, 1.3], (9000, 3))
        points = np.concatenate([self.block(), table])
        box = upright_box(points, self.UP, support_m=-0.5, sigma_m=0.003)
        np.testing.assert_allclose(box.size_m, [0.30, 0.10, 0.20], atol=0.01)

    def test_the_box_reaches_down_to_what_the_object_stands_on(self):
        points = self.block()
        upper = points[points[:, 1] < 0.42]
        box = upright_box(upper, self.UP, support_m=-0.5)
        assert box.size_m[2] == pytest.approx(0.20, abs=0.005)

    def test_what_lies_flat_keeps_its_points(self):
        rng = np.random.default_rng(0)
        sheet = rng.uniform([-0.1, 0.499, 0.8], [0.1, 0.5, 0.9], (2000, 3))
        box = upright_box(sheet, self.UP, support_m=-0.5, sigma_m=0.003)
        np.testing.assert_allclose(box.size_m[:2], [0.20, 0.10], atol=0.006)

    @pytest.mark.parametrize("up", [[0.0, 0, 0], [np.nan, 0, 1]])
    def test_no_direction_is_refused(self, up):
        with pytest.raises(ValueError, match="need a direction"):
            upright_box(self.block(), np.array(up))


class TestLocate:
    def test_a_flat_tile_is_found_at_its_middle(self):
        mask, depth_m = tile_at_one_metre()
        found = locate(mask, depth_m, WEBCAM)
        np.testing.assert_allclose(found.position_m, [0, 0, 1], atol=1e-12)
        assert found.depth_valid_ratio == 1.0

    def test_a_mask_leaking_onto_the_wall_does_not_move_the_point(self):
        mask, depth_m = tile_at_one_metre()
        mask[31:50, 60:66] = True
        found = locate(mask, depth_m, WEBCAM)
        # Without the leak's rim on that side one more column of the tile counts: half a pixel.
        np.testing.assert_allclose(found.position_m, [0, 0, 1], atol=0.6 / 500)

    def test_a_rim_of_flying_pixels_does_not_move_the_point(self):
        mask, depth_m = tile_at_one_metre()
        rim = mask & ~mask_of(mask.shape, slice(32, 49), slice(42, 59))
        depth_m[rim] = 1.05
        found = locate(mask, depth_m, WEBCAM)
        np.testing.assert_allclose(found.position_m, [0, 0, 1], atol=1e-12)

    @pytest.mark.parametrize("hole", [0.0, np.nan, np.inf, -np.inf, 0.05, 50.0])
    def test_holes_and_impossible_readings_are_left_out(self, hole):
        mask, depth_m = tile_at_one_metre()
        depth_m[40, :] = hole
        found = locate(mask, depth_m, WEBCAM)
        np.testing.assert_allclose(found.position_m, [0, 0, 1], atol=1e-12)
        assert found.depth_valid_ratio == pytest.approx(18 / 19)

    def test_an_object_too_small_to_lose_its_rim_keeps_it(self):
        mask = mask_of((81, 101), slice(39, 42), slice(49, 52))
        found = locate(mask, np.ones(mask.shape), WEBCAM)
        np.testing.assert_allclose(found.position_m, [0, 0, 1], atol=1e-12)

    def test_the_border_of_the_image_is_no_rim(self):
        mask = mask_of((81, 101), slice(0, 81), slice(0, 101))
        found = locate(mask, np.ones(mask.shape), WEBCAM)
        np.testing.assert_allclose(found.position_m, [0, 0, 1], atol=1e-12)

    def test_too_few_readings_give_the_numbers_instead_of_a_place(self):
        mask, depth_m = tile_at_one_metre()
        depth_m[:] = np.nan
        depth_m[40, 41:45] = 1.0
        missing = locate(mask, depth_m, WEBCAM)
        assert isinstance(missing, NoLocation)
        assert "only 4 of the object's 361 pixels" in missing.reason
        assert missing.depth_valid_ratio == pytest.approx(4 / 361)

    def test_an_empty_mask_has_no_place(self):
        nowhere = locate(np.zeros((4, 4), bool), np.ones((4, 4)), CAMERA)
        assert nowhere == NoLocation("the mask is empty", 0.0)
        assert nowhere.status is DepthStatus.TOO_SPARSE

    def test_a_depth_image_of_another_size_is_refused(self):
        with pytest.raises(ValueError, match=r"\(4, 4\).*\(3, 3\)"):
            locate(np.ones((3, 3), bool), np.ones((4, 4)), CAMERA)

    def test_float32_depth_of_a_camera_is_taken_as_it_is(self):
        mask, depth_m = tile_at_one_metre()
        found = locate(mask, depth_m.astype(np.float32), WEBCAM)
        np.testing.assert_allclose(found.position_m, [0, 0, 1], atol=1e-6)

    def test_the_covariance_of_a_flat_tile_is_one_pixel_and_the_sensors_error(self):
        mask, depth_m = tile_at_one_metre()
        found = locate(mask, depth_m, WEBCAM)
        # One pixel is 1/500 m; stereo at 1 m errs by 1 + 2.5 mm; the mean of 289 points adds
        # a 289th of the variance of 17 columns of 2 mm.
        scatter = 0.002**2 * (17**2 - 1) / 12 / 288
        expected = np.diag([0.002**2 + scatter, 0.002**2 + scatter, 0.0035**2])
        np.testing.assert_allclose(found.covariance_m2, expected, atol=1e-12)

    @given(st.integers(0, 2**32 - 1))
    @settings(max_examples=60, deadline=None)
    def test_whatever_the_depth_image_holds_the_answer_is_finite(self, seed):
        rng = np.random.default_rng(seed)
        depth_m = rng.choice([0.0, np.nan, np.inf, -np.inf, -1.0, 0.5, 1.0, 9.0], (12, 15))
        found = locate(rng.random((12, 15)) < 0.5, depth_m, WEBCAM)
        if isinstance(found, Location):
            assert np.isfinite(found.position_m).all()
            assert 0.1 <= found.position_m[2] <= 10
            assert np.linalg.eigvalsh(found.covariance_m2).min() > 0
            assert np.isfinite(found.box.size_m).all()


class TestBoxWithoutGravity:
    def test_it_has_the_sides_and_the_axes_of_the_camera(self):
        axis = np.linspace(-0.5, 0.5, 21)
        unit_cube = np.stack(np.meshgrid(axis, axis, axis), -1).reshape(-1, 3)
        box = camera_box(unit_cube * [0.1, 0.4, 0.2] + [1.0, 2.0, 3.0])
        np.testing.assert_allclose(box.center_m, [1, 2, 3], atol=1e-9)
        np.testing.assert_allclose(box.size_m, [0.1, 0.4, 0.2], atol=0.02)
        np.testing.assert_allclose(box.orientation_xyzw, [0, 0, 0, 1], atol=1e-12)
        assert not box.upright

    @pytest.mark.parametrize("tilt", [0.0, 0.4, 1.2])
    def test_a_tilted_camera_gets_an_upright_box_only_where_it_is_told_of_gravity(self, tilt):
        """A board of 0.3 x 0.2 m that stands 1 m away, seen by a camera that is turned down."""
        x, y = np.meshgrid(np.linspace(-0.15, 0.15, 31), np.linspace(-0.1, 0.1, 21))
        board = np.stack([x, y, np.full_like(x, 0.0)], -1).reshape(-1, 3)
        camera_from_level = rotation_matrix(np.sin(tilt / 2), 0.0, 0.0, np.cos(tilt / 2))
        points = board @ camera_from_level.T + [0.0, 0.0, 1.0]
        upright = upright_box(points, camera_from_level @ [0.0, -1.0, 0.0])
        np.testing.assert_allclose(upright.size_m[[0, 2]], [0.3, 0.2], atol=0.01)
        assert upright.upright
        box = camera_box(points)
        assert not box.upright
        sides = [0.3, 0.2 * np.cos(tilt), 0.2 * np.sin(tilt)]
        np.testing.assert_allclose(box.size_m, sides, atol=0.012)

    def test_one_point_far_off_does_not_blow_the_box_up(self):
        points = np.random.default_rng(0).uniform(-0.05, 0.05, (1000, 3))
        points[0] = [0.3, 0.3, 0.3]
        assert camera_box(points).size_m.max() < 0.16

    @given(st.lists(st.floats(-1, 1), min_size=4, max_size=4))
    @example([0.0, 0.0, 1.0, 1e-6])  # nearly half a turn
    @example([0.0, 0.0, 0.0, 1.0])
    def test_a_quaternion_survives_the_way_through_a_matrix(self, numbers):
        quaternion = np.array(numbers)
        if np.linalg.norm(quaternion) < 1e-3:
            return
        rotation = rotation_matrix(*(quaternion / np.linalg.norm(quaternion)))
        there_and_back = quaternion_xyzw(rotation)
        assert np.linalg.norm(there_and_back) == pytest.approx(1)
        np.testing.assert_allclose(rotation_matrix(*there_and_back), rotation, atol=1e-9)


class TestEvenly:
    @pytest.mark.parametrize("width", [99, 100, 128, 250])
    def test_a_part_of_an_images_pixels_has_their_mean_whatever_its_width(self, width):
        # Every n-th of rows of a multiple of n would be a few columns, half a step off the middle.
        pixels = np.arange(width * 400)
        rows, columns = np.divmod(evenly(pixels, 2000), width)
        assert abs(columns.mean() - (width - 1) / 2) < 0.01 * width
        assert abs(rows.mean() - 399 / 2) < 0.01 * 400
        assert len(np.unique(columns)) > 0.95 * width

    def test_a_few_stay_as_they_are(self):
        points = np.arange(12.0).reshape(4, 3)
        assert evenly(points, 4) is points


@pytest.mark.parametrize("fisheye", [False, True])
def test_a_distortion_that_no_ray_leads_through_is_a_reason_and_no_error(fisheye):
    factors = (1e30, 1e30, 0.0, 0.0) if fisheye else (1e30, 1e30, 0.0, 0.0, 1e30)
    lens = Intrinsics(300.0, 300.0, 160.0, 120.0, factors, fisheye=fisheye)
    mask = np.zeros((240, 320), bool)
    mask[20:60, 20:60] = True
    found = locate(mask, np.ones((240, 320)), lens)
    assert isinstance(found, NoLocation)
    assert found.status is DepthStatus.NONE
    assert "distortion" in found.reason
