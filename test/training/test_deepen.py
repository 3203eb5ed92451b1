"""Deepening: new layers that at first change nothing, and can learn."""

from dataclasses import replace

import pytest
import torch
from rounding import assert_same

from evf_sam_ros.models.variants import VARIANTS, build
from evf_sam_ros.training.deepen import deepened

SHALLOW = replace(VARIANTS["tabletop"], encoder=replace(VARIANTS["tabletop"].encoder, depth=2))
DEEP = replace(SHALLOW, encoder=replace(SHALLOW.encoder, depth=4))


@pytest.fixture
def models():
    torch.manual_seed(0)
    shallow, deep = build(SHALLOW), build(DEEP)
    deep.load_state_dict(deepened(shallow.state_dict(), (0, 0, 1, 1)))
    return shallow, deep


def prompts(model):
    height, width = SHALLOW.fusion_input.size
    image = torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(1))
    return model.prompt(image, torch.tensor([[[0, 5, 6, 2]]]), torch.zeros(1, 1, 4).bool())


def test_a_deepened_model_says_what_it_said_before(models):
    assert_same(*(prompts(model) for model in models))


def test_its_new_layers_learn(models):
    prompts(models[1]).square().sum().backward()
    new = models[1].encoder.layers[1].ffn.A.fc2.weight
    assert not new.detach().any()
    assert new.grad.any()


@pytest.mark.parametrize("order", [(0, 0), (1, 0), (0, 1, 2), (0, 1, 0)])
def test_an_order_that_loses_or_swaps_layers_is_refused(models, order):
    with pytest.raises(ValueError, match="need each of 0 to 1 in turn"):
        deepened(models[0].state_dict(), order)
