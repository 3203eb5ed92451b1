"""DeRIS against recordings of its reference, and the comparison against mistakes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from benchmarks.golden import golden_state, load_golden
from benchmarks.golden_deris import check_deris_case
from benchmarks.parity import check_folder
from evf_sam_ros.models.checkpoint import from_released
from evf_sam_ros.models.deris import word_loop
from evf_sam_ros.models.deris.names import used
from evf_sam_ros.models.deris.swin import Swin
from evf_sam_ros.models.deris.word_loop import SelfReading

GOLDENS = Path(__file__).parents[3] / "shared" / "goldens"
TINY = GOLDENS / "tiny_deris"
pytestmark = pytest.mark.skipif(not TINY.is_dir(), reason=f"no golden data in {TINY}")


def misses(checks):
    return {check.name for check in checks if not check.ok}


@pytest.fixture
def golden():
    return load_golden(TINY)


def first_case_misses(golden):
    return misses(check_deris_case(golden, golden.manifest["cases"][0]))


def test_every_stage_of_a_small_model_matches(golden):
    checks = check_folder(golden)
    assert misses(checks) == set()
    assert {"swin_block_stats", "scale2_sub", "step_mask_sub", "existence_logit", "selected"} <= {
        check.name for check in checks
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", ["full_deris_b", "full_deris_l"])
def test_every_stage_of_a_published_size_matches(name):
    assert misses(check_folder(load_golden(GOLDENS / name))) == set()


def test_a_window_that_is_not_shifted_where_it_covers_the_grid_is_noticed(golden):
    for block in golden.model.segmenter.picture.swin.layers[-1].blocks:
        block.shift = 0
    assert "swin_res5_sub" in first_case_misses(golden)


def test_a_wrong_epsilon_in_swin_is_noticed(golden):
    for module in golden.model.segmenter.picture.swin.modules():
        if isinstance(module, nn.LayerNorm):
            module.eps = 1e-6
    assert "swin_res2_sub" in first_case_misses(golden)


def test_intact_sines_for_the_words_are_noticed(golden, monkeypatch):
    def sines(length, like):
        places, channels = torch.arange(length)[:, None], torch.arange(like.shape[-1])
        phases = places / 10000 ** (channels // 2 * 2 / like.shape[-1])
        return torch.where(channels % 2 == 0, phases.sin(), phases.cos())

    monkeypatch.setattr(word_loop, "word_positions", sines)
    assert "step_refer_logits" in first_case_misses(golden)


def test_attention_among_the_queries_of_the_loopback_is_noticed(golden, monkeypatch):
    def among(module, queries):
        return module.norm(queries + module.attention(queries, queries, queries)[0])

    monkeypatch.setattr(SelfReading, "forward", among)
    assert {"step_refer_logits", "step_mask_sub"} <= first_case_misses(golden)


@pytest.mark.parametrize("half", ["fusion_input", "image_input"])
def test_another_kind_of_resizing_is_noticed(golden, half):
    changed = replace(getattr(golden.config, half), resize="sample")
    config = replace(golden.config, **{half: changed})
    expected = {"fusion_input": "beit_uint8_sub", "image_input": "hier_uint8_sub"}[half]
    assert expected in first_case_misses(replace(golden, config=config))


def test_another_threshold_is_noticed(golden):
    case = {**golden.manifest["cases"][0], "score_threshold": 0.99999}
    assert {"selected", "not_found"} <= misses(check_deris_case(golden, case))


def test_padding_that_is_read_is_noticed(golden, monkeypatch):
    monkeypatch.setattr(word_loop, "HIDDEN", 0.0)
    two = next(case for case in golden.manifest["cases"] if case["mode"] == "each_alone")
    assert "step_refer_logits" in misses(check_deris_case(golden, two))


def test_every_released_name_is_ours_or_known_to_be_unused(golden):
    state, wrong = golden_state(golden.manifest, "tiny")
    assert wrong == 0
    assert from_released(state).keys() == golden.model.state_dict().keys()
    dropped = state.keys() - used(state, "tiny").keys()
    blocks, loops, layers = 10, 4, 2  # of Swin, of the loopback, of SEG_proj
    assert len(dropped) == blocks + 3 * loops + 2 * layers + 2 + 1 + 2 + 1
    assert all("mapmlp" in name for name in dropped if "Q2TCA" in name)


def test_what_is_dropped_changes_no_answer_of_the_reference(golden):
    """The manifest lists what the reference was seen not to read; we drop only that."""
    listed = golden.manifest["not_used_for_the_answer"]
    listed = [*listed, *golden.manifest["only_for_training_or_boxes"]]
    state, _ = golden_state(golden.manifest, "tiny")
    for name in state.keys() - used(state, "tiny").keys():
        if not name.endswith("relative_position_index"):
            assert any(np.all([part in name for part in row.split("*")]) for row in listed), name


def test_an_index_table_of_another_order_is_refused(golden):
    state, _ = golden_state(golden.manifest, "tiny")
    name = next(each for each in state if each.endswith("relative_position_index"))
    state[name] = state[name].T.contiguous()
    with pytest.raises(ValueError, match="relative_position_index is not row-major"):
        from_released(state, "a.pth")


def test_the_picture_encoder_has_four_stages_of_half_the_size_each(golden):
    swin = golden.model.segmenter.picture.swin
    assert isinstance(swin, Swin)
    with torch.inference_mode():
        grids = swin(torch.zeros(1, 3, 192, 192))
    assert [tuple(grid.shape[1:]) for grid in grids] == [
        (32, 48, 48), (64, 24, 24), (128, 12, 12), (256, 6, 6)
    ]  # fmt: skip
