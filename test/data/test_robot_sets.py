"""Robotics' data sets read from the files of their authors, whole and broken."""

import json
import shutil

import numpy as np
import pytest
import robot_files as files

from evf_sam_ros.cli import main
from evf_sam_ros.data import catalogue, published

WRITERS = {
    "roborefit/testA": files.write_roborefit,
    "ocid-vlg/multiple/test": files.write_ocid_vlg,
    "ocid-ref/test": files.write_ocid_ref,
    "refspatial/location": files.write_refspatial,
    "robospatial-home/context": files.write_robospatial,
    "where2place/test": files.write_where2place,
    "bop/ycbv/test": files.write_bop,
}


def read(root, label):
    dataset = catalogue.read(root, label)
    return dataset, {
        expression.text: (record, expression) for record, expression in dataset.expressions()
    }


def mask_of(pair):
    record, expression = pair
    return expression.mask(record.height, record.width)


def check(capsys, root, *options):
    code = main(["data", "check", str(root), *options])
    return code, capsys.readouterr().out


SENTENCES = {
    "roborefit/testA": {"the red mug on the table": "mug", "the blue bowl": "bowl"},
    "ocid-vlg/multiple/test": {"Pick the mug": "mug", "Pick the bowl": "bowl"},
    "ocid-ref/test": {"the mug there": "mug", "the bowl there": "bowl"},
    "refspatial/location": dict(zip(files.REFSPATIAL, ("mug", "bowl"), strict=True)),
    "robospatial-home/context": {"Point to the vacant space left of the bowl.": "mug"},
    "where2place/test": {"Locate several points on the shelf.": "mug"},
    "bop/ycbv/test": {"the mug": "mug", "the bowl": "bowl"},
}


@pytest.mark.parametrize("label", WRITERS)
def test_every_sentence_comes_with_its_picture_and_mask(tmp_path, label):
    dataset, found = read(WRITERS[label](tmp_path), label)
    assert (dataset.label, dataset.problems) == (label, ())
    assert set(found) == set(SENTENCES[label])
    for text, name in SENTENCES[label].items():
        np.testing.assert_array_equal(mask_of(found[text]), files.truth(name))
    if label != "where2place/test":  # JPEG changes pixels
        first = dataset.records[0].read_rgb()
        np.testing.assert_array_equal(first, files.picture())


@pytest.mark.parametrize("label", WRITERS)
def test_the_check_finds_a_set_calls_it_whole_and_draws_examples(tmp_path, capsys, label):
    WRITERS[label](tmp_path)
    sheet = tmp_path / "sheet.png"
    code, said = check(capsys, tmp_path, "--all", "--sheet", str(sheet))
    assert code == 0, said
    assert f"{label}: " in said
    assert "broken" not in said
    assert sheet.stat().st_size > 1000


@pytest.mark.parametrize("label", WRITERS)
def test_a_split_that_is_not_there_is_refused_and_the_others_are_named(tmp_path, label):
    WRITERS[label](tmp_path)
    name = label.partition("/")[0]
    with pytest.raises(ValueError, match=f"no {name}/nowhere in .*there is {name}/"):
        catalogue.read(tmp_path, f"{name}/nowhere")
    assert label in catalogue.available(tmp_path)


def pictures_of(root):
    return sorted(path for path in root.rglob("*") if path.suffix in (".png", ".jpg"))


FOLDERS = [label for label in WRITERS if label != "robospatial-home/context"]


@pytest.mark.parametrize("label", FOLDERS)
def test_a_missing_picture_is_named_and_no_other_sentence_is_lost(tmp_path, capsys, label):
    WRITERS[label](tmp_path)
    dataset = catalogue.read(tmp_path, label)
    gone = dataset.records[0].image
    gone.unlink()
    code, said = check(capsys, tmp_path)
    assert code == 1
    assert str(gone) in said
    kept = sum(len(record.expressions) for record in dataset.records[1:])
    if kept:
        left = catalogue.read(tmp_path, label)
        assert len(list(left.expressions())) == kept
        assert "left out, its picture cannot be read" in left.problems[0]
    else:
        with pytest.raises(ValueError, match="no sentence that can be used"):
            catalogue.read(tmp_path, label)


def first_mask(root, label):
    return catalogue.read(root, label).records[0].expressions[0].region.path


@pytest.mark.parametrize("label", FOLDERS)
def test_a_mask_of_another_size_is_named(tmp_path, capsys, label):
    WRITERS[label](tmp_path)
    path = first_mask(tmp_path, label)
    files.write(path, np.full((files.WIDTH, files.HEIGHT), 255, np.uint8))  # turned
    code, said = check(capsys, tmp_path)
    assert code == 1
    assert "24 x 32 pixels, but its picture is 32 x 24" in said


@pytest.mark.parametrize("label", FOLDERS)
def test_a_mask_cut_short_is_named_by_the_full_check(tmp_path, capsys, label):
    WRITERS[label](tmp_path)
    path = first_mask(tmp_path, label)
    path.write_bytes(path.read_bytes()[:-24])
    code, said = check(capsys, tmp_path, "--all")
    assert code == 1
    assert "is not a picture" in said
    assert str(path) in said


@pytest.mark.parametrize("content", [b"{", b"[]", b"null", b'"x"', b"\xff\xfe\x00", b"[1, 2]"])
@pytest.mark.parametrize("label", FOLDERS)
def test_json_of_another_kind_is_refused_by_name(tmp_path, capsys, label, content):
    WRITERS[label](tmp_path)
    files_there = {*tmp_path.rglob("*.json"), *tmp_path.rglob("point_questions.jsonl")}
    for path in files_there:
        if path.name == "scene_gt_info.json":
            continue  # is not needed
        whole = path.read_bytes()
        path.write_bytes(content)
        code, said = check(capsys, tmp_path)
        assert code == 1, (path, said)
        assert path.name in said or label in said
        assert "Traceback" not in said
        path.write_bytes(whole)


@pytest.mark.parametrize(
    ("label", "key"),
    [
        ("roborefit/testA", "text"), ("roborefit/testA", "rgb_path"),
        ("roborefit/testA", "mask_path"), ("ocid-vlg/multiple/test", "answer"),
        ("ocid-vlg/multiple/test", "question"), ("ocid-vlg/multiple/test", "image_filename"),
        ("ocid-ref/test", "instance_id"), ("ocid-ref/test", "sentence"),
        ("ocid-ref/test", "sequence_path"), ("refspatial/location", "prompt"),
        ("refspatial/location", "mask_path"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("value", [None, [], {}, "", "../../etc/passwd", "/etc/passwd"])
def test_a_row_with_a_value_that_cannot_be_is_left_out_alone(tmp_path, label, key, value):
    WRITERS[label](tmp_path)
    path = next(p for p in tmp_path.rglob("*.json"))
    document = json.loads(path.read_text())
    rows = document["data"] if label.startswith("ocid-vlg") else document
    first = next(iter(rows.values())) if isinstance(rows, dict) else rows[0]
    before = len(list(catalogue.read(tmp_path, label).expressions()))
    first[key] = value
    path.write_text(json.dumps(document))
    dataset = catalogue.read(tmp_path, label)
    kept = len(list(dataset.expressions()))
    text_that_can_be_said = key in ("text", "question", "sentence", "prompt") and value
    if isinstance(text_that_can_be_said, str) and text_that_can_be_said:
        assert kept == before
    else:
        assert kept == before - 1
        assert dataset.problems[0].startswith("1 sentence left out")


@pytest.mark.parametrize("name", ["../outside.png", "{root}/outside.png"])
def test_a_picture_outside_of_the_sets_folder_is_not_opened(tmp_path, name):
    files.write_refspatial(tmp_path)
    files.write(tmp_path / "RefSpatial-Bench" / "outside.png", files.picture())
    path = tmp_path / "RefSpatial-Bench" / "Location" / "question.json"
    rows = json.loads(path.read_text())
    rows[0]["rgb_path"] = name.format(root=path.parents[1])
    path.write_text(json.dumps(rows))
    dataset = catalogue.read(tmp_path, "refspatial/location")
    assert [expression.text for _, expression in dataset.expressions()] == [files.REFSPATIAL[1]]
    assert "names no file of its folder" in dataset.problems[0]


def test_a_missing_depth_picture_costs_the_depth_alone(tmp_path):
    files.write_roborefit(tmp_path)
    whole = catalogue.read(tmp_path, "roborefit/testA")
    assert all(record.depth is not None for record in whole.records)
    whole.records[1].depth.path.unlink()
    dataset = catalogue.read(tmp_path, "roborefit/testA")
    assert [record.depth is not None for record in dataset.records] == [True, False]
    assert "kept without depth" in dataset.problems[0]


def test_kinds_of_sentences_are_those_of_the_files(tmp_path):
    _, found = read(files.write_ocid_ref(tmp_path), "ocid-ref/test")
    kinds = {text: expression.kind for text, (_, expression) in found.items()}
    assert kinds == {"the mug there": "spatial", "the bowl there": "attribute"}
    _, found = read(files.write_refspatial(tmp_path), "refspatial/location")
    assert [expression.kind for _, expression in found.values()] == ["step 1", "step 2"]


def test_the_tables_and_the_folders_of_refspatial_are_the_same(tmp_path):
    folder, _ = read(files.write_refspatial(tmp_path / "a"), "refspatial/location")
    table, _ = read(files.write_refspatial_table(tmp_path / "b"), "refspatial/location")
    own, other = list(folder.expressions()), list(table.expressions())
    assert len(own) == len(other) == 2
    for one, two in zip(own, other, strict=True):
        assert (one[1].text, one[1].kind) == (two[1].text, two[1].kind)
        np.testing.assert_array_equal(mask_of(one), mask_of(two))
        np.testing.assert_array_equal(one[0].read_rgb(), two[0].read_rgb())


def test_the_expanded_edition_tells_the_scene_and_is_kept_apart(tmp_path):
    files.write_refspatial_table(tmp_path, "RefSpatial-Expand-Bench", scene=["indoor", "outdoor"])
    assert catalogue.available(tmp_path) == ["refspatial-expand/location"]
    dataset, _ = read(tmp_path, "refspatial-expand/location")
    kinds = [expression.kind for _, expression in dataset.expressions()]
    assert kinds == ["indoor, step 1", "outdoor, step 2"]


@pytest.mark.parametrize("broken", ["text", "columns", "picture", "no picture"])
def test_a_broken_table_is_refused_or_told(tmp_path, capsys, broken):
    path = tmp_path / "RefSpatial-Bench" / "data" / "location-00000-of-00001.parquet"
    if broken == "text":
        path.parent.mkdir(parents=True)
        path.write_text("version https://git-lfs.github.com/spec/v1")
    elif broken == "columns":
        files.write_table(path, {"prompt": ["the mug"]})
    else:
        cell = {"bytes": b"nothing" if broken == "picture" else None, "path": "a.png"}
        files.write_refspatial_table(tmp_path, image=[files.png(files.picture()), cell])
    code, said = check(capsys, tmp_path)
    assert code == 1
    assert "broken: " in said
    if "picture" in broken:
        assert len(list(catalogue.read(tmp_path, "refspatial/location").expressions())) == 1


def test_what_asks_for_a_free_place_is_told_to_be_outside_of_the_claim(tmp_path):
    for label, outside in (
        ("where2place/test", True),
        ("robospatial-home/context", True),
        ("refspatial/location", False),
    ):
        dataset = catalogue.read(WRITERS[label](tmp_path / label), label)
        assert any("outside the claim" in note for note in dataset.notes) is outside


def test_bop_gives_depth_camera_and_the_centre_of_the_body_in_metres(tmp_path):
    dataset, found = read(files.write_bop(tmp_path), "bop/ycbv/test")
    depth = dataset.records[0].depth
    assert depth.camera == files.CAMERA
    read_m = depth.read_m(files.HEIGHT, files.WIDTH)
    np.testing.assert_allclose(read_m[files.truth("mug")], 0.8, rtol=1e-6)
    assert found["the bowl"][1].center_m == (-0.17, -0.03, 0.93)


def test_bop_leaves_out_what_a_picture_shows_twice_and_what_is_almost_hidden(tmp_path):
    files.write_bop(tmp_path, kinds=(14, 14))
    with pytest.raises(ValueError, match="no sentence"):
        catalogue.read(tmp_path, "bop/ycbv/test")
    files.write_bop(tmp_path)
    info = tmp_path / "ycbv" / "test" / "000048" / "scene_gt_info.json"
    files.write_json(info, {"1": [{"visib_fract": 0.05}, {"visib_fract": 0.5}]})
    dataset, found = read(tmp_path, "bop/ycbv/test")
    assert set(found) == {"the bowl"}
    assert "1 object left out, almost hidden" in " ".join(dataset.notes)


def test_bop_sets_without_names_need_a_list_of_them(tmp_path):
    files.write_bop(tmp_path, "lmo", kinds=(1, 5))
    with pytest.raises(ValueError, match=r"have no names: write names\.json"):
        catalogue.read(tmp_path, "bop/lmo/test")
    files.write_json(tmp_path / "lmo" / "names.json", {"1": "the ape", "5": "the watering can"})
    _, found = read(tmp_path, "bop/lmo/test")
    assert set(found) == {"the ape", "the watering can"}


def test_bop_evaluates_the_pictures_of_its_list_of_targets_alone(tmp_path):
    files.write_bop(tmp_path)
    scene = tmp_path / "ycbv" / "test" / "000048"
    shutil.copy(scene / "rgb" / "000001.png", scene / "rgb" / "000002.png")
    for name in ("scene_gt", "scene_camera"):
        path = scene / f"{name}.json"
        document = json.loads(path.read_text())
        files.write_json(path, {**document, "2": document["1"]})
    for number in range(2):
        mask = scene / "mask_visib" / f"000001_{number:06d}.png"
        shutil.copy(mask, mask.with_name(f"000002_{number:06d}.png"))
    assert len(catalogue.read(tmp_path, "bop/ycbv/test").records) == 2
    files.write_json(
        tmp_path / "ycbv" / "test_targets_bop19.json",
        [{"im_id": 2, "inst_count": 1, "obj_id": 14, "scene_id": 48}],
    )
    records = catalogue.read(tmp_path, "bop/ycbv/test").records
    assert [record.image.name for record in records] == ["000002.png"]


def test_counts_are_compared_with_the_published(tmp_path):
    dataset = catalogue.read(files.write_refspatial(tmp_path), "refspatial/location")
    assert "  sentences: 2 here, but 100 published" in published.compare(dataset)
    for split in ("testA", "testB", "train"):
        files.write_roborefit(tmp_path, split)
    lines = published.compare(catalogue.read(tmp_path, "roborefit/testB"))
    assert lines[0].startswith("roborefit/testB: 2 images, 3 sentences")
    expected = "  all sentences: 9 here, but 50,758 published (a figure not checked at its source)"
    assert expected in lines


def test_an_empty_folder_of_a_set_is_told(tmp_path, capsys):
    (tmp_path / "OCID-VLG").mkdir()
    (tmp_path / "where2place").mkdir()
    code, said = check(capsys, tmp_path)
    assert code == 1
    assert "ocid-vlg: broken: " in said
    assert "where2place: broken: " in said
    assert "fetch it from https://github.com/gtziafas/OCID-VLG" in said
