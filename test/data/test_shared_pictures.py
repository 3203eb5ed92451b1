"""Evaluation pictures are not trained on, though data sets share pictures."""

import published_files as files
import pytest

from evf_sam_ros.cli import main
from evf_sam_ros.data import catalogue, shared_pictures
from evf_sam_ros.training.referring import ReferOptions, rates_of, read_sources

REFS = [files.ref(0, 11, "train", "the red mug"), files.ref(1, 21, "train", "left mug")]


@pytest.fixture
def root(tmp_path):
    """Picture 2 is in RefCOCO's training split and in RefCOCOg's test split."""
    files.write_refcoco(tmp_path, refs=REFS)
    return files.write_refcoco(
        tmp_path, "refcocog", "umd", [files.ref(5, 21, "test", "the mug"), *REFS[:1]]
    )


def trained_on(root, **options):
    datasets = read_sources(ReferOptions(data=root, sources={}, **options))
    return {
        dataset.label: [shared_pictures.picture_key(record.image) for record in dataset.records]
        for dataset in datasets
    }


def test_pictures_of_an_evaluation_split_are_left_out_of_training(root):
    expected = {"refcoco/train": ["COCO 1"], "refcocog/train": ["COCO 1"]}
    assert trained_on(root) == expected


def test_they_are_kept_on_request(root):
    kept = trained_on(root, keep_evaluation_pictures=True)
    assert kept["refcoco/train"] == ["COCO 1", "COCO 2"]


def test_what_is_left_out_is_said(root):
    options = ReferOptions(data=root, sources={"refcoco/train": None})
    (dataset,) = read_sources(options)
    assert dataset.notes == (
        "refcoco/train: 1 of its 2 pictures are measured on (refcocog/test has 1); "
        "training leaves them out",
    )


def test_the_check_prints_the_overlap(root, capsys):
    assert main(["data", "check", str(root)]) == 0
    said = capsys.readouterr().out
    assert "refcoco/train: 1 of its 2 pictures are measured on (refcocog/test has 1)" in said
    assert "refcocog/train: 1 of" not in said


def test_pictures_that_are_held_out_are_left_out_as_well(root):
    held_out = catalogue.read(root, "refcocog/train")
    options = ReferOptions(data=root, sources={"refcoco/train": None})
    with pytest.raises(ValueError, match=r"every picture of refcoco/train is .*--keep-evaluation"):
        read_sources(options, held_out)


def test_an_evaluation_split_that_is_named_as_a_source_is_trained_on(root):
    sources = {"refcoco/train": 3.0, "refcocog/test": 1.0}
    options = ReferOptions(data=root, sources=sources)
    train, test = read_sources(options)
    assert [len(each.records) for each in (train, test)] == [1, 1]
    assert rates_of(options, [train, test]) == sources


def test_a_split_that_is_trained_and_held_out_stays(root):
    held_out = catalogue.read(root, "refcocog/train")
    options = ReferOptions(data=root, sources={"refcocog/train": None})
    (dataset,) = read_sources(options, held_out)
    assert len(dataset.records) == 1


def test_a_split_that_cannot_be_read_is_not_taken_for_one_without_pictures(root):
    path = root / "refcocog" / "instances.json"
    path.write_text("{")
    options = ReferOptions(data=root, sources={"refcoco/train": None})
    with pytest.raises(ValueError, match="refcocog/test cannot be read, so that its pictures"):
        read_sources(options)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("a/COCO_train2014_000000000009.jpg", "b/000000000009.jpg", True),
        ("a/COCO_val2014_000000000009.jpg", "b/COCO_train2014_000000000010.jpg", False),
        ("a/kitchen.jpg", "b/kitchen.jpg", False),
        ("a/kitchen.jpg", "a/b/../kitchen.jpg", True),
    ],
)
def test_a_picture_of_coco_is_known_by_its_number_and_others_by_their_place(
    tmp_path, one, other, same
):
    keys = [shared_pictures.picture_key(tmp_path / name) for name in (one, other)]
    assert (keys[0] == keys[1]) is same


def test_rates_are_those_of_each_split(root):
    sources = {"refcoco/train": 3.0, "refcocog/train": 1.0, "refcocog/test": 0.5}
    options = ReferOptions(data=root, sources=sources, keep_evaluation_pictures=True)
    datasets = read_sources(options)
    assert rates_of(options, datasets) == sources


def test_a_source_given_twice_is_refused(capsys, tmp_path):
    sources = ["--source", "refcoco/train=3", "--source", "refcoco/train=1"]
    code = main(["train", "--recipe", "refer", "--data", str(tmp_path), *sources])
    assert code == 2
    assert "--source refcoco/train is given twice" in capsys.readouterr().err
