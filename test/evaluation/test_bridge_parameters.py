"""Our counts beside table 2 of the bridge's supplement."""

import pytest

from evf_sam_ros.cli import main
from evf_sam_ros.evaluation import cost
from evf_sam_ros.evaluation.bridge_parameters import rows
from evf_sam_ros.models.variants import VARIANTS

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


def test_operations_of_the_published_size_are_mostly_those_of_its_two_image_encoders():
    found = cost.operations(VARIANTS["sam_clip_bridge"])
    # CLIP ViT-L/14 at 336: 24 layers of width 1024 on 577 tokens; per layer 4 projections, two
    # products of attention and a feed forward of 4 * 1024; and the patch embedding.
    tokens, width = 577, 1024
    layer = 2 * tokens * 12 * width**2 + 4 * tokens**2 * width
    patches = 2 * 576 * (3 * 14 * 14) * width
    clip = (24 * layer + patches) / 1e9
    assert clip < found["encoder"] < 1.2 * clip
    parts = sum(value for name, value in found.items() if name != "all")
    assert parts == pytest.approx(found["all"])
    assert found["segmenter's image encoder"] + clip > 0.9 * found["all"]
