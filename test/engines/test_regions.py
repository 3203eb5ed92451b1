"""Masks measured on their device are as `perception.geometry` measures their pixels."""

import numpy as np
import pytest
import torch

from evf_sam_ros.engines.regions import regions
from evf_sam_ros.perception.geometry import outline

RECTANGLE = np.zeros((40, 60), bool)
RECTANGLE[5:9, 50:60] = True
NOISE = np.random.default_rng(0).random((40, 60)) > 0.9
CORNERS = np.zeros((40, 60), bool)
CORNERS[[0, -1], [0, -1]] = True


@pytest.mark.parametrize("mask", [RECTANGLE, NOISE, CORNERS, ~CORNERS])
def test_area_centroid_and_box_are_those_of_the_pixels(mask):
    found = regions(torch.from_numpy(np.stack([NOISE, mask])))
    expected = outline(mask)
    assert found.area_P[1] == expected.area_px
    roi = expected.roi
    assert found.box_P4[1].tolist() == [roi.x, roi.y, roi.width, roi.height]
    centroid = (found.sum_uv_P2[1] / found.area_P[1]).tolist()
    assert centroid == pytest.approx(expected.centroid_uv, rel=1e-6)


def test_of_an_empty_mask_all_is_zero():
    found = regions(torch.zeros(1, 4, 5, dtype=torch.bool))
    assert [value.abs().max().item() for value in vars(found).values()] == [0, 0, 0]
