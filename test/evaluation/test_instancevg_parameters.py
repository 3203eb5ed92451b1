"""Our counts beside those of the reference of InstanceVG."""

import pytest

from evf_sam_ros.cli import main
from evf_sam_ros.evaluation import cost
from evf_sam_ros.evaluation.instancevg_parameters import REFERENCE, UNUSED, rows
from evf_sam_ros.models.variants import VARIANTS


def test_ours_and_what_no_answer_needs_is_the_reference_to_the_last_parameter():
    *parts, whole = rows().values()
    assert sum(parts) == whole
    assert whole + sum(UNUSED.values()) == REFERENCE


def test_the_command_prints_the_parts(capsys, monkeypatch):
    monkeypatch.setattr(cost, "operations", lambda _: {"encoder": 1.5, "all": 2.5})  # takes long
    assert main(["params", "instancevg"]) == 0
    printed = capsys.readouterr().out
    assert "233.873355" in printed
    assert "2.5 (BEIT-3 1.5, head 1.0)" in printed


def test_a_prompt_costs_what_its_convolutions_say():
    found = cost.operations(VARIANTS["instancevg_b"])
    # Of the U-Net: 3 x 3 convolutions 512 -> 256 -> 256 on 20, 40 and 80 cells a side.
    unet = sum(2 * 9 * side**2 * (512 * 256 + 256 * 256) for side in (20, 40, 80)) / 1e9
    assert unet == pytest.approx(29.7, rel=0.01)
    # The facts: 76.5 for BEIT-3 with 10 tokens, two more than here, and 45.9 for the head.
    assert found["encoder"] == pytest.approx(76.5 * 409 / 411, rel=0.01)
    assert found["all"] - found["encoder"] == pytest.approx(45.9, rel=0.02)
