"""The bridge's losses: matching against every permutation, each loss against a case by hand."""

import math
from dataclasses import replace
from itertools import permutations

import pytest
import torch

pytest.importorskip("scipy", reason="pip install 'evf_sam_ros[training]'")

from evf_sam_ros.models.bridge.config import QueryConfig
from evf_sam_ros.models.bridge.queries import Prediction, QueryModule
from evf_sam_ros.training.bridge_losses import (
    READINGS,
    UNKNOWN,
    BridgeWeights,
    Targets,
    Texts,
    category_loss,
    final_mask_losses,
    mask_points,
    no_target_loss,
    query_losses,
    read_points,
    sentence_loss,
)
from evf_sam_ros.training.bridge_matching import match, pair_bce, pair_dice

NO_TEXTS = torch.zeros(0, 12)


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


@pytest.mark.parametrize(("queries", "objects"), [(5, 3), (4, 4), (6, 1), (3, 0)])
def test_matching_is_the_best_of_all_assignments(queries, objects):
    cost = torch.randn(queries, objects)
    rows, columns = match(cost)
    assert sorted(columns) == list(range(objects))
    assert len(set(rows)) == objects
    best = min(
        sum(cost[row, column].item() for column, row in enumerate(rows_of_columns))
        for rows_of_columns in permutations(range(queries), objects)
    )
    assert cost[rows, columns].sum().item() == pytest.approx(best, abs=1e-5)


def test_a_cost_that_overflowed_is_the_last_choice():
    cost = torch.tensor([[math.inf, 1.0], [5.0, math.nan]])
    rows, columns = match(cost)
    assert list(zip(rows.tolist(), columns.tolist(), strict=True)) == [(0, 1), (1, 0)]


def test_costs_of_pairs_are_the_losses_of_each_pair_alone():
    logits, objects = torch.randn(3, 7), (torch.rand(2, 7) > 0.5).float()
    bce, dice = pair_bce(logits, objects), pair_dice(logits, objects)
    for q in range(3):
        for k in range(2):
            alone = torch.nn.functional.binary_cross_entropy_with_logits(logits[q], objects[k])
            assert bce[q, k].item() == pytest.approx(alone.item(), abs=1e-5)
            mask = logits[q].sigmoid()
            both, either = (mask * objects[k]).sum(), mask.sum() + objects[k].sum()
            assert dice[q, k].item() == pytest.approx(1 - float((2 * both + 1) / (either + 1)))


def test_both_readings_of_the_weights_are_there():
    code, supplement = READINGS["code"], READINGS["supplement"]
    assert (code.bce, code.dice) == (supplement.dice, supplement.bce) == (2.0, 0.5)
    assert BridgeWeights() == code
    masks = torch.tensor([[[1.0, 0.0], [0.0, 0.0]]])
    targets = Targets(masks, [masks], torch.tensor([0]))
    logits = torch.tensor([[[0.0, 0.0], [0.0, 0.0]]])
    one, other = (final_mask_losses(logits, targets, READINGS[name]) for name in READINGS)
    assert one["bce"].item() == pytest.approx(2 * math.log(2))
    assert other["bce"].item() == pytest.approx(0.5 * math.log(2))
    assert one["dice"].item() == pytest.approx(other["dice"].item() / 4)


def test_a_sentence_without_a_target_has_no_mask_to_learn():
    logits = torch.randn(2, 4, 4, requires_grad=True)
    masks = torch.zeros(2, 4, 4)
    masks[0, :2] = 1
    targets = Targets(masks, [masks[:1], masks[:0]], torch.tensor([0, UNKNOWN]))
    sum(final_mask_losses(logits, targets, BridgeWeights()).values()).backward()
    assert logits.grad[0].abs().max() > 0
    assert logits.grad[1].abs().max() == 0
    nothing = Targets(masks, [masks[:0]] * 2, torch.tensor([UNKNOWN] * 2))
    assert all(v == 0 for v in final_mask_losses(logits, nothing, BridgeWeights()).values())


def test_no_target_is_a_weighted_cross_entropy_by_hand():
    logits = torch.tensor([[0.0, 0.0], [math.log(3), 0.0]])
    masks = torch.ones(2, 2, 2)
    targets = Targets(masks, [masks[:1], masks[:0]], torch.tensor([0, UNKNOWN]))
    # Wrong by 1/2 where there is a target, sure by 1/4 where there is none.
    expected = 0.1 * (0.9 * math.log(2) + 1.1 * math.log(4)) / (0.9 + 1.1)
    assert no_target_loss(logits, targets, BridgeWeights()).item() == pytest.approx(expected)


def test_sentences_about_the_same_category_do_not_count_as_wrong():
    logits = torch.randn(3, 2, 3)
    matched = torch.tensor([[1.0, 0.0]] * 3)
    categories = torch.tensor([4, 4, 5])
    before = sentence_loss(logits, matched, categories, 0.1)
    moved = logits.clone()
    moved[0, :, 1] += 9  # of the first picture's queries against the second's sentence
    assert sentence_loss(moved, matched, categories, 0.1) == before
    moved[0, :, 2] += 9
    assert sentence_loss(moved, matched, categories, 0.1) > before
    unknown = torch.full((3,), UNKNOWN)
    assert sentence_loss(moved, matched, unknown, 0.1) != sentence_loss(
        logits, matched, unknown, 0.1
    )


def test_a_query_is_its_category_or_the_background_by_hand():
    logits = torch.zeros(1, 2, 3)
    logits[0, 0, 1] = math.log(2)  # the matched query: 1/2 for category 1
    matched = torch.tensor([[1.0, 0.0]])
    targets = Targets(torch.ones(1, 2, 2), [torch.ones(1, 2, 2)], torch.tensor([1]))
    texts = Texts(torch.zeros(1, 4), torch.zeros(3, 12))
    loss = category_loss(logits, matched, targets, texts, 0.1)
    assert loss.item() == pytest.approx((math.log(2) + 0.1 * math.log(3)) / 1.1)


def module_and_said(sentences=2):
    module = QueryModule(32, 12, QueryConfig(queries=4, depth=1, heads=2, feed_forward=8))
    masks = torch.randn(sentences, 4, 8, 8, requires_grad=True)
    objects = torch.randn(sentences, 4, 32, requires_grad=True)
    return module, Prediction(masks, objects)


def two_boxes():
    """Objects of two sentences: two boxes, and nothing."""
    objects = torch.zeros(2, 8, 8)
    objects[0, :3, :3] = 1
    objects[1, 5:, 5:] = 1
    return Targets(torch.zeros(2, 8, 8), [objects, objects[:0]], torch.tensor([1, UNKNOWN]))


@pytest.mark.parametrize("points", [0, 64])
def test_the_queries_that_fit_best_learn_the_masks_of_all_targets_and_no_other_does(points):
    module, said = module_and_said()
    targets = two_boxes()
    with torch.no_grad():
        said.masks_NQhw[0, 3] = 8 * targets.objects[0][0] - 4
        said.masks_NQhw[0, 1] = 8 * targets.objects[0][1] - 4
    texts = Texts(torch.randn(2, 32), NO_TEXTS)
    weights = replace(BridgeWeights(), points=points)
    losses = query_losses([said], module, texts, targets, weights)
    assert "query_category" not in losses
    (losses["query_bce"] + losses["query_dice"]).backward()
    moved = said.masks_NQhw.grad.abs().amax((2, 3)) > 0
    assert moved.tolist() == [[False, True, False, True], [False] * 4]
    if not points:  # else most are where the masks are unsure
        assert losses["query_dice"] < 5 * 0.2, "they fit already"


def test_a_batch_without_any_target_still_teaches_that_queries_are_background():
    module, said = module_and_said()
    empty = Targets(torch.zeros(2, 8, 8), [torch.zeros(0, 8, 8)] * 2, torch.tensor([2, 2]))
    texts = Texts(torch.randn(2, 32), torch.randn(3, 12))
    losses = query_losses([said], module, texts, empty, BridgeWeights())
    assert losses["query_bce"] == losses["query_dice"] == 0
    assert losses["query_category"] > 0
    torch.stack(list(losses.values())).sum().backward()
    assert said.objects_NQC.grad.abs().max() > 0


def test_every_layer_counts():
    module, said = module_and_said()
    texts = Texts(torch.randn(2, 32), torch.randn(3, 12))
    weights = replace(BridgeWeights(), points=0)
    once = query_losses([said], module, texts, two_boxes(), weights)
    twice = query_losses([said, said], module, texts, two_boxes(), weights)
    for name, loss in once.items():
        assert twice[name].item() == pytest.approx(2 * loss.item(), rel=1e-5), name


def test_where_clip_read_the_sentences_these_are_what_queries_must_be():
    module, said = module_and_said()
    texts = Texts(torch.randn(2, 32), torch.randn(3, 12), clip_sentences_ND=torch.randn(2, 12))
    losses = query_losses([said], module, texts, two_boxes(), replace(BridgeWeights(), points=0))
    assert torch.isfinite(losses["query_category"])
    # Its own category is no wrong answer: moving the query towards it costs nothing.
    closer = replace_row(texts, 1, module.to_clip(said.objects_NQC[0]).mean(0).detach())
    moved = query_losses([said], module, closer, two_boxes(), replace(BridgeWeights(), points=0))
    assert torch.isfinite(moved["query_category"])


def replace_row(texts, row, values):
    table = texts.categories_TD.clone()
    table[row] = values
    return replace(texts, categories_TD=table)


def test_points_are_read_between_cells_and_chosen_where_the_mask_is_unsure():
    masks = torch.tensor([[[0.0, 4.0], [8.0, 12.0]]])
    middle_and_corner = torch.tensor([[[0.5, 0.5], [0.25, 0.75]]])
    assert read_points(masks, middle_and_corner).tolist() == [[6.0, 8.0]]
    edge = torch.linspace(-9, 9, 32).expand(1, 32, 32)
    weights = BridgeWeights(points=200, uncertain=0.75)
    points = mask_points(edge, weights)
    assert points.shape == (1, 200, 2)
    near_edge = ((points[..., 0] - 0.5).abs() < 0.15).float().mean()
    assert near_edge > 0.7, "three tenths of the picture"
