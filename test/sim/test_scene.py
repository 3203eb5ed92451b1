"""Scenes: a function of their seed, and true to geometry a reader can check."""

import numpy as np
import pytest

from evf_sam_ros.sim.depth_noise import realistic_depth
from evf_sam_ros.sim.scene import render_scene

SEED = 900_123


@pytest.fixture(scope="module")
def scene():
    return render_scene(SEED)


def test_a_seed_shows_the_same_scene_whatever_was_drawn_before(scene):
    render_scene(7)
    again = render_scene(SEED)
    np.testing.assert_array_equal(again.rgb, scene.rgb)
    np.testing.assert_array_equal(again.instances, scene.instances)
    assert again.objects == scene.objects


def test_another_seed_shows_another_scene(scene):
    assert render_scene(SEED + 1).objects != scene.objects


def test_every_object_is_drawn_in_its_own_color(scene):
    for number, thing in enumerate(scene.objects):
        red, _, blue = scene.rgb[scene.mask([number])].mean(0)
        if thing.color in ("red", "orange", "yellow", "brown"):
            assert red > blue, thing
        if thing.color == "blue":
            assert blue > red, thing


def test_the_same_scene_is_seen_in_every_size(scene):
    small = render_scene(SEED, 320, 240)
    assert small.objects == scene.objects
    large = scene.instances[::2, ::2]
    assert np.mean(large == small.instances) > 0.98


def test_visible_pixels_are_counted_at_320x240():
    small = render_scene(SEED, 320, 240)
    counts = np.bincount(small.instances.ravel())[1:]
    assert [thing.pixels for thing in small.objects] == counts.tolist()


def test_the_table_lies_at_the_depth_where_its_rays_meet_the_plane_of_the_objects_feet(scene):
    """All table points, lifted to 3-D, lie in one plane within a millimetre."""
    rows, columns = np.nonzero(scene.instances == 0)
    rows, columns = rows[rows > 400], columns[rows > 400]  # near: table, not wall
    rays = np.linalg.solve(scene.camera_matrix, np.stack([columns, rows, np.ones(len(rows))]))
    points = (rays * scene.depth_m[rows, columns]).T
    spread = np.linalg.svd(points - points.mean(0), compute_uv=False)
    assert spread[-1] / np.sqrt(len(points)) < 1e-3


def test_the_centroid_of_a_surface_projects_into_the_box_of_its_mask(scene):
    for number in range(len(scene.objects)):
        x, y, w = scene.camera_matrix @ scene.surface_centroid([number])
        rows, columns = np.nonzero(scene.mask([number]))
        assert columns.min() <= x / w <= columns.max()
        assert rows.min() <= y / w <= rows.max()


@pytest.mark.parametrize(("seed", "width"), [(-1, 640), (1, 0), (1, 4000)])
def test_what_cannot_be_drawn_is_refused_with_its_value(seed, width):
    with pytest.raises(ValueError, match=str(seed if seed < 0 else width)):
        render_scene(seed, width)


def test_depth_noise_keeps_the_surface_and_leaves_holes(scene):
    noisy = realistic_depth(scene.depth_m, np.random.default_rng(0))
    read = noisy > 0
    assert 0.03 < 1 - read.mean() < 0.10
    error = noisy[read] - scene.depth_m[read]
    assert abs(np.median(error)) < 1e-3
    assert np.quantile(np.abs(error), 0.5) < 5e-3
