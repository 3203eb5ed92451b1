"""Figures against hand counts, and where their definitions part."""

import numpy as np
import pytest

from evf_sam_ros.evaluation.metrics import (
    SegmentationMetrics,
    auroc,
    calibration_error,
)


def row(pixels):
    return np.array([[character == "#" for character in pixels]])


def judged(*pairs, found=None):
    metrics = SegmentationMetrics()
    for predicted, target in pairs:
        metrics.add_masks(row(predicted), row(target), found=found)
    return metrics


def test_ciou_pools_pixels_and_miou_averages_expressions():
    metrics = judged(("##..", "#..."), ("####", "####"))  # 1 of 2, and 4 of 4
    assert metrics.ciou == pytest.approx(5 / 6)
    assert metrics.miou == pytest.approx(3 / 4)


def test_an_empty_prediction_for_an_empty_target_is_right():
    metrics = judged(("....", "...."))
    assert (metrics.ciou, metrics.miou, metrics.giou_gres, metrics.n_acc) == (None, 1, 1, 1)


def test_a_mask_without_a_target_costs_union_and_counts_as_wrong():
    metrics = judged(("##..", "...."), ("##..", "##.."))
    assert metrics.ciou == pytest.approx(2 / 4)
    assert metrics.miou == metrics.giou_gres == pytest.approx(1 / 2)
    assert (metrics.n_acc, metrics.t_acc) == (0, 1)


def test_a_rejected_mask_overlaps_nothing_but_enlarges_the_union():
    metrics = judged(("##..", ".##."), found=False)
    assert metrics.ciou == 0
    assert metrics.samples[0].union == 3
    assert metrics.t_acc == 0


def test_giou_of_gres_follows_the_decision_and_miou_the_mask():
    said_yes_but_empty = judged(("....", "...."), found=True)
    assert (said_yes_but_empty.miou, said_yes_but_empty.giou_gres) == (1, 0)
    said_no_with_mask = judged(("##..", "...."), found=False)
    assert (said_no_with_mask.miou, said_no_with_mask.giou_gres) == (0, 1)


def test_precision_counts_the_threshold_itself_and_only_targets():
    metrics = judged(("##..", "#..."), ("....", "...."))  # IoU exactly 1/2
    assert metrics.precision_at(50) == 1
    assert metrics.precision_at(51) == 0
    assert metrics.summary()["pr@0.5"] == 1


def test_precision_is_exact_where_a_float_is_not():
    metrics = SegmentationMetrics()
    metrics.add(7, 10, has_target=True, found=True)
    assert metrics.precision_at(70) == 1


def test_large_sums_stay_exact():
    metrics = SegmentationMetrics()
    metrics.add(2**53, 2**54, has_target=True, found=True)
    metrics.add(1, 1, has_target=True, found=True)
    intersection = sum(sample.intersection for sample in metrics.samples)
    assert intersection == 2**53 + 1  # a float would forget the one


def test_nothing_measured_is_none():
    assert set(SegmentationMetrics().summary().values()) == {None}
    assert judged(("#", "#")).n_acc is None


def test_names_are_the_ones_reports_use():
    assert list(SegmentationMetrics().summary()) == [
        *("ciou", "miou", "giou_gres"),
        *("pr@0.5", "pr@0.6", "pr@0.7", "pr@0.8", "pr@0.9"),
        *("n_acc", "t_acc"),
    ]


@pytest.mark.parametrize("counts", [(3, 2), (-1, 2)])
def test_impossible_counts_are_refused(counts):
    intersection, union = counts
    with pytest.raises(ValueError, match=f"intersection {intersection}, union {union}"):
        SegmentationMetrics().add(intersection, union, has_target=True, found=True)


def test_a_target_too_small_for_a_pixel_is_not_found():
    metrics = SegmentationMetrics()
    metrics.add(0, 0, has_target=True, found=False)
    assert (metrics.miou, metrics.giou_gres, metrics.precision_at(50)) == (0, 0, 0)


def test_auroc_counts_pairs_and_ties_half():
    assert auroc([0.9, 0.5], [0.5, 0.1]) == pytest.approx((2 + 1.5) / 4)
    assert auroc([0.5], []) is None


def test_calibration_error_is_the_gap_of_each_bin_by_its_share():
    # Bin 5 of 5: sure 0.9, right half the time; bin 1: sure 0.1, never right.
    error = calibration_error([0.9, 0.9, 0.1, 0.1], [True, False, False, False])
    assert error == pytest.approx(0.5 * 0.4 + 0.5 * 0.1)
    assert calibration_error([], []) is None


def test_a_sure_and_right_model_has_no_calibration_error():
    assert calibration_error([1.0, 0.0], [True, False]) == 0


def test_masks_of_two_sizes_are_refused():
    with pytest.raises(ValueError, match=r"\(1, 2\).*\(1, 3\)"):
        judged(("##", "###"))


def test_grey_masks_count_as_masks():
    metrics = SegmentationMetrics()
    metrics.add_masks(np.array([[255, 0]], np.uint8), np.array([[1, 1]], np.uint8))
    assert metrics.ciou == pytest.approx(1 / 2)
