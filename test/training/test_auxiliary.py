"""What the heads of training ask of the model."""

from types import SimpleNamespace

import pytest
import torch

from evf_sam_ros.training.auxiliary import _verdict

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
