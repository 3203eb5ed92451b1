"""Metrics of points and places, against COCO's own code and geometry written out here."""

import json

import numpy as np
import pytest
import robot_files as files
from pycocotools import mask as coco_mask

from evf_sam_ros.cli import main
from evf_sam_ros.data import catalogue
from evf_sam_ros.evaluation.answering import run
from evf_sam_ros.evaluation.figures import summarize
from evf_sam_ros.evaluation.judged import read_lines
from evf_sam_ros.evaluation.robot_metrics import Lifting, spot
from evf_sam_ros.perception.camera_model import Intrinsics
from evf_sam_ros.perception.predictor import Segmentation, StageTimes

FX, FY, CX, CY = files.CAMERA


def box(left, top, right, bottom):
    mask = np.zeros((files.HEIGHT, files.WIDTH), bool)
    mask[top:bottom, left:right] = True
    return mask


class Answers:
    """Gives each expression the mask and the decision that a test tells."""

    def __init__(self, answers):
        self.answers = answers
        self.asked = []

    def __call__(self, image_rgb, prompts):
        self.asked += prompts
        proposed, found = zip(*(self.answers[prompt] for prompt in prompts), strict=True)
        proposed, found = np.array(proposed), np.array(found)
        number = len(prompts)
        return Segmentation(
            masks=proposed & found[:, None, None],
            scores=np.where(found, 0.9, 0.2).astype(np.float32),
            found=found,
            predicted_iou=np.ones(number, np.float32),
            unknown_words=((),) * number,
            logits=np.zeros((number, 1, 1), np.float32),
            times=StageTimes(0.001, 0.002, 0.003, 0.004),
            proposed=proposed,
        )


def judged(tmp_path, label, write, answers):
    dataset = catalogue.read(write(tmp_path / "data"), label)
    predict = Answers(answers)
    return predict, run(predict, dataset, tmp_path / "out", {}, progress=False)


# The mug answered three columns to the right of the true one, the bowl not found.
SHIFTED = {"the mug": (box(7, 6, 15, 16), True), "the bowl": (files.truth("bowl"), False)}


def surface(mask, depth_m):
    """The mean of the points in a mask, without its outermost pixels, metres."""
    inner = mask.copy()
    for axis in (0, 1):
        for step in (1, -1):
            inner &= np.roll(mask, step, axis)
    rows, columns = np.nonzero(inner)
    z = depth_m[rows, columns].astype(np.float64)
    return np.array([(z * (columns - CX) / FX).mean(), (z * (rows - CY) / FY).mean(), z.mean()])


def test_the_error_in_space_is_the_distance_of_the_centroids(tmp_path):
    _, images = judged(tmp_path, "bop/ycbv/test", files.write_bop, SHIFTED)
    mug, bowl = images[0].sentences
    # Where the answer's middle column is seen, 3 columns aside, the mug's plane at 0.8 m is not
    # in all of it: columns 12 to 14 are the table at 1.0 m, and dropped as outliers or not.
    depth_m = files.depth() / 1000
    true_place = surface(files.truth("mug"), depth_m)
    lifting = Lifting(depth_m.astype(np.float32), Intrinsics(*files.CAMERA))
    expected = 1000 * np.linalg.norm(lifting.place(box(7, 6, 15, 16)) - true_place)
    assert mug.centroid_mm == pytest.approx(expected, abs=1e-3)
    assert bowl.centroid_mm == pytest.approx(0, abs=1e-9)  # of the mask before the decision
    assert mug.placeable
    assert bowl.placeable


def test_a_shift_on_a_plane_is_its_pixels_times_depth_over_focal_length():
    depth_m = np.full((files.HEIGHT, files.WIDTH), 0.8, np.float32)
    lifting = Lifting(depth_m, Intrinsics(*files.CAMERA))
    found = spot(box(7, 6, 15, 16), box(4, 6, 12, 16), lifting=lifting)
    assert found.centroid_mm == pytest.approx(3 * 800 / FX, abs=1e-3)  # 60 mm
    assert found.center_mm is None
    behind = spot(
        box(4, 6, 12, 16), box(4, 6, 12, 16), lifting=lifting, center_m=(-0.17, -0.03, 1)
    )
    # The middle of the mug is at column 7.5, row 10.5: (-0.17, -0.03, 0.8) metres.
    assert behind.center_mm == pytest.approx(200, abs=1e-3)


def test_without_depth_or_camera_nothing_has_a_place():
    found = spot(box(7, 6, 15, 16), box(4, 6, 12, 16))
    assert (found.centroid_mm, found.center_mm, found.placeable) == (None, None, False)
    holes = Lifting(np.zeros((files.HEIGHT, files.WIDTH), np.float32), Intrinsics(*files.CAMERA))
    assert not spot(box(7, 6, 15, 16), box(4, 6, 12, 16), lifting=holes).placeable


def test_figures_in_space_count_a_refusal_as_not_within(tmp_path):
    _, images = judged(tmp_path, "bop/ycbv/test", files.write_bop, SHIFTED)
    figures = summarize(images)["centroid"]
    mug = images[0].sentences[0]
    assert figures["targets"] == 2
    assert figures["answers"] == 1
    assert figures["median_mm"] == figures["p95_mm"] == mug.centroid_mm
    assert figures["within_10mm"] == figures["within_25mm"] == 0
    half = {**SHIFTED, "the mug": (files.truth("mug"), True)}
    _, images = judged(tmp_path / "half", "bop/ycbv/test", files.write_bop, half)
    assert summarize(images)["centroid"]["within_10mm"] == 0.5
    right = {name: (files.truth(name.removeprefix("the ")), True) for name in SHIFTED}
    _, images = judged(tmp_path / "right", "bop/ycbv/test", files.write_bop, right)
    figures = summarize(images)["centroid"]
    assert (figures["within_10mm"], figures["answers"]) == (1, 2)
    assert figures["median_mm"] == pytest.approx(0, abs=1e-9)
    # The poses put the bodies' middles 30 mm behind the surfaces, and the bowl's elsewhere.
    assert figures["center_answers"] == 2
    assert images[0].sentences[0].center_mm == pytest.approx(30, abs=1e-3)


@pytest.mark.parametrize("seed", range(12))
def test_point_accuracy_is_what_cocos_code_counts(seed, tmp_path):
    """The anchor as COCO's own code has it: the one pixel's overlap with the true mask."""
    random = np.random.default_rng(seed)
    masks = [random.random((files.HEIGHT, files.WIDTH)) < 0.6 for _ in range(8)]
    truths = [random.random((files.HEIGHT, files.WIDTH)) < 0.5 for _ in range(8)]
    for mask, target in zip(masks, truths, strict=True):
        left, top = random.integers(0, 20, 2)
        mask[top : top + 4, left : left + 9] = True
        found = spot(mask, target).anchor_inside
        point = deepest(mask)
        runs = [coco_mask.encode(np.asfortranarray(each, np.uint8)) for each in (point, target)]
        assert found == (coco_mask.area(coco_mask.merge(runs, intersect=True)) > 0)


def deepest(mask):
    """The first pixel that is farthest from every pixel outside, counted without OpenCV.

    OpenCV's distances are approximate, so that among nearly equal ones it may choose another:
    then all of those must agree, which the masks of the test are large enough for.
    """
    from evf_sam_ros.perception.geometry import outline

    u, v = outline(mask).anchor_uv
    framed = np.pad(mask, 1)
    outside = np.argwhere(~framed)
    inside = np.argwhere(framed)
    distances = np.sqrt(((inside[:, None] - outside[None]) ** 2).sum(-1).min(1))
    own = np.flatnonzero((inside == (v + 1, u + 1)).all(1))[0]
    assert distances[own] > distances.max() - 0.4
    chosen = np.zeros_like(mask)
    chosen[v, u] = True
    return chosen


def test_a_point_on_ignored_pixels_counts_for_neither_and_no_mask_has_no_point():
    mask, nothing = box(4, 6, 12, 16), box(0, 0, 0, 0)
    assert spot(mask, mask).anchor_inside is True
    assert spot(mask, box(18, 10, 30, 20)).anchor_inside is False
    assert spot(mask, box(18, 10, 30, 20), mask).anchor_inside is None
    assert spot(nothing, mask).anchor_inside is False


def test_point_accuracy_counts_refusals_and_is_grouped_by_kind(tmp_path):
    answers = {
        "the mug there": (box(0, 6, 12, 16), True),  # its anchor is at column 4 or 5
        "the bowl there": (files.truth("bowl"), False),
    }
    _, images = judged(tmp_path, "ocid-ref/test", files.write_ocid_ref, answers)
    figures = summarize(images)
    assert figures["point_acc"] == 0.5
    kinds = {kind: row["point_acc"] for kind, row in figures["by_kind"].items()}
    assert kinds == {"spatial": 1, "attribute": 0}
    assert figures["centroid"] is None  # its depth has no camera


def test_commands_are_read_as_the_node_reads_them(tmp_path):
    answers = {
        "the mug": (files.truth("mug"), True),
        "the free area left of the bowl": (files.truth("bowl"), True),
    }
    predict, images = judged(tmp_path, "refspatial/location", files.write_refspatial, answers)
    assert predict.asked == list(answers)
    said = [item for image in images for item in image.sentences]
    assert [item.text for item in said] == list(files.REFSPATIAL)
    assert [item.asked for item in said] == list(answers)
    assert summarize(images)["point_acc"] == 1


def test_a_sentence_that_asks_for_no_object_is_not_found(tmp_path):
    def write(root):
        files.write_refspatial(root)
        path = root / "RefSpatial-Bench" / "Location" / "question.json"
        rows = json.loads(path.read_text())
        rows[0]["prompt"] = "stop"
        path.write_text(json.dumps(rows))
        return root

    answers = {"the free area left of the bowl": (files.truth("bowl"), True)}
    predict, images = judged(tmp_path, "refspatial/location", write, answers)
    assert predict.asked == list(answers)
    first = images[0].sentences[0]
    assert "asks for no object" in first.rejected
    assert (first.found, first.anchor_inside) == (False, False)


def test_results_of_earlier_versions_have_no_point(tmp_path):
    _, images = judged(tmp_path, "bop/ycbv/test", files.write_bop, SHIFTED)
    path = tmp_path / "out" / "judged.jsonl"
    head, *lines = path.read_text().splitlines()
    new = ("asked", "anchor_inside", "centroid_mm", "center_mm", "placeable")
    documents = [json.loads(line) for line in lines]
    for document in documents:
        document["sentences"] = [
            {key: value for key, value in item.items() if key not in new}
            for item in document["sentences"]
        ]
    path.write_text("\n".join([head, *map(json.dumps, documents)]) + "\n")
    figures = summarize(read_lines(path)[1])
    assert figures["centroid"] is None
    assert figures["point_acc"] == 0  # of the refusal, which needs no point
    assert figures["ciou"] == summarize(images)["ciou"]


def test_the_command_measures_points_and_places_with_a_given_camera(tmp_path, capsys):
    data = files.write_roborefit(tmp_path / "data")
    report = tmp_path / "report"
    options = ["--data", str(data), "--split", "roborefit/testA", "--report", str(report)]
    assert main(["evaluate", *options, "--camera", "40", "40", "16", "12"]) == 0
    said = capsys.readouterr().out
    assert "point_acc" in said
    assert "centroid error of 3 targets" in said
    figures = json.loads((report / "figures.json").read_text())
    assert figures["centroid"]["targets"] == 3
    assert set(figures["by_kind"]) == {"table", "sofa"}
    page = (report / "report.md").read_text()
    assert "Place in space" in page
    assert main(["evaluate", *options]) == 0
    assert "centroid error" not in capsys.readouterr().out
