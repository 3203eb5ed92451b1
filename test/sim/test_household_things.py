"""Household things: surfaces of known volume, and kinds of sizes that they have in a home."""

import math

import numpy as np
import pytest

from evf_sam_ros.sim.household.household_words import HOUSEHOLD
from evf_sam_ros.sim.household.household_world import usual_kinds
from evf_sam_ros.sim.household.kinds import GROUPS, SORTS, specimen
from evf_sam_ros.sim.household.prints import label_png, pattern_png
from evf_sam_ros.sim.household.strange import strange_thing
from evf_sam_ros.sim.household.surfaces import (
    arc,
    band,
    box,
    closed_sheet,
    cylinder,
    ellipsoid,
    panel,
    prism,
    rounded,
    sweep,
)
from evf_sam_ros.sim.household.things import Part, thing
from evf_sam_ros.sim.palette import COLORS
from evf_sam_ros.sim.words import plural_of


def volume(surface):
    """Of a closed surface by the divergence theorem; negative if it is inside out."""
    a, b, c = (surface.vertices[surface.triangles[:, i]] for i in range(3))
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6)


def test_a_box_encloses_the_product_of_its_sides_and_stands_on_the_ground():
    solid = box(0.1, 0.2, 0.3)
    assert volume(solid) == pytest.approx(0.1 * 0.2 * 0.3)
    assert solid.vertices[:, 2].min() == pytest.approx(0)


def test_a_cylinder_encloses_a_prism_of_28_sides():
    base = 14 * math.sin(2 * math.pi / 28)  # area of the polygon in a unit circle
    assert volume(cylinder(0.5, 2)) == pytest.approx(2 * 0.25 * base)


def test_a_frustum_encloses_a_third_of_what_its_ends_and_their_mean_do():
    base = 14 * math.sin(2 * math.pi / 28)
    assert volume(cylinder(2, 3, 1)) == pytest.approx(base * (4 + 2 + 1))


def test_a_prism_encloses_its_outline_times_its_height():
    assert volume(prism([[0, 0], [4, 0], [0, 3]], 2, (1, 1))) == pytest.approx(12)
    assert volume(prism(rounded(4, 2, 0), 1)) == pytest.approx(8)


def test_other_solids_are_closed_with_their_faces_outwards():
    ball = ellipsoid(1, 1, 1)
    assert 0.85 * 4 / 3 * math.pi < volume(ball) < 4 / 3 * math.pi  # inscribed
    tube = sweep([[0, 0, 0], [1, 0, 0], [2, 0, 0]], 0.1, sides=10)
    assert volume(tube) == pytest.approx(2 * 0.01 * 5 * math.sin(2 * math.pi / 10))
    square = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1], [1, 1]], float)
    rings = [np.column_stack([square, np.full(5, z)]) for z in (0.0, 3.0)]
    assert volume(closed_sheet(rings)) == pytest.approx(12)


def test_turning_and_moving_keep_a_volume_and_scaling_multiplies_it():
    solid = prism(rounded(0.3, 0.2, 0.05), 0.1)
    moved = solid.turned("x", 30).turned("z", -70).moved(1, 2, 3)
    assert volume(moved) == pytest.approx(volume(solid))
    assert volume(solid.scaled(2, 3, 4)) == pytest.approx(24 * volume(solid))


def test_a_quarter_turn_about_z_takes_x_to_y():
    corner = panel(2, 2).vertices[1]
    np.testing.assert_allclose(corner, [1, 0, -1])
    np.testing.assert_allclose(panel(2, 2).turned("z", 90).vertices[1], [0, 1, -1], atol=1e-12)


def test_prints_are_upright_and_look_to_the_front():
    for surface in (panel(1, 1), band(0.5, 0, 1, 90)):
        a, b, c = surface.vertices[surface.triangles[0]]
        assert np.cross(b - a, c - a)[1] < 0
        top = surface.vertices[:, 2].argmax()
        assert surface.uv[top, 1] == 1
        right = surface.vertices[:, 0].argmax()
        assert surface.uv[right, 0] == 1


def test_an_arc_runs_on_its_circle_from_the_first_angle_to_the_last():
    points = arc(2, 0, 90, 3)
    np.testing.assert_allclose(points, [[2, 0, 0], [2**0.5, 0, 2**0.5], [0, 0, 2]], atol=1e-12)


def test_an_obj_file_names_each_corner_with_its_texture_coordinate():
    lines = panel(2, 4).wavefront().decode().splitlines()
    assert lines[0] == "v -1.00000 0.00000 -2.00000"
    assert lines[4] == "vt 0.0000 0.0000"
    assert lines[-2:] == ["f 1/1 2/2 3/3", "f 1/1 3/3 4/4"]


def test_a_thing_stands_on_its_lowest_point_and_has_one_part_for_each_paint():
    pile = thing(
        ("main", box(2, 2, 2).moved(z=-1)), ("dark", box(1, 1, 1)), ("main", box(1, 1, 9))
    )
    assert [part.paint for part in pile.parts] == ["main", "dark"]
    np.testing.assert_allclose(pile.bounds, ((-1, -1, 0), (1, 1, 10)), atol=1e-12)
    assert pile.radius == pytest.approx(2**0.5)


def test_an_unknown_paint_is_refused_with_its_name():
    with pytest.raises(ValueError, match="mauve"):
        Part(box(1, 1, 1), "mauve")


@pytest.mark.parametrize("kind", SORTS)
def test_every_kind_has_the_size_of_a_thing_in_a_home_and_varies(kind):
    first, second = (specimen(kind, np.random.default_rng(seed)) for seed in (1, 2))
    for each in (first, second):
        low, high = np.array(each.bounds)
        assert low[2] == pytest.approx(0, abs=1e-9)
        assert 0.03 < (high - low).max() < 0.4  # metres
        assert all(volume(part.surface) > 0 for part in each.parts if part.paint == "main")
        for rest in filter(None, (each.top, each.inside)):
            assert 0 <= rest.height <= high[2] + 1e-9
            assert rest.radius < each.radius
    assert first.bounds != second.bounds
    assert any(part.paint in ("main", "pattern", "wrap") for part in first.parts) or (
        SORTS[kind].colors == ("clear",)
    )


def test_a_seed_makes_the_same_specimen():
    again = [specimen("plant", np.random.default_rng(5)).bounds for _ in range(2)]
    assert again[0] == again[1]


def test_there_are_at_least_45_kinds_and_every_name_has_one_meaning():
    assert len(SORTS) >= 45
    names = [name for nouns in HOUSEHOLD.nouns.values() for name in nouns]
    assert len(names) == len(set(names))
    assert not set(SORTS) & set(GROUPS)


def test_no_name_is_a_colour_and_every_group_is_of_known_kinds():
    assert not {name for sort in SORTS.values() for name in sort.names} & set(COLORS)
    assert set().union(*GROUPS.values()) <= set(SORTS)
    assert all(set(sort.colors) <= set(HOUSEHOLD.colors) for sort in SORTS.values())


def test_every_kind_has_a_name_with_a_plural():
    for sort in SORTS.values():
        assert set(sort.names) - HOUSEHOLD.without_plural


@pytest.mark.parametrize(
    ("one", "many"),
    [
        ("mug", "mugs"), ("dish", "dishes"), ("box", "boxes"), ("glass", "glasses"),
        ("knife", "knives"), ("loaf of bread", "loaves of bread"), ("tomato", "tomatoes"),
        ("frying pan", "frying pans"), ("chest of drawers", "chests of drawers"),
        ("cup and saucer", "cups and saucers"), ("remote", "remotes"), ("wrench", "wrenches"),
    ],
)  # fmt: skip
def test_plurals_of_names(one, many):
    assert plural_of(one) == many


def test_every_kind_comes_in_some_world_and_a_wanted_one_in_every():
    assert set().union(*(usual_kinds(seed) for seed in range(60))) == set(SORTS)
    assert usual_kinds(3, "hammer")[0] == "hammer"
    assert len(set(usual_kinds(3, "hammer"))) == len(usual_kinds(3))


def test_things_without_a_name_differ_and_prints_are_pictures():
    made = [strange_thing(np.random.default_rng(seed)).bounds for seed in range(20)]
    assert len(set(made)) == 20
    for draw in (label_png, pattern_png):
        assert draw(np.random.default_rng(0)).startswith(b"\x89PNG")
        assert draw(np.random.default_rng(0)) != draw(np.random.default_rng(1))
