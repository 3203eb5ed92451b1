"""Engines that run a DeRIS."""

import pytest
import torch
from tiny_deris import CONFIG, noisy

from evf_sam_ros.engines.engine import ENGINES, engine_for
from evf_sam_ros.engines.proof import PlainEngine, answers, error_of

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def model():
    return noisy()


@pytest.mark.parametrize("name", ["auto", "torch", "plain"])
def test_an_engine_gives_the_answers_of_the_model(model, name):
    engine = engine_for(name, model, CONFIG, CPU, "fp32")
    expected = answers(model, CONFIG, PlainEngine(model))
    assert error_of(expected, answers(model, CONFIG, engine)) == 0.0


@pytest.mark.parametrize("name", sorted({*ENGINES} - {"auto", "torch", "plain"}))
def test_engines_for_one_token_per_prompt_refuse_it(model, name):
    with pytest.raises(ValueError, match="does not run models with object queries, need one of"):
        engine_for(name, model, CONFIG, CPU, "fp32")


def test_half_precision_gives_numbers_of_its_own(model):
    expected = answers(model, CONFIG, PlainEngine(model))
    rounded = answers(model, CONFIG, PlainEngine(model), torch.bfloat16)
    assert all(logits.isfinite().all() for logits in rounded)
    assert error_of(expected, rounded) > 0
