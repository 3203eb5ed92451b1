"""Comparisons of two models whose answers are known."""

import json

import numpy as np
import published_files as files
import pytest
from tiny_model import ALWAYS, write_tiny_model

from evf_sam_ros import cli
from evf_sam_ros.evaluation import comparison
from evf_sam_ros.evaluation.judged import HEAD, Judged, JudgedImage, Overlap, encode, to_line

SIZE = (4, 10)


def image(number, intersection, *, text="the mug", found=True):
    """A picture whose one sentence means its upper half, 20 pixels, of which some are found."""
    truth = np.zeros(SIZE, bool)
    truth[:2] = True
    mask = np.zeros(SIZE, bool)
    mask.ravel()[:intersection] = True
    counts = Overlap.of(mask, truth)
    item = Judged(
        "0", text, "", True, found, 0.9, 1.0, counts, counts, encode(mask), encode(truth)
    )
    return JudgedImage(number, f"{number}.png", *SIZE, {}, (item,))


def results(model, intersections):
    images = [image(number, pixels) for number, pixels in enumerate(intersections)]
    return comparison.Results(model, "own", images)


def named(differences):
    return {one.name: one for one in differences}


def test_figures_and_their_difference_are_those_of_the_sentences():
    a, b = results("a", [10, 10]), results("b", [20, 10])
    found = named(comparison.differences(comparison.pairs(a, b)))
    assert (found["ciou"].a, found["ciou"].b) == (20 / 40, 30 / 40)
    assert (found["pr@0.7"].a, found["pr@0.7"].b) == (0, 1 / 2)
    assert "n_acc" not in found  # nothing without a target


def test_one_model_with_itself_differs_by_nothing():
    same = results("a", [3, 8, 20, 15])
    for one in comparison.differences(comparison.pairs(same, same)):
        assert (one.low, one.high, one.b_better) == (0, 0, 0.5)


def test_a_difference_on_every_picture_is_sure_and_one_on_a_single_picture_is_not():
    count = 30
    everywhere = comparison.pairs(results("a", [10] * count), results("b", [12] * count))
    sure = named(comparison.differences(everywhere))["miou"]
    assert sure.low == pytest.approx(0.1)
    assert sure.b_better == 1
    once = comparison.pairs(results("a", [10] * count), results("b", [20] + [10] * (count - 1)))
    unsure = named(comparison.differences(once))["miou"]
    assert unsure.low == 0
    assert unsure.high > 0


def test_the_interval_is_that_of_the_mean_of_pairs():
    rng = np.random.default_rng(0)
    gains = rng.integers(-5, 8, 200)
    found = comparison.differences(
        comparison.pairs(results("a", [10] * 200), results("b", (10 + gains).tolist()))
    )
    miou = named(found)["miou"]
    mean, error = gains.mean() / 20, gains.std() / 20 / np.sqrt(200)  # the normal interval
    assert miou.b - miou.a == pytest.approx(mean)
    assert miou.low == pytest.approx(mean - 1.96 * error, abs=0.2 * error)
    assert miou.high == pytest.approx(mean + 1.96 * error, abs=0.2 * error)


def test_answers_to_other_sentences_are_not_paired():
    a, b = results("a", [10, 10]), results("b", [10])
    with pytest.raises(ValueError, match="1 sentences were answered by one alone"):
        comparison.pairs(a, b)
    other = comparison.Results("b", "own", [image(0, 10, text="the bowl"), image(1, 10)])
    with pytest.raises(ValueError, match="'the mug' for a and 'the bowl' for b"):
        comparison.pairs(a, other)


def test_two_models_are_compared_by_one_command_with_pictures(tiny, tmp_path, capsys):
    data, out = files.write_refcoco(tmp_path / "data"), tmp_path / "out"
    never = str(write_tiny_model(tmp_path / "never", ALWAYS | {"bias": -2.0}))
    argv = ["compare", str(tiny), never, "--data", str(data), "--split", "refcoco/testA"]
    assert cli.main([*argv, "--device", "cpu", "--report", str(out)]) == 0
    assert "B - A" in capsys.readouterr().out
    assert "A is better" in (out / "index.html").read_text()
    # What was answered is kept, and can be compared again without the models.
    again = ["compare", str(out / "a"), str(out / "b"), "--json", str(tmp_path / "again.json")]
    assert cli.main(again) == 0
    figures = json.loads((out / "a" / "figures.json").read_text())
    found = json.loads((tmp_path / "again.json").read_text())["differences_b_minus_a"]
    assert found["ciou"]["a"] == pytest.approx(figures["ciou"])


def test_pictures_are_drawn_of_sentences_on_which_the_models_differ(tmp_path):
    data = files.write_refcoco(tmp_path / "data")
    picture = next(data.rglob("*01.png"))
    height, width = files.SIZES[1]
    truth, nothing = files.TRUTH[11], np.zeros(files.SIZES[1], bool)
    models = {}
    for model, mask in (("a", truth), ("b", nothing)):
        counts = Overlap.of(mask, truth)
        item = Judged(
            "0", "the mug", "", True, bool(mask.any()), 0.9, 1.0, counts, counts, encode(mask),
            encode(truth),
        )  # fmt: skip
        one = JudgedImage(0, str(picture), height, width, {}, (item,))
        folder = tmp_path / model
        folder.mkdir()
        head = json.dumps({HEAD: {"model": model, "data": "own"}}) + "\n"
        (folder / "judged.jsonl").write_text(head + to_line(one))
        models[model] = comparison.read(folder)
    paired = comparison.pairs(models["a"], models["b"])
    report = comparison.document(models["a"], models["b"], paired)
    text = report.markdown()
    b_better, a_better = text.index("## B is better"), text.index("## A is better")
    assert text.index("IoU A 1.00, B 0.00") > a_better > b_better
    report.write(tmp_path / "out")
    assert (tmp_path / "out" / "pictures" / "a-better-0.jpg").is_file()


def test_a_folder_without_results_is_named_with_what_is_there(tmp_path, capsys):
    (tmp_path / "all" / "refcoco-val").mkdir(parents=True)
    (tmp_path / "all" / "refcoco-val" / "judged.jsonl").write_text('{"head": {}}\n')
    assert cli.main(["compare", str(tmp_path / "all"), "default"]) == cli.USER_ERROR
    assert "refcoco-val" in capsys.readouterr().err
