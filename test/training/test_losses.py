"""Losses against values worked out by hand (gradients: the golden data, with the models)."""

import math

import pytest
import torch

from evf_sam_ros.training.losses import mask_bce, mask_dice, mask_losses

SURE = 50.0  # a logit whose sigmoid is 1


def masks(*values):
    return torch.tensor(values, dtype=torch.float32)[:, None]


def test_bce_of_an_undecided_mask_is_log_two():
    assert mask_bce(masks([0.0, 0.0]), masks([0, 1])).item() == pytest.approx(math.log(2))


def test_dice_counts_overlap_twice_over_both_areas():
    logits = masks([SURE, SURE, -SURE, -SURE])
    target = masks([0, 1, 1, 0])
    assert mask_dice(logits, target).item() == pytest.approx(1 - 2 * 1 / 4, abs=1e-3)


def test_a_perfect_mask_costs_nothing_and_a_missed_one_costs_one():
    target = masks([1, 1, 0])
    assert mask_dice(masks([SURE, SURE, -SURE]), target).item() == pytest.approx(0, abs=1e-6)
    assert mask_dice(masks([-SURE, -SURE, -SURE]), target).item() == pytest.approx(1, abs=1e-3)


def test_an_empty_target_wants_an_empty_mask():
    empty = masks([0, 0])
    assert mask_dice(masks([-SURE, -SURE]), empty).item() == pytest.approx(0, abs=1e-6)
    assert mask_dice(masks([SURE, SURE]), empty).item() == pytest.approx(1, abs=1e-3)


def test_every_mask_counts_the_same_whichever_image_it_is_in():
    sure, undecided = masks([-SURE, -SURE]), masks([0.0, 0.0], [0.0, 0.0])
    losses = mask_losses(
        [sure, undecided],
        [masks([0, 0]), masks([0, 0], [0, 0])],
        bce_weight=1.0,
        dice_weight=0.0,
    )
    assert losses.total.item() == pytest.approx(2 / 3 * math.log(2))


def test_weights_weigh():
    logits, targets = [masks([1.0, -2.0])], [masks([1, 0])]
    plain = mask_losses(logits, targets, bce_weight=1, dice_weight=1)
    weighed = mask_losses(logits, targets, bce_weight=2, dice_weight=0.5)
    assert weighed.bce.item() == pytest.approx(2 * plain.bce.item())
    assert weighed.dice.item() == pytest.approx(plain.dice.item() / 2)
    assert weighed.total.item() == pytest.approx((weighed.bce + weighed.dice).item())


def test_an_image_without_masks_adds_nothing():
    nothing = torch.zeros(0, 1, 2)
    losses = mask_losses([nothing], [nothing], bce_weight=1, dice_weight=1)
    assert losses.total.item() == 0


@pytest.mark.parametrize("dtype", [torch.bool, torch.uint8, torch.float32])
def test_targets_may_be_of_any_type(dtype):
    target = masks([1, 0]).to(dtype)
    assert mask_bce(masks([SURE, -SURE]), target).item() == pytest.approx(0, abs=1e-6)


def test_targets_of_another_size_are_refused():
    with pytest.raises(ValueError, match=r"\(1, 1, 3\).*\(1, 1, 2\)"):
        mask_dice(masks([0.0, 0.0]), masks([0, 0, 0]))
    with pytest.raises(ValueError, match="logits of 1 images, but targets of 0"):
        mask_losses([masks([0.0])], [], bce_weight=1, dice_weight=1)
