"""Household scenes: a function of their seed, with truth that geometry confirms."""

from dataclasses import replace

import numpy as np
import pytest

from evf_sam_ros.sim.expressions import KINDS, find_targets, sample_expressions
from evf_sam_ros.sim.household import household_scene
from evf_sam_ros.sim.household.household_scene import HouseholdObject, render_household
from evf_sam_ros.sim.household.placing import Placed, collide
from evf_sam_ros.sim.household.portraits import pictures_of
from evf_sam_ros.sim.household.support import is_in, is_on, is_under
from evf_sam_ros.sim.layout import camera_pose
from evf_sam_ros.sim.words import kind_from

SEED = 900_123


@pytest.fixture(scope="module")
def scenes():
    return [render_household(seed, 320, 240) for seed in range(SEED, SEED + 5)]


@pytest.fixture(scope="module")
def scene(scenes):
    return scenes[0]


def thing(name, color="red", **values):
    shape = name.rpartition(" ")[0]
    plain = {
        "radius": 0.04, "height": 0.1, "volume": 1e-3, "right": 0.0, "away": 1.0,
        "distance": 1.0, "u": 0.5, "v": 0.5, "pixels": 500, "visible": 1.0,
    }  # fmt: skip
    return HouseholdObject(shape=shape, color=color, name=name, **{**plain, **values})


def test_a_seed_shows_the_same_scene_whatever_was_drawn_before(scene):
    render_household(7, 320, 240)
    again = render_household(SEED, 320, 240)
    np.testing.assert_array_equal(again.rgb, scene.rgb)
    np.testing.assert_array_equal(again.instances, scene.instances)
    assert again.objects == scene.objects


def test_the_same_scene_is_seen_in_every_size(scene):
    large = render_household(SEED)
    assert large.objects == scene.objects
    assert np.mean(large.instances[::2, ::2] == scene.instances) > 0.98


def test_visible_pixels_are_counted_at_320x240(scenes):
    for each in scenes:
        counts = np.bincount(each.instances.ravel(), minlength=len(each.objects) + 1)[1:]
        assert [one.pixels for one in each.objects] == counts.tolist()
        assert counts.min() >= 60


def test_the_surface_that_a_mask_shows_lies_above_the_footprint_of_its_thing(scenes):
    """To the right along the ground; half a diagonal is at most the sum of the half sides."""
    for each in scenes:
        across = np.array([1.0, 0, 0]) - each.up * each.up[0]
        across /= np.linalg.norm(across)
        for number, one in enumerate(each.objects):
            place = each.surface_centroid([number]) @ across
            assert abs(place - one.right) < 2 * one.radius, one


def test_what_stands_on_another_thing_is_drawn_over_its_mask():
    stacked = [
        (scene, one)
        for scene in map(lambda seed: render_household(seed, 320, 240, "tray"), range(14))
        for one in scene.objects
        if one.on
    ]
    assert stacked
    for scene, one in stacked:
        below = [i for i, other in enumerate(scene.objects) if other.name == one.on]
        assert len(below) == 1
        assert is_on(one, scene.objects[below[0]])
        own = scene.mask([scene.objects.index(one)])
        assert abs(scene.objects[below[0]].u - one.u) < 0.25
        assert own.any()


@pytest.mark.parametrize(("seed", "width"), [(-1, 640), (1, 0), (1, 4000)])
def test_what_cannot_be_drawn_is_refused_with_its_value(seed, width):
    with pytest.raises(ValueError, match=str(seed if seed < 0 else width)):
        render_household(seed, width)


def test_an_unknown_kind_is_refused_with_its_name():
    with pytest.raises(ValueError, match="stapler"):
        render_household(1, wanted="stapler")


def test_pictures_of_a_kind_show_it_in_each():
    pictures = list(pictures_of("teapot", 2, width=320, height=240))
    assert len(pictures) == 2
    for picture in pictures:
        assert picture.rgb.shape == (240, 320, 3)
        assert picture.masks
        assert all(mask.sum() >= 60 for mask in picture.masks)


def test_rectangles_collide_when_they_come_closer_than_a_centimetre(scene):
    def placed(x, yaw=0.0):
        piece = None  # its shape does not matter
        return Placed(piece, "red", np.array([x, 0, 0.1]), np.array([0.1, 0.1, 0.2]), yaw)

    assert collide(placed(0), placed(0.109))
    assert not collide(placed(0), placed(0.111))
    assert collide(placed(0), placed(0.125, np.pi / 4))  # a corner comes to .125 - .0707
    assert not collide(placed(0), placed(0.14, np.pi / 4))


def test_on_in_and_under_hold_for_what_carries_and_for_nothing_else():
    book, mug = thing("book 0"), thing("mug 0", on="book 0")
    bowl, apple = thing("bowl 0"), thing("apple 0", inside="bowl 0")
    assert is_on(mug, book)
    assert is_under(book, mug)
    assert is_in(apple, bowl)
    for target, anchor in ((book, mug), (apple, bowl), (mug, bowl), (apple, book), (book, bowl)):
        assert not is_on(target, anchor)
    assert not is_in(mug, book)


def test_a_thing_is_told_by_what_it_stands_on():
    objects = [thing("book 0"), thing("mug 0", on="book 0"), thing("mug 1"), thing("tray 0")]
    said = sample_expressions(objects, np.random.default_rng(0), 40, {"resting": 1.0})
    by_text = {each.text.removeprefix("the "): each.targets for each in said}
    on_book = [text for text in by_text if text.startswith("mug on")]
    assert on_book
    assert all(by_text[text] == (1,) for text in on_book)


def test_nothing_is_beside_what_it_stands_on_and_stacked_things_are_not_compared_in_height():
    tray = thing("tray 0", radius=0.15, height=0.02, u=0.5)
    mug = thing("mug 0", on="tray 0", right=-0.1, u=0.4)
    jar = thing("jar 0", right=0.4, u=0.9, height=0.2)
    mix = {"relation": 1.0, "next to": 1.0, "wrong relation": 1.0}
    said = sample_expressions([tray, mug, jar], np.random.default_rng(0), 200, mix)
    beside = [
        each.text for each in said
        if each.text.removeprefix("the ").startswith("mug") and each.text.endswith("tray")
    ]  # fmt: skip
    assert beside
    assert all(" on " in text or " in" in text or " under" in text for text in beside)
    free = replace(mug, on="")
    for objects, expected in (([tray, mug, jar], set()), ([tray, free, jar], {(2,)})):
        tall = sample_expressions(objects, np.random.default_rng(0), 60, {"superlative": 1.0})
        assert {each.targets for each in tall if "tallest" in each.text} == expected


def test_a_hypernym_means_all_its_kinds_and_nobody_names_a_strange_thing():
    objects = [
        thing("apple 0"), thing("pear 0", "green"), thing("hammer 0"), thing("unnamed 0", "blue"),
    ]  # fmt: skip
    assert find_targets("the fruits", objects) == (0, 1)
    assert find_targets("the things", objects) == (0, 1, 2, 3)
    assert find_targets("the blue thing", objects) == (3,)
    assert find_targets("the tool", objects) == (2,)
    for name in KINDS:
        for said in sample_expressions(objects, np.random.default_rng(1), 10, {name: 1.0}):
            assert "unnamed" not in said.text


def test_a_name_of_several_words_is_read_with_its_colour():
    lexicon = HouseholdObject.lexicon
    kind, plural = kind_from(["red", "loaves", "of", "bread"], lexicon)
    assert (kind.color, kind.shape, plural) == ("red", "bread", True)
    assert kind_from(["grapes"], lexicon)[1] is False
    assert kind_from(["loaves", "of", "grapes"], lexicon) is None


def test_pictures_are_taken_from_near_and_far_from_low_and_from_above(monkeypatch):
    seen = []

    def note(world, rng, view):
        seen.append(view)
        return camera_pose(world, rng, view)

    monkeypatch.setattr(household_scene, "camera_pose", note)
    for seed in range(60):
        world = household_scene._world(SEED // household_scene.SCENES_PER_WORLD, None)
        household_scene._arrange(world, seed, None)
        if set(seen) == set(household_scene.VIEWS):
            break
    assert set(seen) == set(household_scene.VIEWS)
    assert max(view.distance[1] for view in seen) == 1.8
    assert min(view.elevation[0] for view in seen) < 10 < 80 < max(v.elevation[1] for v in seen)
