"""Data sets read from the files their authors published, against masks made by hand."""

import json
import pickle

import cv2
import numpy as np
import published_files as files
import pytest
from pycocotools import mask as coco_mask

from evf_sam_ros.data import catalogue, published, refer
from evf_sam_ros.data.records import Dataset, Record
from evf_sam_ros.data.regions import Segments


def read(root, label):
    dataset = catalogue.read(root, label)
    return dataset, {
        expression.text: (record, expression) for record, expression in dataset.expressions()
    }


def mask_of(pair):
    record, expression = pair
    return expression.mask(record.height, record.width)


def test_refcoco_gives_every_sentence_of_a_split_with_its_picture_and_mask(tmp_path):
    dataset, found = read(files.write_refcoco(tmp_path), "refcoco/testA")
    assert set(found) == {"the red mug", "the mug on the left", "the blue bowl", "left mug"}
    assert [len(record.expressions) for record in dataset.records] == [3, 1]
    np.testing.assert_array_equal(mask_of(found["the red mug"]), files.TRUTH[11])
    np.testing.assert_array_equal(mask_of(found["left mug"]), files.TRUTH[21])
    picture = found["left mug"][0].read_rgb()
    np.testing.assert_array_equal(picture, files.picture(2))


def test_parts_that_overlap_are_one_mask(tmp_path):
    _, found = read(files.write_refcoco(tmp_path), "refcoco/testA")
    mask = mask_of(found["the blue bowl"])
    assert mask.sum() == 8 * 6  # columns 10 to 17, of which 12 and 13 are covered twice
    np.testing.assert_array_equal(mask, files.TRUTH[12])


@pytest.mark.parametrize("form", [files.compressed, files.uncompressed])
@pytest.mark.parametrize("wrap", [lambda runs: runs, lambda runs: [runs]])
def test_run_lengths_of_every_form_are_read(form, wrap):
    mask = files.TRUTH[22]
    np.testing.assert_array_equal(Segments((wrap(form(mask)),)).mask(*mask.shape), mask)


def test_polygons_cover_the_pixels_that_cocos_own_code_says():
    corners = [1.3, 2.1, 15.7, 3.9, 12.2, 14.5, 4.1, 11.0]
    theirs = coco_mask.decode(coco_mask.frPyObjects([corners], 16, 20))[..., 0]
    np.testing.assert_array_equal(Segments(([corners],)).mask(16, 20), theirs)


def test_run_lengths_of_another_size_are_refused():
    with pytest.raises(ValueError, match="12 x 16 pixels, the picture is 20 x 10"):
        Segments((files.compressed(files.TRUTH[22]),)).mask(10, 20)


@pytest.mark.parametrize(
    ("name", "by", "split"),
    [
        ("refcoco+", "unc", "testA"),
        ("refcocog", "umd", "test"),
        ("refcocog-google", "google", "val"),
    ],
)
def test_the_other_data_sets_of_the_family_are_found_by_their_own_names(tmp_path, name, by, split):
    refs = [files.ref(0, 11, split, "the red mug")]
    files.write_refcoco(tmp_path, name.removesuffix("-google"), by, refs)
    dataset, found = read(tmp_path, f"{name}/{split}")
    assert (dataset.label, set(found)) == (f"{name}/{split}", {"the red mug"})


@pytest.mark.parametrize(
    ("split", "own", "belongs"),
    [
        ("testA", "testA", True), ("testA", "testAB", True), ("testA", "testB", False),
        ("testC", "testBC", True), ("test", "testA", True), ("val", "val", True),
        ("train", "val", False), ("testA", "trainA", False),
    ],
)  # fmt: skip
def test_splits_are_those_of_the_data_sets_own_code(split, own, belongs):
    assert refer.belongs(split)(own) is belongs


def test_refclef_finds_its_own_pictures(tmp_path):
    refs = [files.ref(0, 21, "test", "left mug")]
    files.write_refcoco(tmp_path, "refclef", "unc", refs)
    moved = tmp_path / "images" / "saiapr_tc-12"
    (tmp_path / "images" / "mscoco" / "images" / "train2014").rename(moved)
    dataset, _ = read(tmp_path, "refclef/test")
    assert dataset.records[0].image.parent == moved


def test_a_pickle_of_python_2_is_read(tmp_path):
    files.write_refcoco(tmp_path)
    # Protocol 0 with byte strings, as Python 2 wrote them.
    old = b"(lp0\n(dp1\nS'ref_id'\nI7\nsS'ann_id'\nI11\nsS'image_id'\nI1\nsS'split'\nS'val'\ns"
    old += b"S'sentences'\n(lp2\n(dp3\nS'sent'\nVcaf\\u00e9 mug\nsS'sent_id'\nL5L\nsasa."
    (tmp_path / "refcoco" / "refs(unc).p").write_bytes(old)
    dataset, found = read(tmp_path, "refcoco/val")
    assert list(found) == ["café mug"]
    assert dataset.records[0].expressions[0].key == "7.5"


class Hostile:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.mark.parametrize("protocol", range(6))
def test_a_hostile_pickle_is_refused_and_its_code_never_runs(tmp_path, protocol):
    files.write_refcoco(tmp_path)
    trace = tmp_path / "it_ran"
    pickled = pickle.dumps([{"ref_id": Hostile(trace)}], protocol=protocol)
    (tmp_path / "refcoco" / "refs(unc).p").write_bytes(pickled)
    with pytest.raises(ValueError, match=r"refs\(unc\).p.*is refused: it asks for .*open"):
        catalogue.read(tmp_path, "refcoco/val")
    assert not trace.exists()
    pickle.loads(pickled)  # the usual way, it does
    assert trace.exists()


@pytest.mark.parametrize(
    "content", [b"", b"no pickle", b"\x80\x02]q\x00(", b"c__builtin__\neval\n."]
)
def test_what_is_no_pickle_of_plain_values_is_refused(tmp_path, content):
    files.write_refcoco(tmp_path)
    (tmp_path / "refcoco" / "refs(unc).p").write_bytes(content)
    with pytest.raises(ValueError, match=r"refs\(unc\).p"):
        catalogue.read(tmp_path, "refcoco/val")


def test_grefcoco_has_unions_and_sentences_without_a_target(tmp_path):
    _, found = read(files.write_grefcoco(tmp_path), "grefcoco/val")
    both = mask_of(found["the red mug and the blue bowl"])
    np.testing.assert_array_equal(both, files.TRUTH[11] | files.TRUTH[12])
    record, expression = found["the red bowl"]
    assert expression.region is None
    assert not expression.mask(record.height, record.width).any()
    kinds = {text: expression.kind for text, (_, expression) in found.items()}
    assert kinds["the red bowl"] == "no target"
    assert kinds["both mugs"] == "several targets"


def test_reasonseg_has_outlines_sentences_and_pixels_to_ignore(tmp_path):
    dataset, found = read(files.write_reasonseg(tmp_path), "reasonseg/val")
    record, expression = found["what would you drink from?"]
    assert len(record.expressions) == 2
    target = expression.mask(10, 20)
    ignored = expression.ignored.mask(10, 20)
    whole = np.zeros((10, 20), bool)
    whole[1:7, 2:8] = True
    hole = np.zeros((10, 20), bool)
    hole[3:5, 4:6] = True
    np.testing.assert_array_equal(ignored, hole)
    np.testing.assert_array_equal(target, whole & ~hole)
    assert dataset.counts == {"images": 1, "sentences": 2}


SENTENCES = {
    "at annotations": lambda document: document["annotations"][0].update(
        sentences=["the red mug"]
    ),
    "as its caption": lambda document: document["annotations"][0].update(caption="the red mug"),
    "as dictionaries": lambda document: document["annotations"][0].update(
        sentences=[{"raw": "The Red Mug", "sent": "the red mug"}]
    ),
    "in a list": lambda document: document.update(
        sentences=[{"image_id": 1, "ann_ids": [11], "text": "the red mug"}]
    ),
    "in a list of expressions": lambda document: document.update(
        expressions=[{"image_id": 1, "ann_id": 11, "sentence": "the red mug"}]
    ),
}


@pytest.mark.parametrize("place", SENTENCES)
def test_coco_files_with_sentences_are_read_wherever_the_sentences_are(tmp_path, place):
    document = files.instances()
    SENTENCES[place](document)
    path = tmp_path / "own.json"
    path.write_text(json.dumps(document))
    files.write_pictures(tmp_path / "images")
    _, found = read(path, "")
    assert list(found) == ["the red mug"]
    np.testing.assert_array_equal(mask_of(found["the red mug"]), files.TRUTH[11])


def test_a_coco_sentence_about_an_image_means_all_that_is_annotated_there(tmp_path):
    document = files.instances()
    document["images"][0]["caption"] = "everything"
    (tmp_path / "own.json").write_text(json.dumps(document))
    files.write_pictures(tmp_path)
    _, found = read(tmp_path, "coco/own")
    everything = files.TRUTH[11] | files.TRUTH[12]
    np.testing.assert_array_equal(mask_of(found["everything"]), everything)


@pytest.mark.parametrize("nothing", [[], [-1], -1, None])
def test_a_coco_sentence_may_mean_nothing(tmp_path, nothing):
    document = files.instances()
    document["sentences"] = [{"image_id": 1, "ann_ids": nothing, "text": "the dog"}]
    (tmp_path / "own.json").write_text(json.dumps(document))
    files.write_pictures(tmp_path)
    _, found = read(tmp_path, "coco/own")
    assert found["the dog"][1].region is None


def test_counts_are_put_beside_the_published_ones(tmp_path):
    dataset = catalogue.read(files.write_refcoco(tmp_path), "refcoco/testA")
    assert dataset.counts["sentences"] == 4
    lines = "\n".join(published.compare(dataset))
    assert "refcoco/testA: 2 images, 3 refs, 4 sentences" in lines
    assert "sentences: 4 here, but 5,657 published" in lines
    assert "cannot be compared" in lines


def test_a_figure_that_nobody_checked_at_its_source_is_called_so():
    dataset = Dataset("reasonseg", "val", (), {"images": 3})
    (line,) = [line for line in published.compare(dataset) if "images: 3" in line]
    assert line == "  images: 3 here, but 200 published (a figure not checked at its source)"


def test_counts_as_published_are_said_to_be_so(tmp_path, monkeypatch):
    dataset = catalogue.read(files.write_refcoco(tmp_path), "refcoco/testA")
    monkeypatch.setitem(published.PUBLISHED, "refcoco/testA", {"images": 2, "sentences": 4})
    monkeypatch.setitem(published.TOTALS, "refcoco", {"all sentences": 5})
    assert published.compare(dataset) == [
        "refcoco/testA: 2 images, 3 refs, 4 sentences; as published"
    ]


def test_the_eight_splits_of_the_papers_have_57457_sentences():
    eight = [label for label in published.SPLITS if not label.endswith("/train")]
    assert len(eight) == 8
    assert sum(published.SPLITS[label][2] for label in eight) == 57_457


@pytest.mark.parametrize(
    ("label", "sentence"),
    [
        ("refcoco/testC", "refcoco has no split 'testC', need one of val, testA"),
        ("refcoco/testB", "has nothing in split 'testB'; it has testA, val"),
        ("refcoco", "split is 'refcoco', need NAME/SPLIT"),
        ("imagenet/val", "with NAME one of refcoco"),
        ("refcocog/val", "no refcocog .* looked for refcocog/instances.json"),
        ("reasonseg/val", "no ReasonSeg val"),
        ("coco/other", "no other.json"),
    ],
)
def test_what_is_not_there_is_named(tmp_path, label, sentence):
    files.write_refcoco(tmp_path)
    with pytest.raises(ValueError, match=sentence):
        catalogue.read(tmp_path, label)


def test_a_ref_to_an_object_that_the_index_lacks_is_named(tmp_path):
    files.write_refcoco(tmp_path, refs=[files.ref(5, 99, "val", "the mug", image_id=1)])
    with pytest.raises(ValueError, match=r"ref 5 .* names annotation 99"):
        catalogue.read(tmp_path, "refcoco/val")


def test_a_picture_of_another_size_than_its_masks_is_refused(tmp_path):
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), np.zeros((5, 7, 3), np.uint8))
    with pytest.raises(ValueError, match="7 x 5 pixels, but its annotations are for 8 x 5"):
        Record(path, 5, 8, ()).read_rgb()


def test_all_benchmarks_that_are_there_are_found(tmp_path):
    files.write_reasonseg(files.write_grefcoco(files.write_refcoco(tmp_path)))
    found = catalogue.available(tmp_path)
    assert found == ["refcoco/val", "refcoco/testA", "grefcoco/val", "reasonseg/val"]
    with pytest.raises(ValueError, match="none of refcoco/val"):
        catalogue.available(tmp_path / "images")
