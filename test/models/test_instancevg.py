"""InstanceVG without golden data: points, tokens, batches, configuration, release."""

import math

import pytest
import torch
from tiny_instancevg import CONFIG, noisy

from evf_sam_ros.engines.precision import round_weights
from evf_sam_ros.models import checkpoint
from evf_sam_ros.models.config_document import config_from_document, document_from_config
from evf_sam_ros.models.instancevg.instancevg_config import InstanceVgConfig
from evf_sam_ros.models.instancevg.query_points import centres, chosen_points, chosen_tokens
from evf_sam_ros.models.variants import VARIANTS, build

SHARE = 0.003  # of the distance, as a share of the diagonal


def answered(model, tokens, padding=None, seed=0):
    """Return what the model says to prompts (1, P, L) about one random picture."""
    picture = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(seed))
    padding = torch.zeros_like(tokens, dtype=torch.bool) if padding is None else padding
    with torch.inference_mode():
        return model(picture, picture, tokens, padding)


def words(*rows):
    return torch.tensor([rows])


def test_the_published_size_has_as_many_weights_as_the_facts_say():
    with torch.device("meta"):
        model = build(VARIANTS["instancevg_b"])
    # 234,336,716 with what no answer needs, which is left out here: see `instancevg_names.UNUSED`.
    unused = 256 * 768 + (128 * 256 + 128 + 129 * 256 + 129) + 10 * 256 + 4 * 256
    constant = 3 * 256 * 256 + 2 * 256  # of the tokens' attention to each other
    assert sum(each.numel() for each in model.parameters()) + unused + constant == 234_336_716


def test_the_first_point_is_the_maximum_and_the_next_keeps_away_on_a_flat_map():
    flat = torch.full((1, 3, 4), 0.1)
    flat[0, 0, 0] += 0.2
    # The farthest of 3 x 4 cells from (0, 0) is (2, 3). Then (0, 2), (0, 3) and (2, 0) are each 2
    # cells from the nearer of these: the first in the order of rows counts.
    assert chosen_points(flat, 3).tolist() == [[0, 11, 2]]


def test_a_place_is_taken_once_however_high_it_is():
    peak = torch.full((1, 2, 2), -9.0)
    peak[0, 1, 1] = 9.0
    assert sorted(chosen_points(peak, 4).tolist()[0]) == [0, 1, 2, 3]


def test_a_warm_place_nearby_wins_over_a_cold_one_far_away_only_by_enough():
    values = torch.zeros(1, 1, 5)
    values[0, 0, 0] = 1.0
    diagonal = math.hypot(1, 5)
    far = SHARE * 4 / diagonal - SHARE * 1 / diagonal  # the advantage of cell 4 over cell 1
    for surplus, second in ((0.9 * far, 4), (1.1 * far, 1)):
        values[0, 0, 1] = 4 * surplus  # a sigmoid's slope at 0 is 1/4
        assert chosen_points(values, 2).tolist() == [[0, second]]


def test_the_centre_of_a_place_is_told_as_x_and_y():
    assert centres(torch.tensor([[0, 5]]), 2, 4).tolist() == [[[0.125, 0.25], [0.375, 0.75]]]


def test_few_tokens_keep_their_order_and_leave_rows_empty():
    text = torch.arange(6.0).reshape(1, 3, 2)
    padding = torch.tensor([[False, False, True]])
    tokens, places = chosen_tokens(text, padding, 4)
    assert places.tolist() == [[0, 1, -1, -1]]
    assert tokens.tolist() == [[[0.0, 1.0], [2.0, 3.0], [0.0, 0.0], [0.0, 0.0]]]


def test_many_tokens_are_ranked_by_their_mean():
    text = torch.tensor([[[1.0, 1.0], [9.0, -9.0], [2.0, 4.0]]])
    tokens, places = chosen_tokens(text, torch.zeros(1, 3, dtype=torch.bool), 2)
    assert places.tolist() == [[2, 0]]
    assert tokens.tolist() == [[[2.0, 4.0], [1.0, 1.0]]]


def test_prompts_about_one_picture_do_not_influence_each_other():
    model = noisy()
    rows = [[0, 5, 9, 2, 1, 1, 1, 1], [0, 7, 11, 30, 6, 8, 12, 2], [0, 3, 2, 1, 1, 1, 1, 1]]
    tokens = words(*rows)
    together = answered(model, tokens, tokens == 1)
    for index, row in enumerate(rows):
        alone = answered(model, words([token for token in row if token != 1]))
        difference = together.logits[:, index] - alone.logits[:, 0]
        assert difference.norm() < 1e-4 * alone.logits.norm()  # of another summation order
        scores = together.instances.scores[:, index], alone.instances.scores[:, 0]
        torch.testing.assert_close(*scores)


def test_the_presence_is_above_zero_exactly_where_a_query_is_selected():
    model = noisy()
    rows = words(*([0, a, b, 2] for a in (3, 20, 40) for b in (5, 25, 45)))
    scores = answered(model, rows).instances.scores[0].amax(1)
    threshold = float(scores.median()) + 1e-4  # between two scores
    model.segmenter.config = InstanceVgConfig(
        **{**vars(model.segmenter.config), "score_threshold": threshold}
    )
    decoded = answered(model, rows)
    selected = decoded.instances.is_selected[0].any(1)
    assert 0 < int(selected.sum()) < len(selected)
    assert torch.equal(decoded.presence[0] > 0, selected)


def test_points_are_chosen_in_float32_in_half_precision():
    model = noisy()
    tokens = words([0, 5, 9, 2])
    seen = []
    model.segmenter.reader.register_forward_hook(lambda _m, _i, out: seen.append(out))
    answered(model, tokens)
    with torch.autocast("cpu", torch.bfloat16):
        answered(model, tokens)
    assert {each.point_map_Nhw.dtype for each in seen} == {torch.float32}
    # In bfloat16 the sigmoids just above 0.5 would be one number, and the first place win.
    assert len(set(seen[1].places_NQ[0].tolist())) == 6


def test_a_configuration_survives_its_document():
    for config in (CONFIG, VARIANTS["instancevg_b"]):
        assert config_from_document(document_from_config(config), "a test") == config


def test_a_folder_of_our_own_gives_the_same_answer(tmp_path):
    model = noisy()
    checkpoint.save(model, CONFIG, tmp_path)
    tokens = words([0, 5, 9, 2])
    loaded = checkpoint.load(tmp_path).model
    expected, read = (answered(each, tokens).logits for each in (model, loaded))
    # Weights that lie elsewhere in memory may be summed in another order.
    assert (read - expected).norm() < 1e-5 * expected.norm()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"width": 18}, "width is 18, need a multiple of 4 and of 8 heads"),
        ({"candidates": 0}, "candidates is 0, need at least 1"),
        ({"score_threshold": 1.0}, "score_threshold is 1.0, need a number between 0 and 1"),
    ],
)
def test_an_impossible_size_is_refused(changed, message):
    with pytest.raises(ValueError, match=message):
        InstanceVgConfig(**changed)


def test_the_vote_that_there_is_a_target_is_told_by_itself():
    model = noisy()
    rows = words([0, 5, 9, 2], [0, 7, 30, 2])
    picture = torch.zeros(1, 3, 64, 64)
    with torch.inference_mode():
        prompts = model.prompt(picture, rows, torch.zeros_like(rows, dtype=torch.bool))
        votes = model.segmenter.answer(prompts).no_target_N2
        told = model.segmenter.decode(picture, prompts).existence
    assert torch.equal(told[0], votes[:, 0] - votes[:, 1])
    # A softmax over both is its sigmoid.
    torch.testing.assert_close(told[0].sigmoid(), votes.softmax(1)[:, 0])


def test_it_runs_with_the_weights_that_autocast_rounds_stored_rounded():
    model, tokens = noisy(25), words([0, 5, 9, 2], [0, 7, 30, 2])
    expected = answered(model, tokens)
    round_weights(model, torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = answered(model, tokens)
    # Points may move, and queries with them; the vote that there is a target needs neither. A few
    # dozen layers round to 2^-8 each.
    difference = rounded.existence - expected.existence
    assert 0 < difference.norm() < 2**-4 * expected.existence.norm()
    assert rounded.logits.isfinite().all()
    assert rounded.logits.dtype == torch.float32
