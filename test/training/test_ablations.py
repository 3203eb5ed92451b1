"""The ablations' models: what prompts, what learns, and that they start where the default is."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from evf_sam_ros.cli import main
from evf_sam_ros.evaluation.paper_parameters import MODELS
from evf_sam_ros.models import checkpoint
from evf_sam_ros.perception.model_folder import model_folder
from evf_sam_ros.training import ablations
from evf_sam_ros.training.ablations import ROWS, Prompted, class_sentences, model_of

HERE = Path(__file__).parent
sys.path += [str(HERE), str(HERE.parent / "models")]
import tiny_networks  # noqa: E402
from written_data import write_refcoco  # noqa: E402

BY_LABEL = {(row.table, row.label): row for row in ROWS}
SETTINGS = dict.fromkeys(row.setting for row in ROWS)


def words(model, *numbers):
    tokens = torch.tensor([[list(numbers)]])
    return tokens, torch.zeros_like(tokens, dtype=torch.bool)


def pictures(model, value):
    return torch.full((1, 3, *model.encoder.config.image_size), float(value))


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.folder)
def test_every_setting_prompts_the_segmenter_of_the_default(setting):
    model, config = model_of(setting)
    with torch.no_grad():
        prompt = model.prompt(pictures(model, 0.5), *words(model, 0, 5, 6, 2))
    assert prompt.shape == (1, 1, model.segmenter.prompt_width)
    default = checkpoint.load(model_folder("default")).model
    same = model.encoder.state_dict()
    assert all(torch.equal(same[k], v) for k, v in default.encoder.state_dict().items())
    assert not torch.equal(model.projector[-1].weight, default.projector[-1].weight)
    assert config.encoder.fusion == setting.fusion


def test_text_alone_does_not_see_the_picture_and_the_others_do():
    for label, sees in (("text", False), ("late", True), ("early, in all layers", True)):
        model, _ = model_of(BY_LABEL[3, label].setting)
        with torch.no_grad():
            one, other = (
                model.eval().prompt(pictures(model, value), *words(model, 0, 5, 6, 2))
                for value in (0.0, 1.0)
            )
        assert torch.equal(one, other) is not sees


def test_the_features_are_the_tokens_their_names_say():
    model, _ = model_of(BY_LABEL[5, "image CLS"].setting)
    fused = torch.arange(2 * 8 * 3.0).reshape(2, 8, 3)  # [CLS], 3 patches, 4 words
    chosen = {
        feature: Prompted(model, feature)._chosen(fused, 4)
        for feature in ("image_cls", "text_cls", "average", "both_cls")
    }
    assert torch.equal(chosen["image_cls"], fused[:, 0])
    assert torch.equal(chosen["text_cls"], fused[:, 4])
    assert torch.equal(chosen["average"], fused[:, 1:4].mean(1))
    assert torch.equal(chosen["both_cls"], torch.cat([fused[:, 0], fused[:, 4]], -1))


def test_a_setting_that_has_a_result_is_not_trained_again_for_another_row(tmp_path, monkeypatch):
    same = [BY_LABEL[4, "and both"], BY_LABEL[5, "image CLS"]]
    assert same[0].setting == same[1].setting
    (tmp_path / same[0].setting.folder).mkdir()
    measured = {"ciou": 0.5, "steps": 3, "learning_m": 2.2}
    (tmp_path / same[0].setting.folder / "result.json").write_text(json.dumps(measured))
    monkeypatch.setattr(ablations, "_data", lambda root, scenes: root)
    results = ablations.run(tmp_path, same, steps=3, scenes=1)
    assert [one["label"] for one in results] == ["and both", "image CLS"]
    assert all(one["ciou"] == 0.5 for one in results)


def test_settings_that_differ_are_kept_apart():
    assert len({setting.folder for setting in SETTINGS}) == len(SETTINGS)


def test_the_sentence_of_a_class_means_all_of_it():
    index = {
        "categories": [{"id": 1, "name": "mug"}, {"id": 2, "name": "box"}],
        "annotations": [
            {"id": 10, "image_id": 7, "category_id": 1},
            {"id": 11, "image_id": 7, "category_id": 2},
            {"id": 12, "image_id": 7, "category_id": 1},
        ],
    }
    assert class_sentences(index, "[semantic] ") == [
        {"image_id": 7, "ann_ids": [10, 12], "text": "[semantic] mug"},
        {"image_id": 7, "ann_ids": [11], "text": "[semantic] box"},
    ]


def test_the_recipe_refer_trains_the_encoders_of_table_3_from_nothing(tmp_path, monkeypatch):
    late = replace(tiny_networks.SAM, encoder=replace(tiny_networks.ENCODER, fusion="late"))
    assert "beit3_l_late" in MODELS
    monkeypatch.setitem(MODELS, "beit3_l_late", late)
    pieces = Tokenizer(WordLevel({"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3}, "<unk>"))
    pieces.pre_tokenizer = Whitespace()
    pieces.save(str(tmp_path / "tokenizer.json"))
    arguments = ["train", "--recipe", "refer", "--variant", "beit3_l_late", "--steps", "1"]
    arguments += ["--data", str(write_refcoco(tmp_path / "data")), "--source", "refcoco/train"]
    arguments += ["--tokenizer", str(tmp_path / "tokenizer.json"), "--no-bfloat16"]
    arguments += ["--batch", "2", "--images", "2", "-o", str(tmp_path / "run")]
    assert main(arguments) == 0
    assert checkpoint.load(tmp_path / "run" / "model").config == late


@pytest.mark.slow
def test_the_recipe_trains_rows_and_measures_them(tmp_path, monkeypatch):
    monkeypatch.setattr(ablations, "HELD_OUT_BATCHES", 2)
    rows = [BY_LABEL[4, "projector alone"], BY_LABEL[7, 'and "[semantic] mug"']]
    frozen, classes = ablations.run(tmp_path, rows, steps=2, scenes=8)
    assert 0 <= frozen["ciou"] <= 1
    assert frozen["learning_m"] < 0.1 < classes["learning_m"]
