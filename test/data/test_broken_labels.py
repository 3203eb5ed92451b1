"""Labels that contradict themselves: never other masks than meant, never a word too few."""

import json
import pickle
import subprocess
import sys
import zlib

import cv2
import numpy as np
import published_files as files
import pytest

from evf_sam_ros.cli import main
from evf_sam_ros.data import catalogue
from evf_sam_ros.data.regions import Segments, check_segmentation, is_empty

SIDES = (10, 20)  # of picture 1
GOOD = [files.polygon((2, 1, 8, 7))]
FAR = 208_543_216.0


def check(capsys, path):
    """Return exit code and output of the command."""
    code = main(["data", "check", str(path)])
    return code, capsys.readouterr().out


def write_coco(root, segmentation, **entries):
    """Write two sentences about picture 1, the first with that mask; return the file's path."""
    document = files.instances()
    document["annotations"][0] |= {"segmentation": segmentation, "caption": "doubtful"}
    document["annotations"][1]["caption"] = "certain"
    document |= entries
    path = root / "own.json"
    path.write_text(json.dumps(document))
    files.write_pictures(root / "images")
    return path


IMPOSSIBLE = {
    "far": ([[2, 1, FAR, 1, 8, 7]], "208543216.0, need pixels from -40 to 60"),
    "not a number": ([[2, 1, float("nan"), 1, 8, 7]], "at nan, need pixels"),
    "beyond every float": ([[2, 1, 10**400, 1, 8, 7]], "int too large"),
    "endless": ([[0, 0, 20, 10] * 100_000], "is 4000000 pixels long, need 2000000 at most"),
    "runs of another size": ({"size": [20, 10], "counts": [200]}, "for 10 x 20 pixels"),
    "runs too short": ({"size": [10, 20], "counts": [5, 50]}, "add up to 55 pixels"),
    "runs too long": ({"size": [10, 20], "counts": [5, 400_000]}, "add up to 400005 pixels"),
    "a run below 0": ({"size": [10, 20], "counts": [5, -5, 200]}, "a run length is -5"),
    "a run in parts": ({"size": [10, 20], "counts": [5.5, 194.5]}, "a run length is 5.5"),
    "a run of a long": ({"size": [10, 20], "counts": [2**70]}, f"a run length is {2**70}"),
    "no compressed runs": ({"size": [10, 20], "counts": "\u00e4x"}, "none that COCO's code wrote"),
    "runs without an end": ({"size": [10, 20], "counts": "ooo"}, "none that COCO's code wrote"),
    "a huge compressed run": ({"size": [10, 20], "counts": "o" * 9 + "0"}, "beyond every picture"),
    "pairs": ([[[2, 1], [8, 1], [8, 7]]], "need polygons"),
    "flat": ([2, 1, 8, 1, 8, 7], "need polygons"),
    "no mask": (None, "has the segmentation None"),
}


@pytest.mark.parametrize("kind", IMPOSSIBLE)
def test_a_mask_that_cannot_be_is_left_out_and_named(tmp_path, capsys, kind):
    segmentation, sentence = IMPOSSIBLE[kind]
    path = write_coco(tmp_path, segmentation)
    dataset = catalogue.read(path, "")
    assert [e.text for _, e in dataset.expressions()] == ["certain"]
    code, said = check(capsys, path)
    assert code == 1
    assert "broken: 1 sentence left out, the mask cannot be: annotation 11 of" in said
    assert sentence in said


EMPTY = {
    "two corners": [[2, 1, 8, 7]],
    "nothing": [],
    "a polygon in parts of the picture": [[0.1, 0.1, 0.3, 0.1, 0.3, 0.3]],
    "outside": [files.polygon((30, 1, 38, 7))],
    "a line": [[2, 1, 8, 7, 2, 1]],
    "runs of zeros": {"size": [10, 20], "counts": [200]},
}


@pytest.mark.parametrize("kind", EMPTY)
def test_a_target_without_a_pixel_is_left_out_and_named(tmp_path, capsys, kind):
    path = write_coco(tmp_path, EMPTY[kind])
    assert [e.text for _, e in catalogue.read(path, "").expressions()] == ["certain"]
    code, said = check(capsys, path)
    assert code == 1
    assert "1 sentence left out, the target has no pixel: annotation 11 of" in said


@pytest.mark.parametrize("box", [(2, 1, 8, 7), (-4, -3, 3, 4), (17, 8, 24, 14)])
def test_a_mask_that_reaches_out_of_its_picture_is_cut_there(box):
    segmentation = [files.polygon(box)]
    check_segmentation(segmentation, "it", SIDES)
    left, top, right, bottom = box
    expected = np.zeros(SIDES, bool)
    expected[max(top, 0) : bottom, max(left, 0) : right] = True
    np.testing.assert_array_equal(Segments((segmentation,)).mask(*SIDES), expected)
    assert not is_empty(segmentation, SIDES)


@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.99, 1])
@pytest.mark.parametrize("form", [files.compressed, files.uncompressed])
def test_run_lengths_are_counted_as_cocos_own_code_wrote_them(form, share):
    rng = np.random.default_rng(0)
    for _ in range(20):
        mask = rng.random(rng.integers(1, 300, 2)) < share
        runs = form(mask)
        check_segmentation(runs, "it", mask.shape)
        assert is_empty(runs, mask.shape) is not mask.any()
        shorter = np.ones((mask.shape[0], mask.shape[1] + 1), bool)
        with pytest.raises(ValueError, match="it: run lengths are for"):
            check_segmentation(runs, "it", shorter.shape)


def test_a_file_that_once_ended_the_process_is_a_sentence(tmp_path):
    path = write_coco(tmp_path, [[2, 1, FAR, 1, 8, 7]])
    script = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30));"
        "from evf_sam_ros.cli import main; sys.exit(main(['data', 'check', sys.argv[1]]))"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True)
    assert done.returncode == 1
    assert b"208543216.0" in done.stdout


@pytest.mark.parametrize("field", ["images", "annotations"])
def test_an_id_of_two_things_is_refused_and_named(tmp_path, capsys, field):
    path = write_coco(tmp_path, GOOD)
    document = json.loads(path.read_text())
    document[field].append(document[field][0])
    path.write_text(json.dumps(document))
    assert check(capsys, path)[0] == 0  # the same entry again says nothing else
    document[field].append({**document[field][0], "file_name": "b.png", "caption": "other"})
    path.write_text(json.dumps(document))
    code, said = check(capsys, path)
    assert code == 1
    number = document[field][0]["id"]
    assert f"1 {field[:-1]} id of {path} used twice, for different entries: {number}" in said


@pytest.mark.parametrize(
    ("key", "value"), [("width", 0), ("height", -3), ("width", "wide"), ("height", 10**9)]
)
def test_a_size_that_no_picture_has_is_refused(tmp_path, capsys, key, value):
    path = write_coco(tmp_path, GOOD)
    document = json.loads(path.read_text())
    document["images"][0][key] = value
    path.write_text(json.dumps(document))
    code, said = check(capsys, path)
    assert code == 1
    assert f"image 1 of {path} is" in said
    assert repr(value) in said


def test_a_sentence_about_an_object_of_another_picture_is_left_out(tmp_path, capsys):
    path = write_coco(
        tmp_path, GOOD, sentences=[{"image_id": 1, "ann_ids": [21], "text": "the other mug"}]
    )
    code, said = check(capsys, path)
    assert code == 1
    assert "the target is in another picture: sentences[0]" in said
    assert "annotation 21 is of image 2" in said


def test_a_caption_of_blanks_is_named(tmp_path, capsys):
    path = write_coco(tmp_path, GOOD)
    path.write_text(path.read_text().replace('"doubtful"', '"  "'))
    code, said = check(capsys, path)
    assert code == 1
    assert "1 sentence left out, without words: annotation 11 of" in said


def test_a_byte_order_mark_is_no_fault(tmp_path, capsys):
    path = write_coco(tmp_path, GOOD)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    code, said = check(capsys, path)
    assert (code, said.splitlines()[0][:27]) == (0, "coco/own: 1 images, 2 sente")


def write_refs(root, *refs, name="refcoco"):
    """Write a data set of the family with these refs; return its root."""
    files.write_refcoco(root, refs=list(refs))
    if name == "grefcoco":
        (root / "refcoco").rename(root / "grefcoco")
        path = root / "grefcoco" / "refs(unc).p"
        (path.with_name("grefs(unc).json")).write_text(json.dumps(list(refs)))
        path.unlink()
    return root


@pytest.mark.parametrize("name", ["refcoco", "grefcoco"])
def test_a_ref_without_sentences_is_counted_and_the_others_are_read(tmp_path, capsys, name):
    refs = files.ref(1, 11, "val"), files.ref(2, 21, "val", "left mug")
    root = write_refs(tmp_path, *refs, name=name)
    dataset = catalogue.read(root, f"{name}/val")
    assert [e.text for _, e in dataset.expressions()] == ["left mug"]
    code, said = check(capsys, root)
    assert code == 0  # the published gRefCOCO has such refs
    assert "1 ref without sentences: ref 1 of" in said
    assert "1 picture left out, for want of a sentence" in said


def test_a_split_without_any_sentence_is_a_sentence(tmp_path, capsys):
    code, said = check(capsys, write_refs(tmp_path, files.ref(1, 11, "val")))
    assert code == 1
    assert "has no sentence in split 'val' that can be used; 1 ref without sentences" in said


def test_evaluating_a_split_with_a_silent_picture_says_so(tiny, tmp_path, capsys):
    refs = files.ref(1, 11, "val"), files.ref(2, 21, "val", "left mug")
    root = write_refs(tmp_path, *refs)
    arguments = ["evaluate", "--data", str(root), "--split", "refcoco/val", "--model", str(tiny)]
    assert main(arguments) == 0
    assert "1 picture left out, for want of a sentence" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("refs", "sentence"),
    [
        (
            [files.ref(1, 11, "val", "a"), files.ref(1, 11, "val", "b")],
            "1 sentence with an id that another has: ref 1 of",
        ),
        (
            [files.ref(1, 11, "val", "  "), files.ref(2, 11, "val", "b")],
            "1 sentence without words: sentence 0 of ref 1",
        ),
        (
            [{**files.ref(1, 11, "val", "a"), "ann_id": [11, 11]}],
            "1 sentence naming a target twice: ref 1",
        ),
        (
            [files.ref(1, 21, "val", "a", image_id=1), files.ref(2, 11, "val", "b")],
            "1 sentence left out, the target is in another picture: ref 1",
        ),
    ],
)
def test_refs_that_contradict_themselves_are_named(tmp_path, capsys, refs, sentence):
    root = write_refs(tmp_path, *refs)
    code, said = check(capsys, root)
    assert code == 1
    assert sentence in said
    keys = [e.key for _, e in catalogue.read(root, "refcoco/val").expressions()]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (pickle.dumps([{"ref_id": 1}])[:9], "is refused: "),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "`git lfs pull`"),
        (pickle.dumps([{**files.ref(1, 11, "val"), "sentences": 7}]), "has the sentences 7"),
    ],
)
def test_what_cannot_be_read_does_not_hide_the_other_data_sets(
    tmp_path, capsys, content, sentence
):
    files.write_reasonseg(files.write_refcoco(tmp_path))
    (tmp_path / "refcoco" / "refs(unc).p").write_bytes(content)
    code, said = check(capsys, tmp_path)
    assert code == 1
    assert f"refcoco: broken: '{tmp_path}/refcoco/refs(unc).p'" in said
    assert sentence in said
    assert "\nrefcoco: not here" not in said
    assert "reasonseg/val: 1 images" in said


@pytest.mark.parametrize(
    ("folder", "sentence"),
    [
        ("refcocog", "refcocog: broken: no refcocog (its instances.json)"),
        ("PartImageNet", "partimagenet: broken: "),
        ("ReasonSeg", "reasonseg: broken: "),
    ],
)
def test_a_folder_that_holds_nothing_readable_is_named(tmp_path, capsys, folder, sentence):
    (tmp_path / folder).mkdir()
    code, said = check(capsys, tmp_path)
    assert code == 1
    assert sentence in said


def test_files_with_sentences_beside_the_data_sets_are_checked_as_well(tmp_path, capsys):
    write_coco(files.write_refcoco(tmp_path), [])
    (tmp_path / "notes.json").write_text("{}")
    (tmp_path / "torn.json").write_text('{"images": [')
    code, said = check(capsys, tmp_path)
    assert code == 1
    assert "coco/own: 1 images, 1 sentences" in said
    assert "notes.json: not read: it is not a COCO file with sentences" in said
    assert "torn.json: broken: " in said


def test_reasonseg_of_windows_is_read(tmp_path):
    path = files.write_reasonseg(tmp_path) / "ReasonSeg/val/kitchen.json"
    text = path.read_text().replace("what would", "the caf\u00e9\u2019s")
    path.write_bytes(text.encode("cp1252"))
    dataset = catalogue.read(tmp_path, "reasonseg/val")
    assert dataset.records[0].expressions[0].text == "the caf\u00e9\u2019s you drink from?"


@pytest.mark.parametrize(
    "points", [[[0, 0], [FAR, 3]], [[0, 0, 1]], "abc", [], [[float("inf"), 1]]]
)
def test_an_outline_that_cannot_be_is_refused(tmp_path, capsys, points):
    path = files.write_reasonseg(tmp_path) / "ReasonSeg/val/kitchen.json"
    document = json.loads(path.read_text())
    document["shapes"][1]["points"] = points
    path.write_text(json.dumps(document))
    code, said = check(capsys, tmp_path)
    assert code == 1
    assert f"shape 1 of '{path}'" in said


def test_grefcoco_as_a_pickle_is_read_where_there_is_no_json(tmp_path):
    path = files.write_grefcoco(tmp_path) / "grefcoco/grefs(unc).json"
    path.with_suffix(".p").write_bytes(pickle.dumps(json.loads(path.read_text()), 2))
    path.unlink()
    dataset = catalogue.read(tmp_path, "grefcoco/val")
    kinds = {e.text: e.kind for _, e in dataset.expressions()}
    assert kinds["the red bowl"] == "no target"
    assert len(kinds) == 4


def test_a_picture_beyond_every_size_is_a_sentence(tmp_path, capsys):
    path = write_coco(tmp_path, GOOD)
    picture = next((tmp_path / "images").glob("*1.png"))
    raw = bytearray(cv2.imencode(".png", np.zeros((10, 20), np.uint8))[1].tobytes())
    raw[16:24] = (70_000).to_bytes(4, "big") * 2
    raw[29:33] = zlib.crc32(raw[12:29]).to_bytes(4, "big")
    picture.write_bytes(raw)
    code, said = check(capsys, path)
    assert code == 1
    assert "is not a picture that OpenCV reads" in said


def test_the_check_as_json_has_the_sentences_of_the_text(tmp_path, capsys):
    path = write_coco(tmp_path, IMPOSSIBLE["far"][0])
    code, text = check(capsys, path)
    assert main(["data", "check", str(path), "--json"]) == code == 1
    findings = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["text"] for each in findings] == text.splitlines()
    assert any(each["broken"] and "208543216.0" in each["text"] for each in findings)
