"""Our counts beside table 2 of the bridge's supplement."""

import pytest

from evf_sam_ros.cli import main
from evf_sam_ros.evaluation.bridge_parameters import rows

pytest.importorskip("transformers", reason="pip install 'evf_sam_ros[encoders]'")


def test_every_count_but_one_is_what_is_printed_to_the_last_digit():
    counted = {row.label: row for row in rows()}
    differing = [row.label for row in counted.values() if row.paper is not None and not row.agrees]
    assert differing == ["PWAM"]
    assert counted["PWAM"].ours == 787_968  # the digits of 7.88, a tenth of it
    assert "decimal slip" in counted["PWAM"].note
    assert counted["DFAM"].ours == 6_899_970


def test_the_sums_of_the_table_are_sums_of_its_rows():
    ours = {row.label: row.ours for row in rows()}
    assert ours["frozen"] == ours["CLIP ViT"] + ours["SAM ViT"]
    learned = ("SAM decoder", "BERT", "DFAM", "PWAM", "everything else")
    assert ours["trainable"] == sum(ours[label] for label in learned)


def test_pwam_has_the_count_of_its_formula():
    width, picture, words = 256, 1024, 256
    linear = lambda inputs: inputs * width + width  # noqa: E731
    expected = 2 * linear(picture) + 2 * linear(words) + 2 * linear(width)
    assert next(row.ours for row in rows() if row.label == "PWAM") == expected


def test_the_command_prints_the_table(capsys):
    assert main(["params", "sam_clip_bridge"]) == 0
    printed = capsys.readouterr().out
    assert "DFAM                    6.90     6.899970" in printed
    assert "differs: a decimal slip" in printed
