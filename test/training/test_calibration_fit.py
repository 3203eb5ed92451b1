"""`evf-sam calibrate`: p(found) means what it says, and the threshold keeps what it promises."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from evf_sam_ros.cli import main
from evf_sam_ros.perception.decision import Calibration
from evf_sam_ros.perception.predictor import load_predictor
from evf_sam_ros.sim.expressions import Expression
from evf_sam_ros.sim.scene import SceneObject
from evf_sam_ros.training.calibration_fit import (
    Asked,
    balanced_calibration_error,
    fit,
    halves,
    measure,
    probabilities,
)
from evf_sam_ros.training.negatives import ABSENT, ATTRIBUTE, OTHER, RELATION
from evf_sam_ros.training.tabletop_levels import level_of

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]
from tiny_model import write_tiny_model  # noqa: E402
from written_data import write_refcoco  # noqa: E402


def asked(count=4000, seed=0):
    """Sentences of which the first signal tells much, the second nothing."""
    rng = np.random.default_rng(seed)
    made = []
    for number in range(count):
        there = rng.random() < 0.7
        level = "" if there else (ABSENT if rng.random() < 0.5 else ATTRIBUTE)
        # Log odds 2 x: the positives around +1, the negatives around -1, or 0 where it is hard.
        centre = 1.0 if there else (-1.0 if level == ABSENT else 0.0)
        signals = {"presence": centre + rng.standard_normal(), "stability": rng.standard_normal()}
        made.append(
            Asked(number // 4, level, signals, 80 if there else 0, 100, 90 if there else 0)
        )
    return made


def test_a_signal_that_tells_nothing_gets_no_weight_and_the_threshold_keeps_t_acc():
    fitted_on, measured_on = halves(asked())
    calibration = fit(fitted_on, ["presence", "stability"])
    assert abs(calibration.weights["stability"]) < 0.1 * calibration.weights["presence"]
    figures = measure(calibration, measured_on)
    assert figures["t_acc"] >= 0.94
    assert figures["by_level"][ABSENT]["auroc"] == pytest.approx(0.921, abs=0.03)  # Phi(sqrt 2)
    assert figures["by_level"][ATTRIBUTE]["auroc"] == pytest.approx(
        0.760, abs=0.04
    )  # Phi(1/sqrt 2)
    assert figures["by_level"][ABSENT]["n_acc"] > figures["by_level"][ATTRIBUTE]["n_acc"]
    assert figures["all"]["ece"] < 0.06
    assert figures["auroc_of_each_signal"]["stability"] == pytest.approx(0.5, abs=0.04)


def test_the_price_of_saying_no_is_what_rejected_targets_cost_in_ciou():
    rows = [Asked(i, "", {"presence": float(i)}, 50, 100, 80) for i in range(4)]
    figures = measure(Calibration({"presence": 1.0}, bias=-1.5, threshold=0.5), rows)
    assert figures["ciou_always_found"] == 200 / 400
    assert figures["ciou_decided"] == 100 / (200 + 2 * 80)  # 0 and 1 are below 1.5


def test_right_probabilities_have_no_calibration_error_and_wrong_ones_do():
    rng = np.random.default_rng(0)
    p = rng.random(60_000)
    there = rng.random(60_000) < p
    odds = there.sum() / (~there).sum()
    assert balanced_calibration_error(p[there], p[~there], odds) < 0.01
    sure = np.where(p > 0.5, 0.999, 0.001)
    assert balanced_calibration_error(sure[there], sure[~there], odds) > 0.2


def test_sentences_about_a_picture_are_never_on_both_sides():
    one, other = halves(asked(400))
    assert not {a.picture for a in one} & {a.picture for a in other}
    assert len(one) + len(other) == 400


def test_too_few_sentences_are_refused():
    with pytest.raises(ValueError, match="need 20 of each"):
        fit(asked(30), ["presence"])


def test_probabilities_of_a_fit_are_those_that_the_predictor_gives(tmp_path):
    rows = asked(200)
    calibration = fit(rows, ["presence", "stability"])
    again = Calibration.from_config({"decision": json.loads(json.dumps(calibration.document()))})
    np.testing.assert_allclose(probabilities(again, rows), probabilities(calibration, rows))


def test_the_command_writes_the_decision_beside_the_weights(tmp_path, capsys):
    data = write_refcoco(tmp_path / "data", 24, sentences=("the {} mug", "{} bowl on the left"))
    model = write_tiny_model(tmp_path / "model")
    command = ["calibrate", "--model", str(model), "--data", str(data), "--split", "refcoco/train"]
    before = (model / "config.json").read_text()
    assert main([*command, "--signals", "presence,certainty", "--dry-run"]) == 0
    assert (model / "config.json").read_text() == before
    report = ["--report", str(tmp_path / "out")]
    assert main([*command, "--signals", "presence,certainty", *report]) == 0
    said = capsys.readouterr().out
    assert "| wrong attribute |" in said
    assert "cIoU of sentences with a target" in said
    decision = json.loads((model / "config.json").read_text())["decision"]
    assert decision["weights"].keys() == {"presence", "certainty"}
    assert load_predictor(model).score_threshold == decision["threshold"]
    assert "wrong attribute" in (tmp_path / "out/index.html").read_text()


def test_a_signal_that_does_not_exist_is_refused(tmp_path, capsys):
    model = write_tiny_model(tmp_path)
    assert (
        main(["calibrate", "--model", str(model), "--data", "tabletop", "--signals", "mood"]) == 2
    )
    assert "signal is 'mood', need some of presence" in capsys.readouterr().err


def thing(shape, color):
    return SceneObject(shape, color, *(0.1,) * 8, 100, 1.0)


@pytest.mark.parametrize(
    ("text", "candidates", "level"),
    [
        ("the green mug", (), ATTRIBUTE),
        ("the red bowls", (), ABSENT),
        ("the red mug left of the box", (0,), RELATION),
        ("the pill", (), OTHER),
    ],
)
def test_tabletop_negatives_have_their_level(text, candidates, level):
    objects = [thing("mug", "red"), thing("box", "green"), thing("capsule", "blue")]
    assert level_of(Expression(text, (), "nothing", candidates), objects) == level
    assert level_of(Expression("the red mug", (0,), "attribute"), objects) == ""
