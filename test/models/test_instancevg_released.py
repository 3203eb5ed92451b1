"""An InstanceVG as its authors publish it: one pickle without config.json."""

from dataclasses import replace

import pytest
import torch
from tiny_instancevg import CONFIG, FILE, noisy, released_state, write_released

from evf_sam_ros.models import checkpoint
from evf_sam_ros.models.instancevg import instancevg_released
from evf_sam_ros.models.variants import VARIANTS
from evf_sam_ros.perception.model_folder import model_folder

TEN = replace(CONFIG, segmenter=replace(CONFIG.segmenter, candidates=10))


@pytest.fixture
def _small(monkeypatch):
    """Put the small model in the place of InstanceVG-B."""
    monkeypatch.setitem(VARIANTS, "instancevg_b", TEN)
    monkeypatch.setattr(instancevg_released, "_WIDTH", 16)
    monkeypatch.setattr(instancevg_released, "_PATCHES", 16)


def rewritten(folder, change):
    content = torch.load(folder / FILE, weights_only=True)
    change(content["state_dict"])
    torch.save(content, folder / FILE)


@pytest.mark.usefixtures("_small")
@pytest.mark.parametrize("prefix", ["", "module."])
def test_a_released_file_is_recognised_and_loaded_to_the_bit(tmp_path, prefix):
    model = noisy(config=TEN)
    write_released(tmp_path, model, TEN, prefix=prefix, with_sizes=False)
    assert model_folder(tmp_path) == tmp_path
    loaded = checkpoint.load(tmp_path)
    ours = model.state_dict()
    assert loaded.model.state_dict().keys() == ours.keys()
    assert all(torch.equal(each, ours[name]) for name, each in loaded.model.state_dict().items())
    assert loaded.config == TEN


def test_the_published_size_is_what_its_authors_configured():
    config = VARIANTS["instancevg_b"]
    assert config.image_input.size == (320, 320)
    assert config.encoder.max_tokens == 50
    assert (config.segmenter.score_threshold, config.segmenter.candidates) == (0.7, 10)


@pytest.mark.usefixtures("_small")
@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (1, "with 1 query, as those trained on RefCOCO: it answers every sentence; need one"),
        (7, r"with 7 queries, published ones that may say 'not there' have 10 \(gRefCOCO"),
    ],
)
def test_a_file_of_another_number_of_queries_is_refused(tmp_path, rows, message):
    write_released(tmp_path, config=TEN, with_sizes=False)

    def change(state):
        state["head.query_generation.query_embed.weight"] = torch.ones(rows, 16)

    rewritten(tmp_path, change)
    with pytest.raises(ValueError, match=message):
        checkpoint.load(tmp_path)


def test_a_file_of_another_size_is_refused(tmp_path):
    write_released(tmp_path, config=TEN, with_sizes=False)
    with pytest.raises(ValueError, match="width 16 and 16 patches, published ones have 768 and 4"):
        checkpoint.load(tmp_path)


def test_a_config_json_may_describe_another_size(tmp_path):
    write_released(tmp_path)
    assert checkpoint.load(tmp_path).config == CONFIG


@pytest.mark.usefixtures("_small")
@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "head.query_generation.query_embed.weight",
            "query_embed.weight is not there as a matrix",
        ),
        ("vis_enc.beit3.text_embed.weight", "text_embed.weight is not there as a matrix"),
        ("head.mask.weight", "do not fit its model: unexpected head.mask.weight"),
        ("head.seg_branch.predict.bias", "do not fit its model: missing segmenter.mask.bias"),
        ("head.class_embed.0.bias", "class_embed.1.bias differs from that of the first layer"),
    ],
)
def test_a_tensor_too_few_or_too_many_is_named(tmp_path, name, message):
    write_released(tmp_path, config=TEN, with_sizes=False)

    def change(state):
        if state.pop(name, None) is None:
            state[name] = torch.ones(1)

    rewritten(tmp_path, change)
    with pytest.raises(ValueError, match=message):
        checkpoint.load(tmp_path)


def test_what_no_answer_needs_changes_none(tmp_path):
    state = released_state(noisy())
    kept = checkpoint.from_released(state)
    assert len(kept) < len(state)
    assert torch.equal(kept["segmenter.reader.own_value"], noisy().segmenter.reader.own_value)


def test_semantic_prompts_are_a_choice_of_evf_sam_alone(tmp_path):
    write_released(tmp_path)
    with pytest.raises(
        ValueError, match="semantic is a choice of EVF-SAM only, this model is Ins"
    ):
        checkpoint.load(tmp_path, {"semantic": True})
