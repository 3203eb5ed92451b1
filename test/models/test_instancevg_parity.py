"""InstanceVG against recordings of its reference, and the comparison against mistakes."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from benchmarks.golden import golden_state, load_golden
from benchmarks.golden_instancevg import check_instancevg_case
from benchmarks.golden_weights import instancevg_tensor
from benchmarks.parity import check_folder
from evf_sam_ros.models.checkpoint import from_released
from evf_sam_ros.models.instancevg import answer, point_decoder, query_points, reader, unet

GOLDENS = Path(__file__).parents[3] / "shared" / "goldens"
TINY = GOLDENS / "tiny_instancevg"
pytestmark = pytest.mark.skipif(not TINY.is_dir(), reason=f"no golden data in {TINY}")


def misses(checks):
    return {check.name for check in checks if not check.ok}


@pytest.fixture
def golden():
    return load_golden(TINY)


def misses_of(golden, case):
    return misses(check_instancevg_case(golden, golden.manifest["cases"][case]))


def test_every_stage_of_a_small_model_matches(golden):
    checks = check_folder(golden)
    assert misses(checks) == set()
    assert {"level3_sub", "point_index", "references", "class_logits", "merged_mask_packed"} <= {
        check.name for check in checks
    }


@pytest.mark.slow
def test_every_stage_of_the_published_size_matches():
    assert misses(check_folder(load_golden(GOLDENS / "full_instancevg_b"))) == set()


def test_the_formula_gives_the_published_numbers():
    expected = [0.0183736, -0.0421593, -0.1410665]
    weights = instancevg_tensor("head.class_embed.2.weight", (2, 64))
    np.testing.assert_allclose(weights.flat[:3], expected, atol=1e-7)


def test_a_wrong_epsilon_in_the_head_is_noticed(golden):
    golden.model.segmenter.reader.own_norm.eps = 1e-6  # of a constant of small variance
    assert {"token_query_sub", "decoder_states_sub"} <= misses_of(golden, 0)


def test_another_epsilon_of_the_pyramids_norms_is_noticed(golden):
    for module in golden.model.segmenter.pyramid.modules():
        if isinstance(module, nn.LayerNorm):
            module.eps = 1e-3
    assert "level0_sub" in misses_of(golden, 0)


def test_joining_the_levels_without_aligned_corners_is_noticed(golden, monkeypatch):
    real = functional.interpolate

    def unaligned(grid, size, *, mode, align_corners):
        return real(grid, size, mode=mode, align_corners=False)

    monkeypatch.setattr(
        unet, "functional", SimpleNamespace(interpolate=unaligned, relu=functional.relu)
    )
    assert "mask_features_sub" in misses_of(golden, 0)


def test_a_point_map_without_its_sigmoid_is_noticed(golden, monkeypatch):
    monkeypatch.setattr(query_points.torch.Tensor, "sigmoid", lambda values: values, raising=True)
    assert "point_index" in misses_of(golden, 0)


def test_points_that_do_not_keep_away_from_each_other_are_noticed(golden, monkeypatch):
    monkeypatch.setattr(query_points, "DISTANCE_WEIGHT", 0.0)
    assert "point_index" in misses_of(golden, 0)


def test_tokens_in_the_order_of_the_text_are_noticed(golden, monkeypatch):
    real = reader.chosen_tokens

    def in_order(words, padding, queries):
        tokens, places = real(words, padding, queries)
        order = places.argsort(1)
        return tokens.gather(1, order[..., None].expand_as(tokens)), places.gather(1, order)

    monkeypatch.setattr(reader, "chosen_tokens", in_order)
    assert "token_choice" in misses_of(golden, 3)  # of exactly as many tokens as queries


def test_references_that_stay_in_the_picture_are_noticed(golden, monkeypatch):
    real = point_decoder.PointDecoder.forward

    def clamped(self, queries, places, pyramid):
        hooks = [
            layer.picture.register_forward_pre_hook(
                lambda _, inputs: (inputs[0], inputs[1].clamp(0, 1), *inputs[2:])
            )
            for layer in self.layers
        ]
        try:
            return real(self, queries, places, pyramid)
        finally:
            for hook in hooks:
                hook.remove()

    monkeypatch.setattr(point_decoder.PointDecoder, "forward", clamped)
    assert "decoder_states_sub" in misses_of(golden, 0)


def test_an_answer_without_the_global_mask_is_noticed(golden, monkeypatch):
    def instances_alone(masks, _, chosen):
        return masks.masked_fill(~chosen[..., None, None], -torch.inf).amax(1)

    monkeypatch.setattr(answer, "merged", instances_alone)
    assert "merged_mask_packed" in misses_of(golden, 4)


def test_heads_that_differ_from_layer_to_layer_are_refused(golden):
    state, _ = golden_state(golden.manifest, "the golden folder")
    state["head.class_embed.2.bias"] = state["head.class_embed.2.bias"] + 1
    with pytest.raises(ValueError, match=r"somewhere: head\.class_embed\.2\.bias differs from"):
        from_released(state, "somewhere")


def test_every_released_tensor_without_effect_may_be_missing_but_no_other(golden):
    state, _ = golden_state(golden.manifest, "the golden folder")
    kept = from_released(state)
    without = {
        name: tensor
        for name, tensor in state.items()
        if "query_embed" not in name and "proj_pixel" not in name and "level_embeds" not in name
    }
    assert from_released(without).keys() == kept.keys() == golden.model.state_dict().keys()
