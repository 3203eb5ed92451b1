"""The training heads' demands on the model."""

from types import SimpleNamespace

import pytest
import torch

from evf_sam_ros.training.auxiliary import _verdict
from evf_sam_ros.training.relative_geometry import geometry

COVERED_BOI = torch.tensor([[[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.5, 0.0], [0.0] * 4]])
SCORES_BPI = torch.tensor([[[1.0, 3.0, -7.0, 9.0]]])  # means 2, -7 and none


def verdict(candidates, targets):
    batch = SimpleNamespace(
        candidates_BPO=torch.tensor([[candidates]]), targets_BPO=torch.tensor([[targets]])
    )
    return float(_verdict(SCORES_BPI, COVERED_BOI, batch))


def test_the_verdict_is_asked_of_the_mean_score_of_what_the_noun_phrase_fits():
    assert verdict([1.0, 0.0, 0.0], [1.0, 0.0, 0.0]) == pytest.approx(0.126928)  # ln(1 + e^-2)
    assert verdict([1.0, 0.0, 0.0], [0.0, 0.0, 0.0]) == pytest.approx(2.126928)  # ln(1 + e^2)
    both = (0.126928 + 0.000911) / 2  # and ln(1 + e^-7)
    assert verdict([1.0, 1.0, 0.0], [1.0, 0.0, 0.0]) == pytest.approx(both, abs=1e-6)


def test_the_verdict_is_not_asked_of_what_left_the_picture():
    assert verdict([0.0, 0.0, 1.0], [0.0, 0.0, 1.0]) == 0


def test_geometry_is_the_way_to_the_anchor_and_the_number_of_others_on_each_side():
    objects_BOhw = torch.zeros(1, 4, 10, 10)
    for number, (column, row) in enumerate([(1, 4), (3, 6), (8, 2)]):  # the fourth is out of sight
        objects_BOhw[0, number, row, column] = 0.5
    batch = SimpleNamespace(
        objects_BOhw=objects_BOhw,
        candidates_BPO=torch.tensor([[[1.0, 1.0, 0.0, 0.0], [1.0, 1.0, 1.0, 1.0]]]),
        anchors_BPO=torch.tensor([[[0.0, 0.0, 1.0, 0.0], [0.0] * 4]]),
    )
    truth_BPO6, asked_BPO6 = geometry(batch)
    related, compared = truth_BPO6[0], asked_BPO6[0]
    # From column 1 to 8 of 10 are 0.7, from row 4 up to 2 are -0.2; times five.
    torch.testing.assert_close(related[0, 0, :2], torch.tensor([3.5, -1.0]))
    torch.testing.assert_close(related[0, 1, :2], torch.tensor([2.5, -2.0]))
    assert related[1, 1, 2:].tolist() == [1, 1, 2, 0]  # left, right, above, below
    assert compared[0, :, 0].tolist() == [1, 1, 0, 0]
    assert compared[1, :, 0].tolist() == [0, 0, 0, 0]
    assert compared[1, :3, 2].tolist() == [1, 1, 1]
