"""Our counts beside those of the reference of DeRIS."""

import pytest

from evf_sam_ros.cli import main
from evf_sam_ros.evaluation import cost
from evf_sam_ros.evaluation.deris_parameters import REFERENCE, SIZES, UNUSED, rows
from evf_sam_ros.models.variants import VARIANTS


@pytest.fixture(scope="module")
def counted():
    return {row.label: row.parameters for row in rows()}


def test_ours_and_what_no_answer_needs_is_the_reference_to_the_last_parameter(counted):
    assert sum(UNUSED.values()) == 147_715
    for ours, size in zip(counted["all"], SIZES, strict=True):
        assert ours + sum(UNUSED.values()) == REFERENCE[size]


def test_the_parts_are_the_whole(counted):
    *parts, whole = counted.values()
    assert tuple(map(sum, zip(*parts, strict=True))) == whole


def test_the_command_prints_both_sizes(capsys, monkeypatch):
    monkeypatch.setattr(cost, "operations", lambda _: {"encoder": 1.5, "all": 2.5})  # takes long
    assert main(["params", "deris"]) == 0
    printed = capsys.readouterr().out
    assert "291.327123  781.408577" in printed
    assert "deris_l: 2.5 (encoder 1.5), without sampling" in printed


def test_the_operations_of_swin_and_the_pixel_decoder_are_nearly_all_of_the_picture_side():
    found = cost.operations(VARIANTS["deris_b"])
    # Of Swin-S at 384 pixels: blocks of width D = 96, 192, 384, 768 on padded grids of 98, 49,
    # 28 and 14 cells a side; projections on 12 D^2, of which the feed-forward part's 8 D^2 on
    # the unpadded grids of 96, 48, 24 and 12, and attention in windows of 49.
    swin = 0
    for depth, width, padded, cells in (
        (2, 96, 98, 96), (2, 192, 49, 48), (18, 384, 28, 24), (2, 768, 14, 12)
    ):  # fmt: skip
        block = 2 * padded**2 * 4 * width**2 + 2 * cells**2 * 8 * width**2
        swin += depth * (block + 4 * padded**2 * 49 * width)
    assert 1.5 * swin / 1e9 < found["segmenter's image encoder"] < 1.8 * swin / 1e9
    assert found["encoder"] == pytest.approx(36.7, rel=0.02)  # BEIT-3 with 8 tokens
