"""Arithmetic is counted, attention with it, without running a model."""

import pytest
from tiny_networks import EFFICIENT_SAM

from evf_sam_ros.engines.measure import work
from evf_sam_ros.models.variants import VARIANTS


def test_an_image_encoder_is_what_a_reader_counts():
    found = work(EFFICIENT_SAM, prompts=1, words=4)["encode"]
    tokens, width, hidden, prompt = 16, 16, 64, 32  # of an image of 64 pixels, patches of 16
    block = 4 * tokens * width**2 + 2 * tokens**2 * width + 2 * tokens * width * hidden
    patches = tokens * 3 * 16**2 * width
    neck = tokens * (width * prompt + 9 * prompt**2)
    assert found == pytest.approx(2e-9 * (patches + block + neck))


def test_prompts_cost_the_words_and_the_decoder_once_each():
    one, many = (work(EFFICIENT_SAM, count, words=4) for count in (1, 8))
    assert many["encode"] == one["encode"]
    assert many["decode"] < 8 * one["decode"]  # what they share is done once
    assert one["prompt"] < many["prompt"] <= 8 * one["prompt"]


def test_what_fills_up_windows_is_not_counted_as_work():
    # The exact minimum of SAM's ViT-H at 1024 pixels; as written it is 5961.
    assert work(VARIANTS["evf_sam"], 1, 16)["encode"] == pytest.approx(5666, rel=1e-3)
