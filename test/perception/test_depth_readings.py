"""Depth that is turned into metres only where it is read."""

import numpy as np
import pytest

from evf_sam_ros.perception.camera_model import Intrinsics
from evf_sam_ros.perception.depth_readings import DepthImage
from evf_sam_ros.perception.geometry import Location, locate, main_body

CAMERA = Intrinsics(100.0, 100.0, 20.0, 15.0)


@pytest.fixture
def millimetres():
    return np.arange(800, 2000, dtype=np.uint16).reshape(30, 40)


def test_a_part_is_the_same_as_that_part_of_the_whole(millimetres):
    depth = DepthImage(millimetres, 0.001)
    assert depth.shape == (30, 40)
    assert depth[2, 3] == np.float32(883) * np.float32(0.001)
    assert np.array_equal(depth[4:9, 5:8], depth.whole()[4:9, 5:8])


def test_zero_and_the_largest_of_16_bits_are_no_readings():
    depth = DepthImage(np.array([[0, 65535, 1500]], np.uint16), 0.001)
    assert np.isnan(depth.whole()).tolist() == [[True, True, False]]


def test_of_floats_nothing_but_what_is_finite_and_positive_is_a_reading():
    numbers = [0.0, -1.0, np.nan, np.inf, -np.inf, 65535.0]
    depth = DepthImage(np.array([numbers], ">f4"), 1.0)
    assert np.isnan(depth.whole()).tolist() == [[True, True, True, True, True, False]]
    assert depth.whole().dtype == np.float32


def test_only_what_lies_around_an_object_is_read(millimetres):
    """A mask of a few pixels must not have all of the image converted."""
    read = []

    class Watched(DepthImage):
        def __getitem__(self, part):
            values = super().__getitem__(part)
            read.append(values.size)
            return values

    mask = np.zeros((300, 400), bool)
    mask[100:110, 50:60] = True
    depth = Watched(np.full((300, 400), 1000, np.uint16), 0.001)
    place = locate(mask, depth, CAMERA)
    assert isinstance(place, Location)
    assert place.position_m[2] == pytest.approx(1.0)
    mask[100:110, 64:70] = True  # a second part, which something nearer might separate
    main_body(mask, depth)
    # 10x10 pixels and nine more at each side, then the 10x20 of both parts.
    assert read == [28 * 28, 10 * 20]
