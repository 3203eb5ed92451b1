"""Chains of static and moving transforms, at a stamp."""

import copy
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation, Slerp

from evf_sam_ros.perception.transform_buffer import NoTransform, TransformBuffer

SECOND = 1_000_000_000
HALF = 0.5**0.5
QUARTER = (0.0, 0.0, HALF, HALF)  # of a turn about z: x becomes y
LEVEL = (0.0, 0.0, 0.0, 1.0)


def stands(parent, child, moved, turned=LEVEL, at_s=0.0):
    x, y, z = moved
    a, b, c, w = turned
    seconds, rest = divmod(round(at_s * SECOND), SECOND)
    stamp = SimpleNamespace(sec=seconds, nanosec=rest)
    return SimpleNamespace(
        header=SimpleNamespace(frame_id=parent, stamp=stamp),
        child_frame_id=child,
        transform=SimpleNamespace(
            translation=SimpleNamespace(x=x, y=y, z=z),
            rotation=SimpleNamespace(x=a, y=b, z=c, w=w),
        ),
    )


def put(known, *transforms, is_static=False):
    known.put(SimpleNamespace(transforms=list(transforms)), is_static=is_static)


def static(*transforms):
    known = TransformBuffer()
    put(known, *transforms, is_static=True)
    return known


def moving(*transforms):
    known = TransformBuffer()
    put(known, *transforms)
    return known


def find(known, target, source, at_s=0.0):
    return known.find(target, source, round(at_s * SECOND))


def about_z(degrees):
    return tuple(Rotation.from_euler("z", degrees, degrees=True).as_quat())


def test_a_chain_leads_up_to_the_common_parent_and_down_again():
    known = static(
        stands("base", "image", (1.0, 0.0, 0.0), QUARTER), stands("base", "depth", (1.0, 2.0, 0.0))
    )
    # The depth camera is 2 m along y of base, which is x of the turned image.
    found = find(known, "image", "depth")
    np.testing.assert_allclose(found @ [0, 0, 0, 1], [2, 0, 0, 1], atol=1e-12)
    np.testing.assert_allclose(found @ find(known, "depth", "image"), np.eye(4), atol=1e-12)


def test_a_frame_is_where_it_is():
    np.testing.assert_array_equal(find(static(), "image", "image"), np.eye(4))


def test_the_slash_of_old_names_makes_no_difference():
    known = static(stands("/base", "/depth", (0.0, 0.0, 1.0)))
    assert find(known, "base", "depth")[2, 3] == 1


@pytest.mark.parametrize("turned", [(0.0, 0.0, 0.0, 0.0), (float("nan"), 0.0, 0.0, 1.0)])
def test_what_is_no_transform_or_not_connected_leads_nowhere(turned):
    known = static(
        stands("base", "depth", (0.0, 0.0, 1.0), turned), stands("base", "other", (0, 0, 0))
    )
    assert isinstance(find(known, "base", "depth"), NoTransform)
    assert isinstance(find(known, "elsewhere", "base"), NoTransform)


def test_a_static_transform_holds_for_all_times():
    known = static(stands("base", "camera", (0.0, 0.0, 1.0), at_s=100.0))
    for at_s in (0.0, 100.0, 1e9):
        assert find(known, "base", "camera", at_s)[2, 3] == 1


def test_between_two_samples_a_frame_moves_along_a_line_and_turns_at_a_constant_rate():
    known = moving(
        stands("map", "base", (0.0, 0.0, 0.0), LEVEL, 10.0),
        stands("map", "base", (1.0, 2.0, 0.0), about_z(90), 10.4),
    )
    found = find(known, "map", "base", 10.1)  # after a quarter of the time
    np.testing.assert_allclose(found[:3, 3], [0.25, 0.5, 0.0], atol=1e-12)
    np.testing.assert_allclose(
        found[:3, :3], Rotation.from_euler("z", 22.5, degrees=True).as_matrix(), atol=1e-12
    )


def test_rotations_between_samples_are_those_of_scipy_whatever_the_sign_of_the_quaternion():
    generator = np.random.default_rng(7)
    for _ in range(50):
        ends = Rotation.random(2, rng=generator)
        first, second = ends.as_quat()
        sign = generator.choice([-1.0, 1.0])
        known = moving(
            stands("map", "base", (0.0, 0.0, 0.0), first, 1.0),
            stands("map", "base", (0.0, 0.0, 0.0), sign * second, 2.0),
        )
        at_s = float(generator.uniform(1.0, 2.0))
        expected = Slerp([1.0, 2.0], ends)(at_s).as_matrix()
        np.testing.assert_allclose(find(known, "map", "base", at_s)[:3, :3], expected, atol=1e-6)


def test_samples_may_arrive_in_any_order_and_twice():
    known = TransformBuffer()
    for at_s in (3.0, 1.0, 2.0, 1.0):
        put(known, stands("map", "base", (at_s, 0.0, 0.0), LEVEL, at_s))
    for at_s in (1.0, 1.5, 2.0, 2.5, 3.0):
        assert find(known, "map", "base", at_s)[0, 3] == pytest.approx(at_s)


def test_nothing_is_extrapolated_and_the_reason_tells_by_how_much_it_is_late():
    known = moving(*(stands("odom", "base", (at, 0.0, 0.0), LEVEL, at) for at in (5.0, 6.0)))
    put(known, stands("base", "camera", (0.0, 0.0, 1.0)), is_static=True)
    late = find(known, "odom", "camera", 6.25)
    assert (
        late.reason == "the newest transform of 'base' in 'odom' is 0.250 s older than the image"
    )
    assert (late.newest, late.may_come) == (6 * SECOND, True)
    early = find(known, "odom", "camera", 4.5)
    assert (
        early.reason == "the oldest transform of 'base' in 'odom' is 0.500 s newer than the image"
    )
    assert not early.may_come
    # What does not move is known all the same: the way to it leads through no moving joint.
    assert find(known, "base", "camera", 6.25)[2, 3] == 1


def test_a_reason_names_the_frame_that_is_missing_and_those_there_are():
    known = moving(stands("odom", "base", (0.0, 0.0, 0.0), LEVEL, 5.0))
    unknown = find(known, "mapp", "base", 5.0)
    assert unknown.reason == "tf has no frame 'mapp'; it has base, odom"
    assert unknown.newest == 5 * SECOND
    assert (
        find(TransformBuffer(), "map", "base").reason == "nothing has come over /tf or /tf_static"
    )


def test_trees_that_are_not_joined_are_told_until_something_joins_them():
    known = static(stands("odom", "base", (0.0, 0.0, 0.0)), stands("map", "dock", (0.0, 0.0, 0.0)))
    apart = find(known, "map", "base")
    assert apart.reason == "tf has both frames, but in trees that are not joined"
    assert find(known, "map", "base").state == apart.state  # no news since
    put(known, stands("map", "odom", (3.0, 0.0, 0.0)), is_static=True)
    assert find(known, "map", "base")[0, 3] == 3


def test_a_frame_that_gets_another_parent_belongs_to_the_one_of_the_time_asked_for():
    known = moving(
        stands("table", "mug", (1.0, 0.0, 0.0), LEVEL, 1.0),
        stands("table", "mug", (1.0, 0.0, 0.0), LEVEL, 2.0),
        stands("gripper", "mug", (0.0, 0.0, 0.1), LEVEL, 3.0),
        stands("gripper", "mug", (0.0, 0.0, 0.1), LEVEL, 4.0),
    )
    assert find(known, "table", "mug", 1.5)[0, 3] == 1
    assert find(known, "table", "mug", 2.5)[0, 3] == 1  # as tf2: the earlier of the two
    assert find(known, "gripper", "mug", 3.5)[2, 3] == 0.1


def test_samples_are_kept_for_ten_seconds():
    known = moving(
        *(stands("odom", "base", (at, 0.0, 0.0), LEVEL, at) for at in np.arange(0.0, 30.0, 0.5))
    )
    assert find(known, "odom", "base", 20.0)[0, 3] == 20
    assert isinstance(find(known, "odom", "base", 15.0), NoTransform)


def test_a_recording_that_starts_again_starts_the_history_anew():
    known = moving(*(stands("odom", "base", (at, 0.0, 0.0), LEVEL, at) for at in (99.0, 100.0)))
    put(known, *(stands("odom", "base", (at, 1.0, 0.0), LEVEL, at) for at in (1.0, 2.0)))
    np.testing.assert_allclose(find(known, "odom", "base", 1.5)[:2, 3], [1.5, 1.0])
    assert isinstance(find(known, "odom", "base", 99.5), NoTransform)


def test_after_a_jump_of_the_clock_only_static_transforms_are_known():
    known = moving(stands("odom", "base", (0.0, 0.0, 0.0), LEVEL, 5.0))
    put(known, stands("base", "camera", (0.0, 0.0, 1.0)), is_static=True)
    known.clear_moving()
    assert isinstance(find(known, "odom", "base", 5.0), NoTransform)
    assert find(known, "base", "camera", 5.0)[2, 3] == 1


@pytest.mark.parametrize("names", [("a", "a"), ("", "a"), ("a", "")])
def test_a_frame_in_itself_or_without_a_name_is_dropped(names):
    assert find(static(stands(*names, (1.0, 0.0, 0.0))), "b", "a").reason.startswith("nothing")


def test_a_ring_of_parents_ends():
    known = static(stands("a", "b", (1.0, 0.0, 0.0)), stands("b", "a", (1.0, 0.0, 0.0)))
    assert isinstance(find(known, "elsewhere", "a"), NoTransform)


def test_what_was_put_may_change_afterwards():
    step = stands("odom", "base", (1.0, 0.0, 0.0), LEVEL, 5.0)
    known = moving(step)
    other = copy.deepcopy(step)
    step.transform.translation.x = 9.0
    assert find(known, "odom", "base", 5.0)[0, 3] == other.transform.translation.x
