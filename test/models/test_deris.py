"""DeRIS at a small size, without golden data."""

import pytest
import torch
from tiny_deris import CONFIG, SIDE, SWIN, noisy

from evf_sam_ros.models import checkpoint
from evf_sam_ros.models.config_document import config_from_document, document_from_config
from evf_sam_ros.models.deris.deris_config import DerisConfig, SwinConfig
from evf_sam_ros.models.deris.query_segmenter import selected
from evf_sam_ros.models.deris.swin import distance_rows, parts_apart
from evf_sam_ros.models.variants import VARIANTS

TOKENS = torch.tensor([[[0, 7, 8, 9, 2], [0, 9, 2, 1, 1]], [[0, 5, 6, 2, 1], [0, 30, 31, 32, 2]]])


@pytest.fixture(scope="module")
def model():
    return noisy()


def pictures(seed=0):
    generator = torch.Generator().manual_seed(seed)
    return (
        torch.randn(2, 3, 32, 32, generator=generator),
        torch.randn(2, 3, SIDE, SIDE, generator=generator),
    )


def answered(model, fusions, images, tokens):
    with torch.inference_mode():
        features = model.segmenter.encode(images)
        return model.segmenter.answer(features, model.prompt(fusions, tokens, tokens == 1))


def test_prompts_and_pictures_run_together_answer_as_each_alone(model):
    fusions, images = pictures()
    together = answered(model, fusions, images, TOKENS)
    for picture in range(2):
        for prompt in range(2):
            own = TOKENS[picture, prompt]
            own = own[own != 1][None, None]
            one = slice(picture, picture + 1)
            alone = answered(model, fusions[one], images[one], own)
            row = 2 * picture + prompt
            for stage in ("masks_NQHW", "scores_NQ", "existence_N"):
                expected = getattr(alone, stage)[0]
                difference = getattr(together, stage)[row] - expected
                # Sums in another order; sentences that see each other differ by some tenths.
                assert difference.norm() < 1e-3 * expected.norm(), stage


def test_the_words_change_the_answer(model):
    answer = answered(model, *pictures(), TOKENS)
    assert (answer.scores_NQ[0] - answer.scores_NQ[1]).abs().max() > 1e-3


def decoded(model, threshold):
    settings = model.segmenter.config
    object.__setattr__(settings, "score_threshold", threshold)
    try:
        fusions, images = pictures()
        with torch.inference_mode():
            return model(fusions, images, TOKENS, TOKENS == 1), answered(
                model, fusions, images, TOKENS
            )
    finally:
        object.__setattr__(settings, "score_threshold", 0.5)


def test_the_presence_is_above_zero_exactly_where_a_query_is_selected(model):
    _, answer = decoded(model, 0.5)
    best = answer.scores_NQ.amax(1).sort().values
    between = float((best[1] + best[2]) / 2)  # two of four sentences are above
    said, _ = decoded(model, between)
    chosen = selected(answer.scores_NQ, between).any(1)
    assert chosen.sum() == 2
    assert ((said.presence.flatten() > 0) == chosen).all()


def test_the_mask_is_the_union_of_the_selected_queries(model):
    said, answer = decoded(model, 1e-6)  # all of them
    union = (answer.masks_NQHW > 0).any(1)
    assert ((said.logits.flatten(0, 1) > 0) == union).all()


def test_where_none_is_selected_the_likeliest_query_shows_its_mask(model):
    said, answer = decoded(model, 1 - 1e-6)
    best = answer.scores_NQ.argmax(1)
    assert (said.presence < 0).all()
    expected = answer.masks_NQHW[torch.arange(4), best]
    torch.testing.assert_close(said.logits.flatten(0, 1), expected)


def test_a_saved_model_is_the_same_when_it_is_loaded(model, tmp_path):
    checkpoint.save(model, CONFIG, tmp_path)
    loaded = checkpoint.load(tmp_path)
    assert loaded.config == CONFIG
    fusions, images = pictures()
    with torch.inference_mode():
        pair = [
            each(fusions, images, TOKENS, TOKENS == 1).logits for each in (model, loaded.model)
        ]
    torch.testing.assert_close(*pair, atol=0, rtol=0)


@pytest.mark.parametrize("name", ["deris_b", "deris_l"])
def test_a_published_size_survives_its_document(name):
    assert config_from_document(document_from_config(VARIANTS[name]), name) == VARIANTS[name]


def test_a_prompt_has_at_most_fifty_tokens():
    assert VARIANTS["deris_l"].encoder.max_tokens == 50
    assert VARIANTS["evf_sam"].encoder.max_tokens == 1022


def test_a_picture_of_another_size_is_refused(model):
    with pytest.raises(ValueError, match=r"the image is \(32, 32\), this model takes 64 x 64"):
        model.segmenter.encode(torch.zeros(1, 3, 32, 32))


def test_rows_of_the_bias_table_count_from_the_upper_left():
    # Of 2 x 2 cells, distances go from -1 to 1: row 3 * (down + 1) + (across + 1).
    assert distance_rows(2).tolist() == [[4, 3, 1, 0], [5, 4, 2, 1], [7, 6, 4, 3], [8, 7, 5, 4]]


def test_a_single_window_is_cut_into_four_parts():
    apart = parts_apart((4, 4), 4, torch.zeros(1)) != 0
    assert apart.shape == (1, 16, 16)
    # The shift by 2 brings the upper two rows below the others, and the columns likewise.
    assert [bool(apart[0, 0, cell]) for cell in (5, 8, 2)] == [False, True, True]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"image_side": 48}, "image_side is 48, need a multiple of 32"),
        ({"width": 40}, "width is 40, need a multiple of 32 groups"),
        ({"score_threshold": 1.0}, "score_threshold is 1.0, need a number between 0 and 1"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        DerisConfig(**{"swin": SWIN, "score_threshold": 0.5, **settings})


def test_a_swin_with_heads_for_another_number_of_stages_is_refused():
    with pytest.raises(ValueError, match=r"heads are \(1, 2\), need 4"):
        SwinConfig(width=8, heads=(1, 2), window=3)
