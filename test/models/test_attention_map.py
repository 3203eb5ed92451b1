"""Attention maps against attention computed by hand."""

import pytest
import torch
from rounding import assert_same
from tiny_networks import ENCODER, randomised

from evf_sam_ros.models.attention_map import recorded_attention
from evf_sam_ros.models.beit3 import Beit3

PAD = 1


@pytest.fixture
def encoder():
    torch.manual_seed(1)
    return randomised(Beit3(ENCODER)).eval()


@pytest.fixture
def inputs():
    images = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(2))
    tokens = torch.tensor([[[0, 5, 6, 2], [0, 7, 2, PAD]]])
    return images, tokens, tokens == PAD


def test_it_is_the_softmax_of_the_last_layer_averaged_over_heads(encoder, inputs):
    states = []
    last = encoder.layers[-1]
    last.register_forward_pre_hook(lambda _, given: states.append(given[0]))
    with torch.no_grad(), recorded_attention(encoder) as maps:
        encoder(*inputs)
    (seen,), (tokens,) = maps, states
    vision = 1 + ENCODER.patches
    assert seen.shape == (2, 2, 2)
    for prompt, length in ((0, 4), (1, 3)):  # the pad is no key
        row = tokens[prompt : prompt + 1, : vision + length]
        normed = last.self_attn_layer_norm(row, vision)[0]
        query = last.self_attn.q_proj.A(normed[0])
        keys = torch.cat(
            [last.self_attn.k_proj.A(normed[:vision]), last.self_attn.k_proj.B(normed[vision:])]
        )
        width = ENCODER.width // ENCODER.heads
        expected = torch.zeros(vision + length)
        for head in range(ENCODER.heads):
            part = slice(head * width, (head + 1) * width)
            scores = keys[:, part] @ query[part] / width**0.5
            expected += scores.softmax(0) / ENCODER.heads
        assert_same(seen[prompt].flatten(), expected[1:vision].detach())


def test_recording_changes_nothing_and_leaves_nothing_behind(encoder, inputs):
    with torch.no_grad():
        before = encoder(*inputs)
        with recorded_attention(encoder) as maps:
            during = encoder(*inputs)
        encoder(*inputs)
    assert torch.equal(before, during)
    assert len(maps) == 1


def test_an_encoder_of_another_kind_is_refused():
    with (
        pytest.raises(ValueError, match="BEIT-3 only, this is Linear"),
        recorded_attention(torch.nn.Linear(1, 1)),
    ):
        pass
