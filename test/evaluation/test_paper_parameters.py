"""Our counts beside those of the paper."""

import sys

import pytest

from evf_sam_ros.evaluation.paper_parameters import ROUNDING, TABLE_3, TABLE_6, count, report


@pytest.mark.parametrize("row", TABLE_6 + TABLE_3, ids=lambda row: row.label)
def test_a_count_agrees_with_the_paper_or_says_why_not(row):
    if row.model.startswith(("clip", "vilt")):
        pytest.importorskip("transformers", reason="pip install 'evf_sam_ros[encoders]'")
    counts = count(row.model)
    ours = counts.total if row in TABLE_6 else counts.encoder
    agrees = abs(ours / row.paper - 1) <= ROUNDING
    assert agrees or row.note
    assert counts.total == pytest.approx(counts.encoder + counts.projector + counts.segmenter)


def test_the_words_of_beit_3_pass_through_what_the_paper_counts_for_text_only():
    assert count("beit3_l_text").read == pytest.approx(370, abs=1)


def test_what_clip_and_vilt_lack_is_what_the_notes_say():
    pytest.importorskip("transformers", reason="pip install 'evf_sam_ros[encoders]'")
    picture_half = count("clip_l_late").encoder - count("clip_l_text").encoder
    assert picture_half == pytest.approx(304.0, abs=0.05)
    words = 49408 + 77 + 1024  # rows of the two embeddings and of the projection, 1024 wide each
    norm = 2 * 1024
    assert count("clip_h_text").encoder - 302.3 == pytest.approx(
        (words * 1024 + norm) / 1e6, abs=0.1
    )
    width, vocabulary = 768, 30522
    pooler = width * width + width
    head = width * width + width + 2 * width + width * vocabulary + vocabulary
    assert count("vilt_early").encoder + (pooler + head) / 1e6 == pytest.approx(136, abs=0.5)


def test_the_report_prints_every_row_even_without_transformers(monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    lines = list(report())
    for row in TABLE_6 + TABLE_3:
        assert any(line.startswith(row.label) for line in lines)
    clip = next(line for line in lines if line.startswith("CLIP-Large, SAM-ViT-H"))
    assert "needs transformers: pip install 'evf_sam_ros[encoders]'" in clip
