"""A DeRIS as its authors publish it: one pickle without config.json."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_deris import CONFIG, noisy, released_state

from evf_sam_ros.models import checkpoint
from evf_sam_ros.models.config_document import document_from_config
from evf_sam_ros.models.deris.released import training_by_name
from evf_sam_ros.models.variants import VARIANTS, build
from evf_sam_ros.perception.decision import Calibration
from evf_sam_ros.perception.model_folder import model_folder
from evf_sam_ros.training.calibration_fit import store

NAME = "deris_b_grefcoco.pth"


@pytest.fixture
def small(monkeypatch):
    """Put the small model in the place of DeRIS-B."""
    segmenter = replace(CONFIG.segmenter, queries=replace(CONFIG.segmenter.queries, queries=20))
    config = replace(CONFIG, segmenter=segmenter)
    monkeypatch.setitem(VARIANTS, "deris_b", config)
    monkeypatch.setattr("evf_sam_ros.models.deris.released.SIZES", {16: "deris_b"})
    return config


def with_queries(config, count):
    queries = replace(config.segmenter.queries, queries=count)
    return replace(config, segmenter=replace(config.segmenter, queries=queries))


def write(folder, config, name=NAME, prefix="", **others):
    model = noisy(config=config)
    state = {prefix + key: value for key, value in released_state(model).items()}
    folder.mkdir(exist_ok=True)
    torch.save({"state_dict": state, **others}, folder / name)
    return model


def test_a_released_file_is_recognised_and_loaded_to_the_bit(small, tmp_path):
    written = write(tmp_path, small, epoch=5, optimizer={"state": {}, "lr": 1e-4})
    loaded = checkpoint.load(tmp_path)
    ours = written.state_dict()
    assert loaded.model.state_dict().keys() == ours.keys()
    assert all(torch.equal(each, ours[name]) for name, each in loaded.model.state_dict().items())
    assert loaded.config.segmenter == small.segmenter
    assert loaded.config.encoder.max_tokens == min(50, small.encoder.text_positions - 2)


def test_the_prefix_of_a_wrapper_is_dropped(small, tmp_path):
    write(tmp_path, small, prefix="module.")
    assert checkpoint.load(tmp_path).config.segmenter == small.segmenter


def test_the_folder_is_found_without_a_config_json(small, tmp_path):
    write(tmp_path, small)
    assert model_folder(tmp_path) == tmp_path.resolve()


def test_a_decision_that_was_added_later_does_no_harm(small, tmp_path):
    write(tmp_path, small)
    calibration = Calibration(weights={"presence": 2.0}, bias=0.25, threshold=0.625)
    store(tmp_path, calibration)
    loaded = checkpoint.load(tmp_path)
    assert Calibration.from_config(loaded.document) == calibration
    assert loaded.config.segmenter == small.segmenter


def test_a_refcoco_checkpoint_has_its_own_threshold_and_shorter_sentences(small, tmp_path):
    write(tmp_path, with_queries(small, 10), name="deris_b_refcoco.pth")
    config = checkpoint.load(tmp_path).config
    assert config.segmenter.score_threshold == 0.9
    assert config.segmenter.queries.queries == 10
    assert config.encoder.most_tokens == 20


def refused(folder, message, **settings):
    with pytest.raises(ValueError, match=message) as caught:
        checkpoint.load(folder, **settings)
    assert "\n" not in str(caught.value)


def test_a_file_named_grefcoco_with_the_queries_of_refcoco_is_refused(small, tmp_path):
    write(tmp_path, with_queries(small, 10))
    refused(
        tmp_path,
        "is to be a DeRIS trained on grefcoco, which has 20 queries, but its weights have 10, "
        "as those trained on refcoco: take another checkpoint",
    )


def test_a_refcoco_checkpoint_is_refused_where_grefcoco_is_asked_for(small, tmp_path):
    write(tmp_path, with_queries(small, 10), name="last.pth")
    refused(tmp_path, "trained on grefcoco", behaviour={"trained_on": "grefcoco"})
    assert checkpoint.load(tmp_path, {"trained_on": "refcoco"})


def test_a_model_of_ones_own_is_not_said_to_be_trained_on_either(tmp_path):
    checkpoint.save(noisy(), CONFIG, tmp_path)
    refused(
        tmp_path,
        "trained on refcoco, which has 10 queries, but its weights have 5: take another",
        behaviour={"trained_on": "refcoco"},
    )


def test_another_number_of_queries_is_refused(small, tmp_path):
    write(tmp_path, with_queries(small, 15))
    refused(tmp_path, r"with 15 queries, published ones have 20 \(grefcoco\), 10 \(refcoco\)")


def test_another_size_is_refused_with_the_published_ones(tmp_path):
    write(tmp_path, with_queries(CONFIG, 20))
    refused(tmp_path, r"BEIT-3 of width 16, published ones have 768 \(deris_b\), 1024 \(deris_l\)")


def test_another_size_is_loaded_with_a_config_json_that_describes_it(tmp_path):
    write(tmp_path, CONFIG, name="pytorch_model.bin")
    (tmp_path / "config.json").write_text(
        json.dumps({"evf_sam_ros": document_from_config(CONFIG)})
    )
    assert checkpoint.load(tmp_path).config == CONFIG


def test_a_missing_tensor_is_named(small, tmp_path):
    write(tmp_path, small)
    path = tmp_path / NAME
    content = torch.load(path, weights_only=True)
    del content["state_dict"]["perception_branch.predictor.SEG_cls.bias"]
    torch.save(content, path)
    refused(tmp_path, "do not fit its model: missing segmenter.decoder.score.bias")


def test_a_tensor_that_nobody_knows_is_refused(small, tmp_path):
    write(tmp_path, small)
    path = tmp_path / NAME
    content = torch.load(path, weights_only=True)
    content["state_dict"]["perception_branch.surprise.weight"] = torch.zeros(2)
    torch.save(content, path)
    refused(tmp_path, "unexpected perception_branch.surprise.weight")


def test_numbers_of_numpy_beside_the_weights_do_no_harm(small, tmp_path):
    scores = {"det_best": np.float64(0.7), "epoch": np.int64(5), "amsgrad": np.bool_(True)}
    write(tmp_path, small, **scores)
    assert checkpoint.load(tmp_path).config.segmenter == small.segmenter


def test_an_object_array_of_numpy_is_refused(small, tmp_path):
    write(tmp_path, small, names=np.array([{"a": 1}], object))
    refused(tmp_path, "holds something else than tensors, which could run code")


def test_a_pickle_that_could_run_code_is_refused(small, tmp_path):
    write(tmp_path, small, meta=Path("x"))
    refused(tmp_path, "holds something else than tensors, which could run code")


def test_several_checkpoints_in_one_folder_are_refused(small, tmp_path):
    write(tmp_path, small)
    shutil.copy(tmp_path / NAME, tmp_path / "deris_b_refcoco.pth")
    refused(tmp_path, "several checkpoints, need one per folder: deris_b_grefcoco.pth")


@pytest.mark.parametrize(
    ("names", "data"),
    [
        (["DeRIS-L-gRefCOCO"], "grefcoco"),
        (["deris_b_refcoco"], "refcoco"),
        (["models", "DERIS-B-RefCOCO-mix"], "refcoco"),
        (["grefcoco_best", "refcoco"], "grefcoco"),
        (["latest"], None),
    ],
)
def test_the_name_tells_the_data(names, data):
    assert training_by_name(names) == data


def test_other_models_have_no_such_choice(tmp_path):
    checkpoint.save(build(VARIANTS["tabletop"]), VARIANTS["tabletop"], tmp_path)
    refused(tmp_path, "trained_on is a matter of DeRIS", behaviour={"trained_on": "grefcoco"})
