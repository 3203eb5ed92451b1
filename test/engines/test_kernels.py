"""Whatever attends is what the fast kernels of GPUs take: where they do not, PyTorch is silent.

The rules are those of PyTorch's flash, cuDNN and memory-efficient attention.
"""

import pytest
import torch
from test_lean import inputs, lean_of, model_and_config, run
from torch.nn import functional

from evf_sam_ros.engines.fusion import InBuckets
from evf_sam_ros.models.variants import VARIANTS, build

ELSEWHERE = torch.device("meta")  # shapes without numbers
WIDEST = 256


@pytest.fixture
def attended(monkeypatch):
    """Return the list of what attention will have been given."""
    given, attend = [], functional.scaled_dot_product_attention

    def noted(query, key, value, attn_mask=None, **others):
        given.append((query, key, value, attn_mask))
        return attend(query, key, value, attn_mask, **others)

    monkeypatch.setattr(functional, "scaled_dot_product_attention", noted)
    return given


@pytest.mark.parametrize("name", ["evf_sam", "evf_sam2", "evf_effisam_l", "evf_effisam_b"])
def test_attention_of_every_published_size_has_a_fast_kernel(name, attended):
    config = VARIANTS[name]
    with ELSEWHERE:
        model = build(config).half()
    given = [part.to(ELSEWHERE) for part in inputs(config, images=1, prompts=2, words=9)]
    given = [part.half() if part.is_floating_point() else part for part in given]
    run(lean_of(model), *given)
    assert len(attended) > 20
    for *parts, mask in attended:
        widths = {part.shape[-1] for part in parts}
        assert len(widths) == 1, "queries, keys and values of several widths"
        assert widths.pop() % 8 == 0
        assert parts[0].shape[-1] <= WIDEST
        assert all(part.stride(-1) == 1 for part in parts)
        if mask is not None:
            assert mask.dtype == parts[0].dtype
            assert mask.stride(-1) == 1
            assert not [step for step in mask.stride()[:-1] if step % 8]


def test_what_is_hidden_is_hidden_without_an_infinity(attended):
    model, config = model_and_config("sam")
    run(lean_of(model), *inputs(config))
    masks = [mask for *_, mask in attended if mask is not None]
    assert masks
    assert all(mask.isfinite().all() for mask in masks)
    assert {mask.min().item() for mask in masks} == {torch.finfo(torch.float16).min}


def test_words_of_any_length_are_a_few_shapes():
    seen = []
    prompt = InBuckets(lambda _, tokens, padding: seen.append((tokens, padding)), most=62)
    for length in range(1, 61):
        tokens = torch.ones(1, 2, length, dtype=torch.long)
        prompt(None, tokens, torch.zeros_like(tokens, dtype=torch.bool))
    assert {tokens.shape[2] for tokens, _ in seen} == {8, 16, 32, 62}
    assert all((tokens == 0).equal(padding) for tokens, padding in seen)
