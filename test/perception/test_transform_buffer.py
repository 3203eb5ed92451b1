"""Chains of transforms that never change."""

from types import SimpleNamespace

import numpy as np
import pytest

from evf_sam_ros.perception.static_frames import StaticFrames

QUARTER = (0.0, 0.0, 0.5**0.5, 0.5**0.5)  # of a turn about z: x becomes y


def stands(parent, child, moved, turned=(0.0, 0.0, 0.0, 1.0)):
    x, y, z = moved
    a, b, c, w = turned
    return SimpleNamespace(
        header=SimpleNamespace(frame_id=parent),
        child_frame_id=child,
        transform=SimpleNamespace(
            translation=SimpleNamespace(x=x, y=y, z=z),
            rotation=SimpleNamespace(x=a, y=b, z=c, w=w),
        ),
    )


def frames(*transforms):
    known = StaticFrames()
    known.put(SimpleNamespace(transforms=list(transforms)))
    return known


def test_a_chain_leads_up_to_the_common_parent_and_down_again():
    known = frames(
        stands("base", "image", (1.0, 0.0, 0.0), QUARTER), stands("base", "depth", (1.0, 2.0, 0.0))
    )
    # The depth camera is 2 m along y of base, which is x of the turned image.
    found = known.find("image", "depth")
    np.testing.assert_allclose(found @ [0, 0, 0, 1], [2, 0, 0, 1], atol=1e-12)
    np.testing.assert_allclose(found @ known.find("depth", "image"), np.eye(4), atol=1e-12)


def test_a_frame_is_where_it_is():
    np.testing.assert_array_equal(frames().find("image", "image"), np.eye(4))


def test_the_slash_of_old_names_makes_no_difference():
    assert frames(stands("/base", "/depth", (0.0, 0.0, 1.0))).find("base", "depth")[2, 3] == 1


@pytest.mark.parametrize("turned", [(0.0, 0.0, 0.0, 0.0), (float("nan"), 0.0, 0.0, 1.0)])
def test_what_is_no_transform_or_not_connected_leads_nowhere(turned):
    known = frames(
        stands("base", "depth", (0.0, 0.0, 1.0), turned), stands("base", "other", (0, 0, 0))
    )
    assert known.find("base", "depth") is None
    assert known.find("elsewhere", "base") is None
