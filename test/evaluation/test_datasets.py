"""Evaluations of data sets in their published files, recounted by COCO's own code."""

import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import numpy as np
import published_files as files
import pytest
from patience import patience
from pycocotools import mask as coco_mask

from evf_sam_ros import cli
from evf_sam_ros.data import catalogue
from evf_sam_ros.evaluation.answering import run
from evf_sam_ros.evaluation.figures import gres, ref_zom, summarize
from evf_sam_ros.evaluation.judged import read_lines
from evf_sam_ros.evaluation.processes import Share
from evf_sam_ros.perception.predictor import Segmentation, StageTimes

HEAD = {"model": "known answers"}
ROOT = Path(__file__).parents[2]


class Answers:
    """Gives each sentence the mask and the decision that a test tells, and counts pictures."""

    def __init__(self, answers):
        self.answers = answers
        self.calls = []

    def __call__(self, image_rgb, prompts):
        self.calls.append(list(prompts))
        if "" in prompts:
            raise ValueError("prompt '' is empty")
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


def half(number):
    """The left half of an object's pixels, or so."""
    mask = files.TRUTH[number].copy()
    columns = np.flatnonzero(mask.any(axis=0))
    mask[:, columns[len(columns) // 2] :] = False
    return mask


GREF_ANSWERS = {
    "the red mug": (files.TRUTH[11], True),
    "the red mug and the blue bowl": (files.TRUTH[12], True),  # one of the two
    "the red bowl": (half(11), True),  # nothing fits: a missed rejection
    "both mugs": (half(22), False),  # a wrong rejection, of a mask of some pixels
}


def judged(tmp_path, answers=GREF_ANSWERS, **options):
    dataset = catalogue.read(files.write_grefcoco(tmp_path / "data"), "grefcoco/val")
    options = {"progress": False, **options}
    return run(Answers(answers), dataset, tmp_path / "out", HEAD, **options)


def test_figures_are_those_counted_by_hand(tmp_path):
    # Pixels: mug 36, bowl 48, "both mugs" 70 + 32; half the mug 18, half the last one 16.
    figures = summarize(judged(tmp_path))
    assert figures["ciou"] == pytest.approx((36 + 48) / (36 + 84 + 18 + 102))
    assert figures["miou"] == pytest.approx((1 + 48 / 84 + 0 + 0) / 4)
    assert figures["giou_gres"] == pytest.approx((1 + 48 / 84 + 0 + 0) / 4)
    assert figures["pr@0.5"] == pytest.approx(2 / 3)
    assert figures["pr@0.6"] == pytest.approx(1 / 3)
    assert (figures["n_acc"], figures["t_acc"]) == (0, pytest.approx(2 / 3))
    assert figures["auroc"] == pytest.approx((0.5 + 0.5 + 0) / 3)
    assert figures["by_kind"]["several targets"]["sentences"] == 2
    assert sum(figures["iou_histogram"]) == 4
    assert figures["iou_histogram"][11] == 1  # 48/84 = 0.571 is in 0.55 .. 0.60


def test_gres_adds_a_wrongly_rejected_mask_to_the_union_and_nothing_for_a_right_one(tmp_path):
    answers = {**GREF_ANSWERS, "both mugs": (files.TRUTH[21] & half(21), False)}
    answers["both mugs"] = (~files.TRUTH[21] & ~files.TRUTH[22], False)  # all but the mugs
    answers["the red bowl"] = (half(11), False)  # rightly rejected
    images = judged(tmp_path, answers)
    everything = 16 * 12
    found = gres([item for image in images for item in image.sentences], "native")
    assert found["ciou"] == pytest.approx((36 + 48) / (36 + 84 + 0 + everything))
    assert found["giou_gres"] == pytest.approx((1 + 48 / 84 + 1 + 0) / 4)
    assert (found["n_acc"], found["t_acc"]) == (1, pytest.approx(2 / 3))
    # What the robot gets has no such mask.
    assert summarize(images)["ciou"] == pytest.approx((36 + 48) / (36 + 84 + 102))


def test_ref_zom_compares_masks_of_sentences_with_a_target_alone(tmp_path):
    items = [item for image in judged(tmp_path) for item in image.sentences]
    found = ref_zom(items, "native")
    assert found["ciou"] == pytest.approx((36 + 48) / (36 + 84 + 102))
    assert found["miou"] == pytest.approx((1 + 48 / 84 + 0) / 3)
    assert found["acc"] == 0


def test_the_square_resolution_weighs_every_picture_alike(tmp_path):
    images = judged(tmp_path)
    for image in images:
        scale = 480 * 480 / (image.height * image.width)
        for item in image.sentences:  # 480 is a multiple of 10, 20, 12 and 16: nothing is rounded
            assert item.square.target == item.native.target * scale
            assert item.square.intersection == item.native.intersection * scale


def test_each_picture_is_encoded_once_with_all_its_sentences(tmp_path):
    dataset = catalogue.read(files.write_grefcoco(tmp_path / "data"), "grefcoco/val")
    answers = Answers(GREF_ANSWERS)
    run(answers, dataset, tmp_path / "out", HEAD, progress=False)
    assert sorted(map(len, answers.calls)) == [1, 3]


def test_a_sentence_the_model_cannot_take_counts_as_not_found_and_stops_nothing(tmp_path):
    root = files.write_refcoco(tmp_path, refs=[files.ref(0, 11, "val", "the red mug", "")])
    dataset = catalogue.read(root, "refcoco/val")
    images = run(Answers(GREF_ANSWERS), dataset, tmp_path / "out", HEAD, progress=False)
    taken, refused = images[0].sentences
    assert (taken.found, refused.found, refused.score) == (True, False, 0)
    assert "empty" in refused.rejected
    assert summarize(images)["not_taken"] == 1


def test_ignored_pixels_count_for_neither_mask(tmp_path):
    dataset = catalogue.read(files.write_reasonseg(tmp_path), "reasonseg/val")
    everything = np.ones(files.SIZES[1], bool)
    texts = [expression.text for expression in dataset.records[0].expressions]
    answers = Answers(dict.fromkeys(texts, (everything, True)))
    images = run(answers, dataset, tmp_path / "out", HEAD, progress=False)
    first = images[0].sentences[0].native
    assert (first.intersection, first.predicted, first.target) == (36 - 4, 200 - 4, 36 - 4)


def test_a_stopped_run_goes_on_where_it_stopped(tmp_path):
    whole = summarize(judged(tmp_path))
    path = tmp_path / "out" / "judged.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.unlink()
    # The first picture was finished; while the second was being written, the power went.
    (tmp_path / "out" / "judged.part0.jsonl").write_text("".join(lines[:2]) + lines[2][:40])
    dataset = catalogue.read(tmp_path / "data", "grefcoco/val")
    answers = Answers(GREF_ANSWERS)
    images = run(answers, dataset, tmp_path / "out", HEAD, resume=True, progress=False)
    assert len(answers.calls) == 1
    assert summarize(images) == whole


def test_results_of_something_else_are_not_gone_on_with(tmp_path):
    judged(tmp_path)
    dataset = catalogue.read(tmp_path / "data", "grefcoco/val")
    with pytest.raises(ValueError, match="made with model 'known answers', now it is 'another'"):
        run(Answers({}), dataset, tmp_path / "out", {"model": "another"}, resume=True)


def test_workers_together_have_every_item_exactly_once():
    for count in range(1, 6):
        items = list(range(13))
        shares = [Share(rank, count).of(items) for rank in range(count)]
        assert sorted(number for own in shares for number in own) == items


def test_two_workers_answer_every_picture_once_and_the_first_puts_them_together(tmp_path):
    barrier = Barrier(2)

    class Worker(Share):
        def wait(self):
            barrier.wait(timeout=patience(60.0))

    alone = judged(tmp_path)
    dataset = catalogue.read(tmp_path / "data", "grefcoco/val")
    answers, out = Answers(GREF_ANSWERS), tmp_path / "together"
    with ThreadPoolExecutor(2) as pool:
        runs = [
            pool.submit(run, answers, dataset, out, HEAD, share=Worker(rank, 2), progress=False)
            for rank in range(2)
        ]
        first, second = (each.result() for each in runs)
    assert first == alone
    assert second == []
    assert sorted(map(len, answers.calls)) == [1, 3]
    assert [path.name for path in out.iterdir()] == ["judged.jsonl"]


def evaluate(tiny, data, out, *more):
    argv = ["evaluate", "--data", str(data), "--model", str(tiny), "--device", "cpu"]
    return cli.main([*argv, "--report", str(out), *more])


def recount(path):
    """Count a results file's own masks with COCO's code: cIoU, mIoU, Pr@0.5."""
    intersections, unions, ious = [], [], []
    for document in map(json.loads, path.read_text().splitlines()[1:]):
        size = [document["height"], document["width"]]
        for item in document["sentences"]:
            mask = {"size": size, "counts": item["runs"].encode()}
            empty = coco_mask.encode(np.zeros(size, np.uint8, order="F"))
            truth = coco_mask.merge(
                coco_mask.frPyObjects(TRUTH_BY_TEXT[item["text"]], size[0], size[1])
            )
            mask = mask if item["found"] else empty
            both = int(coco_mask.area(coco_mask.merge([mask, truth], intersect=True)))
            either = int(coco_mask.area(coco_mask.merge([mask, truth])))
            intersections.append(both)
            unions.append(either)
            ious.append(both / either)
    return (
        sum(intersections) / sum(unions),
        sum(ious) / len(ious),
        sum(iou >= 0.5 for iou in ious) / len(ious),
    )


TRUTH_BY_TEXT = {
    "the red mug": [files.polygon(files.OBJECTS[11][1][0])],
    "the mug on the left": [files.polygon(files.OBJECTS[11][1][0])],
    "the blue bowl": [files.polygon(box) for box in files.OBJECTS[12][1]],
    "left mug": [files.polygon(files.OBJECTS[21][1][0])],
}


def test_the_command_gives_the_figures_that_cocos_code_counts(tiny, tmp_path, capsys):
    data, out = files.write_refcoco(tmp_path / "data"), tmp_path / "out"
    figures_file = tmp_path / "figures.json"
    code = evaluate(tiny, data, out, "--split", "refcoco/testA", "--json", str(figures_file))
    printed = capsys.readouterr().out
    assert code == 0
    figures = json.loads(figures_file.read_text())
    assert (figures["ciou"], figures["miou"], figures["pr@0.5"]) == pytest.approx(
        recount(out / "judged.jsonl")
    )
    assert figures["ciou"] > 0  # there is something to count
    assert "sentences: 4 here, but 5,657 published" in printed
    assert "EVF-SAM (RefCOCO): ciou 83.7" in printed


def test_the_report_is_complete_in_itself(tiny, tmp_path, capsys):
    out = tmp_path / "out"
    data = files.write_refcoco(tmp_path / "data")
    assert evaluate(tiny, data, out, "--split", "refcoco/testA") == 0
    page, text = (out / "index.html").read_text(), (out / "report.md").read_text()
    for part in ("EVF-SAM, table 2", "EVF-SAM, table 6", "Ito, supplement, table 5", "83.70",
                 "Distribution of IoU", "By length in words", "GFLOP", "encoder"):  # fmt: skip
        assert part in page
        assert part in text
    assert 'src="http' not in page
    assert "data:image/jpeg;base64," in page
    pictures = {line.split("](")[1].rstrip(")") for line in text.splitlines() if "![" in line}
    assert pictures
    assert all((out / picture).is_file() for picture in pictures)


def test_all_splits_are_measured_and_put_together(tiny, tmp_path, capsys):
    data = files.write_grefcoco(files.write_refcoco(tmp_path / "data"))
    assert evaluate(tiny, data, tmp_path / "out", "--all") == 0
    found = json.loads((tmp_path / "out" / "figures.json").read_text())
    assert list(found) == ["refcoco/val", "refcoco/testA", "grefcoco/val"]
    assert "refcoco-testA/index.html" in (tmp_path / "out" / "index.html").read_text()
    assert (tmp_path / "out" / "refcoco-testA" / "index.html").is_file()
    assert "grefcoco/val" in capsys.readouterr().out


@pytest.mark.slow  # starts three processes that import torch
def test_two_processes_answer_every_picture_once_and_count_what_one_counts(tiny, tmp_path):
    data, one, two = files.write_refcoco(tmp_path / "data"), tmp_path / "one", tmp_path / "two"
    assert evaluate(tiny, data, one, "--split", "refcoco/testA") == 0
    command = [
        *(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"),
        *("-m", "evf_sam_ros.cli", "evaluate", "--data", str(data), "--split", "refcoco/testA"),
        *("--model", str(tiny), "--device", "cpu", "--report", str(two)),
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=patience(300.0)
    )
    assert done.returncode == 0, done.stderr
    results = [read_lines(folder / "judged.jsonl")[1] for folder in (one, two)]
    assert [image.sentences for image in results[0]] == [image.sentences for image in results[1]]
    assert not list(two.glob("judged.part*"))
    figures = [json.loads((folder / "figures.json").read_text()) for folder in (one, two)]
    for key in ("ciou", "miou", "giou_gres", "pr@0.5", "square_480", "gres", "ref_zom"):
        assert figures[0][key] == figures[1][key]


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ((), "which split of .* --all for all of refcoco/val, refcoco/testA"),
        (("--split", "refcoco/nope"), "refcoco has no split 'nope'"),
    ],
)
def test_a_wrong_request_is_answered_by_what_is_accepted(tiny, tmp_path, capsys, more, sentence):
    data = files.write_refcoco(tmp_path / "data")
    assert evaluate(tiny, data, tmp_path / "out", *more) == cli.USER_ERROR
    assert re.search(sentence, capsys.readouterr().err)


def test_resuming_needs_a_folder(tmp_path, capsys):
    assert cli.main(["evaluate", "--data", str(tmp_path), "--resume"]) == cli.USER_ERROR
    assert "--report" in capsys.readouterr().err
