"""The simulated film: its target moves, is hidden in the middle, and its truth fits its frames."""

import numpy as np
import pytest

from evf_sam_ros.sim.expressions import find_targets
from evf_sam_ros.sim.occlusion_clip import occlusion_clip
from evf_sam_ros.sim.scene import render_scene

SEED, SIZE = 900005, (160, 120)


@pytest.fixture(scope="module")
def film():
    clip = occlusion_clip(SEED, 9, *SIZE)
    return clip.expression, list(clip.frames)


def test_the_target_is_hidden_in_the_middle_and_only_there(film):
    areas = [np.count_nonzero(frame.target) for frame in film[1]]
    assert areas[4] == 0
    assert min(areas[0], areas[1], areas[-2], areas[-1]) > 0.8 * max(areas)


def test_the_target_moves(film):
    first, last = (np.argwhere(film[1][i].target).mean(0) for i in (0, -1))
    assert np.abs(first - last).max() > 3


def test_the_words_name_what_the_mask_shows(film):
    expression, frames = film
    scene = render_scene(SEED, *SIZE)
    [target] = find_targets(expression, scene.objects)
    where = np.argwhere(scene.mask([target])).mean(0)
    away = [np.linalg.norm(np.argwhere(f.target).mean(0) - where) for f in (frames[0], frames[-1])]
    assert max(away) < 0.15 * SIZE[0]


def test_a_film_is_a_function_of_its_seed(film):
    again = list(occlusion_clip(SEED, 9, *SIZE).frames)
    for one, other in zip(film[1], again, strict=True):
        np.testing.assert_array_equal(one.target, other.target)
        np.testing.assert_array_equal(one.rgb, other.rgb)


def test_the_scene_is_as_before_afterwards(film):
    before = render_scene(SEED, *SIZE)
    list(occlusion_clip(SEED, 2, *SIZE).frames)
    after = render_scene(SEED, *SIZE)
    np.testing.assert_array_equal(before.rgb, after.rgb)
    np.testing.assert_array_equal(before.instances, after.instances)
