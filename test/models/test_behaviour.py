"""Treatment of checkpoints: their own defaults, config.json, and a user's wishes."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from tiny_networks import EFFICIENT_SAM, SAM, SAM_2, randomised

from evf_sam_ros.models import checkpoint
from evf_sam_ros.models.behaviour import Behaviour, applied, behaviour_of, names_of
from evf_sam_ros.models.variants import VARIANTS, build

OLD = Behaviour(resizing="legacy", masks="stable")
NEW = Behaviour(resizing="inference", masks="best", semantic=True)
CACHED = Path("hub/models--YxZhang--evf-sam2/snapshots/0123abcd")


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("weights/evf-sam", Behaviour()),
        ("weights/evf-sam-multitask", Behaviour(semantic=True)),
        ("weights/evf-sam2", OLD),
        (CACHED, OLD),
        (
            "weights/evf-sam2-multitask",
            Behaviour(resizing="inference", masks="best", semantic=True),
        ),
        ("weights/my-own", Behaviour()),
    ],
)
def test_a_published_checkpoint_is_known_by_its_name(folder, expected):
    assert behaviour_of(SAM_2, {}, names_of({}, Path(folder))) == expected


def test_a_folder_of_any_name_may_state_what_it_was():
    document = {"_name_or_path": "YxZhang/evf-sam2"}
    assert behaviour_of(SAM_2, document, names_of(document, Path("x"))) == OLD
    there = names_of(document, Path("weights/evf-sam2-multitask"))
    assert behaviour_of(SAM_2, document, there).semantic


def test_config_json_wins_over_the_name_and_the_user_over_both():
    document = {"behaviour": {"masks": "best"}}
    assert behaviour_of(SAM_2, document, ["evf-sam2"]) == replace(OLD, masks="best")
    wanted = {"resizing": "dataset", "semantic": True}
    assert behaviour_of(SAM_2, document, ["evf-sam2"], wanted) == Behaviour(
        resizing="dataset", masks="best", semantic=True
    )


def test_another_model_under_a_published_name_is_left_alone():
    assert behaviour_of(SAM, {}, ["evf-sam2"]) == Behaviour()


@pytest.mark.parametrize("config", [EFFICIENT_SAM, SAM_2])
@pytest.mark.parametrize(
    ("resizing", "resize"), [("inference", "sample"), ("dataset", "stretch"), ("legacy", "twice")]
)
def test_a_resizing_changes_the_image_input_and_nothing_else(config, resizing, resize):
    treated = applied(Behaviour(resizing=resizing), config)
    assert treated == replace(config, image_input=replace(config.image_input, resize=resize))


def test_sam_is_resized_alike_by_all():
    for resizing in ("inference", "dataset", "legacy"):
        assert applied(Behaviour(resizing=resizing), SAM) == SAM


@pytest.mark.parametrize(
    ("config", "behaviour", "complaint"),
    [
        (SAM, {"masks": "best"}, "choice of SAM-2 only, this model is Sam$"),
        (VARIANTS["tabletop"], {"resizing": "dataset"}, "not a choice of this model.* Compact"),
        (SAM_2, {"masks": "worst"}, "masks is 'worst', need one of"),
        (SAM_2, {"resizing": "crop"}, "resizing is 'crop', need one of"),
        (SAM_2, {"semantic": "yes"}, "semantic is 'yes', need true or false"),
        (SAM_2, {"colour": "blue"}, "no 'colour', need one of resizing, masks, semantic"),
    ],
)
def test_what_cannot_be_is_refused_with_what_can(config, behaviour, complaint):
    with pytest.raises(ValueError, match=complaint):
        applied(behaviour_of(config, {}, [], behaviour), config)


def test_an_entry_of_another_kind_is_refused():
    with pytest.raises(ValueError, match="behaviour = 'old', need an object"):
        behaviour_of(SAM_2, {"behaviour": "old"}, [])


def test_loading_treats_the_model_accordingly(tmp_path):
    folder = tmp_path / "evf-sam2"  # but with a configuration of its own, which counts
    checkpoint.save(randomised(build(SAM_2)), SAM_2, folder)
    assert checkpoint.load(folder).config == SAM_2
    loaded = checkpoint.load(folder, {"masks": "stable", "resizing": "legacy"})
    assert loaded.behaviour == OLD
    assert loaded.model.segmenter.masks == "stable"
    assert loaded.config.image_input.resize == "twice"
    checkpoint.save(loaded.model, loaded.config, tmp_path / "again")
    assert checkpoint.load(tmp_path / "again").config == loaded.config


def test_a_released_folder_is_known_by_its_name(tmp_path, monkeypatch):
    monkeypatch.setitem(VARIANTS, "evf_sam2", SAM_2)
    folder = tmp_path / "evf-sam2"
    checkpoint.save(randomised(build(SAM_2)), SAM_2, folder)
    scales = {"model_type": "evf", "sam_scale": "large", "mm_extractor_scale": "large"}
    monkeypatch.setattr(checkpoint, "_released_variant", lambda *_: "evf_sam2")
    (folder / "config.json").write_text(json.dumps(scales))
    assert checkpoint.load(folder).behaviour == OLD
    (folder / "config.json").write_text(json.dumps({**scales, "behaviour": {"masks": "best"}}))
    assert checkpoint.load(folder).model.segmenter.masks == "best"
