"""Masks of several precisions are compared with the model's own."""

from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks import precision_masks
from benchmarks.precision_masks import Agreement


def answer(found, proposed, logits=1.0):
    return SimpleNamespace(
        found=np.array(found),
        proposed=np.array(proposed, bool),
        logits=np.full((1, 2), logits, np.float32),
    )


def test_overlap_is_of_masks_that_either_found_and_decisions_are_counted_apart():
    agreement = Agreement()
    own = [[[1, 1, 1, 1]], [[1, 1, 0, 0]], [[1, 0, 0, 0]]]
    other = [[[1, 1, 1, 0]], [[1, 1, 0, 0]], [[0, 0, 0, 1]]]
    agreement.add(
        answer([True, True, False], own), answer([True, False, False], other, logits=1.01)
    )
    assert agreement.overlaps == [0.75, 1.0]
    assert (agreement.decided_otherwise, agreement.asked) == (1, 3)
    assert agreement.logit_error == pytest.approx(0.01, rel=1e-4)
    assert agreement.line("x") == "| x | 1.0e-02 | 2 | 0.8750 | 0.7500 | 1 of 3 |"
    assert not agreement.reached()


def test_the_default_model_draws_the_same_masks_in_bfloat16(capsys, one_thread):
    given = ["--scenes", "1", "--device", "cpu", "--precision", "fp32", "bf16"]
    assert precision_masks.main(given) == 0
    exact, rough = capsys.readouterr().out.splitlines()[2:]
    assert exact.startswith("| torch fp32 | ")
    assert exact.endswith("| 1.0000 | 1.0000 | 0 of 6 |")
    assert rough.startswith("| torch bf16 | ")


def test_what_another_engine_would_run_is_refused(monkeypatch):
    monkeypatch.setattr("evf_sam_ros.engines.engine._proven", lambda *_, **__: None)
    given = ["--engines", "openvino", "--precision", "fp32"]
    with pytest.raises(SystemExit, match="openvino in fp32 was refused: torch in fp32 runs in"):
        precision_masks.main(["--scenes", "1", "--device", "cpu", *given])
