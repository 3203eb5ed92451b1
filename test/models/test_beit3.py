"""Properties of the encoder that hold for any weights."""

import pytest
import torch
from rounding import assert_same
from tiny_networks import ENCODER, randomised

from evf_sam_ros.models.beit3 import Beit3, Beit3Config

PAD, START, END = 1, 0, 2


@pytest.fixture
def encoder():
    torch.manual_seed(1)
    return randomised(Beit3(ENCODER)).eval()


@pytest.fixture
def image():
    return torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(2))


def cls(encoder, image, prompts):
    """Return the fused [CLS] of every prompt, (P, D)."""
    longest = max(map(len, prompts))
    tokens = torch.tensor([[row + [PAD] * (longest - len(row)) for row in prompts]])
    lengths = torch.tensor([len(row) for row in prompts])
    with torch.no_grad():
        return encoder(image, tokens, (torch.arange(longest) >= lengths[:, None])[None])[:, 0]


def test_a_padded_prompt_gives_what_it_gives_alone(encoder, image):
    short, long = [START, 7, END], [START, 8, 9, 10, 11, END]
    together = cls(encoder, image, [short, long])
    assert_same(together[:1], cls(encoder, image, [short]))
    assert_same(together[1:], cls(encoder, image, [long]))
    assert (together[0] - together[1]).abs().max() > 0.1


def test_the_pad_token_counts_where_it_is_not_marked_as_padding(encoder, image):
    row = torch.tensor([[[START, 7, END, PAD, PAD]]])
    with torch.no_grad():
        read = encoder(image, row, torch.zeros_like(row, dtype=torch.bool))[:, 0]
    assert (read - cls(encoder, image, [[START, 7, END]])).abs().max() > 1e-3


def test_word_order_matters(encoder, image):
    one, other = cls(encoder, image, [[START, 7, 8, END], [START, 8, 7, END]])
    assert (one - other).abs().max() > 1e-3


def test_two_images_with_two_prompts_each_give_what_they_give_alone(encoder):
    images = torch.randn(2, 3, 32, 32)
    tokens = torch.tensor([[[0, 5, 2], [0, 6, 2]], [[0, 7, 2], [0, 8, 2]]])
    padding = torch.zeros_like(tokens, dtype=torch.bool)
    with torch.no_grad():
        together = encoder(images, tokens, padding)
        for image in range(2):
            for prompt in range(2):
                alone = encoder(
                    images[image : image + 1],
                    tokens[image, prompt][None, None],
                    padding[image, prompt][None, None],
                )
                assert_same(together[2 * image + prompt], alone[0])


def test_training_attention_equals_that_of_inference(encoder, image):
    tokens = torch.tensor([[[0, 5, 2, 1]]])
    padding = tokens == PAD
    with torch.no_grad():
        inference = encoder(image, tokens, padding)
    visible = [*range(5 + 3)]  # [CLS], four patches, three words
    assert_same(encoder(image, tokens, padding)[:, visible], inference[:, visible])


def test_the_longest_prompt_fits_and_one_more_token_is_refused(encoder, image):
    assert ENCODER.max_tokens == 12
    cls(encoder, image, [[START] + [5] * 10 + [END]])
    with pytest.raises(ValueError, match=r"13 tokens.*at most 12"):
        cls(encoder, image, [[START] + [5] * 11 + [END]])


def test_an_image_of_another_size_is_refused(encoder):
    with pytest.raises(ValueError, match=r"\(32, 48\).*\(32, 32\)"):
        cls(encoder, torch.zeros(1, 3, 32, 48), [[START, END]])


def test_a_width_that_does_not_split_into_heads_is_refused():
    with pytest.raises(ValueError, match=r"width 10 .* heads 3"):
        Beit3Config(width=10, depth=1, heads=3, feed_forward=8)
