"""The ablations' models: what prompts, what learns, and that they start where the default is."""

import json

import pytest
import torch

from evf_sam_ros.models import checkpoint
from evf_sam_ros.perception.predictor import model_folder
from evf_sam_ros.training import ablations
from evf_sam_ros.training.ablations import ROWS, Prompted, model_of

BY_LABEL = {(row.table, row.label): row for row in ROWS}


def words(model, *numbers):
    tokens = torch.tensor([[list(numbers)]])
    return tokens, torch.zeros_like(tokens, dtype=torch.bool)


def pictures(model, value):
    return torch.full((1, 3, *model.encoder.config.image_size), float(value))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.folder)
def test_every_row_prompts_the_segmenter_of_the_default(row):
    model, config = model_of(row)
    with torch.no_grad():
        prompt = model.prompt(pictures(model, 0.5), *words(model, 0, 5, 6, 2))
    assert prompt.shape == (1, 1, model.segmenter.prompt_width)
    default = checkpoint.load(model_folder("default")).model
    same = model.encoder.state_dict()
    assert all(torch.equal(same[k], v) for k, v in default.encoder.state_dict().items())
    assert not torch.equal(model.projector[-1].weight, default.projector[-1].weight)
    assert config.encoder.fusion == row.fusion


def test_text_alone_does_not_see_the_picture_and_the_others_do():
    for label, sees in (("text", False), ("late", True), ("early, all 5 layers", True)):
        model, _ = model_of(BY_LABEL[3, label])
        with torch.no_grad():
            one, other = (
                model.eval().prompt(pictures(model, value), *words(model, 0, 5, 6, 2))
                for value in (0.0, 1.0)
            )
        assert torch.equal(one, other) is not sees


def test_the_features_are_the_tokens_their_names_say():
    model, _ = model_of(BY_LABEL[5, "image CLS"])
    fused = torch.arange(2 * 8 * 3.0).reshape(2, 8, 3)  # [CLS], 3 patches, 4 words
    chosen = {
        feature: Prompted(model, feature)._chosen(fused, 4)
        for feature in ("image_cls", "text_cls", "average", "both_cls")
    }
    assert torch.equal(chosen["image_cls"], fused[:, 0])
    assert torch.equal(chosen["text_cls"], fused[:, 4])
    assert torch.equal(chosen["average"], fused[:, 1:4].mean(1))
    assert torch.equal(chosen["both_cls"], torch.cat([fused[:, 0], fused[:, 4]], -1))


def test_a_row_that_has_a_result_is_not_trained_again(tmp_path, monkeypatch):
    row = BY_LABEL[4, "and both"]
    (tmp_path / row.folder).mkdir()
    result = {"table": 4, "label": row.label, "paper": 83.7, "ciou": 0.5, "learning_m": 2.2}
    (tmp_path / row.folder / "result.json").write_text(json.dumps(result))
    monkeypatch.setattr(ablations, "_data", lambda root, scenes: root)
    assert ablations.run(tmp_path, [row], steps=1, scenes=1) == [result]


@pytest.mark.slow
def test_the_recipe_trains_a_row_and_measures_it(tmp_path):
    row = BY_LABEL[4, "projector alone"]
    (result,) = ablations.run(tmp_path, [row], steps=2, scenes=8)
    assert 0 <= result["ciou"] <= 1
    assert result["learning_m"] < 0.1
