"""Our models against recordings of the reference, and the comparison against mistakes."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from rounding import UNIT, error_of_format
from torch import nn

from benchmarks import parity
from benchmarks.golden import golden_tensor, load_golden
from benchmarks.golden_cases import check_case
from benchmarks.golden_training import check_training
from benchmarks.parity import check_folder
from evf_sam_ros.models import beit3

GOLDENS = Path(__file__).parents[3] / "shared" / "goldens"
pytestmark = pytest.mark.skipif(not GOLDENS.is_dir(), reason=f"no golden data in {GOLDENS}")

TINY = ["tiny_sam", "tiny_effisam", "tiny_sam2"]
FULL = ["full_evf_effisam_b", "full_evf_effisam_l", "full_evf_sam", "full_evf_sam2"]


def misses(checks):
    return {check.name: check.error for check in checks if not check.ok}


def first_case_misses(golden):
    return misses(check_case(golden, golden.manifest["cases"][0]))


@pytest.fixture
def golden():
    return load_golden(GOLDENS / "tiny_sam")


@pytest.mark.parametrize("name", TINY)
def test_every_stage_loss_and_gradient_of_a_small_model_matches(name):
    checks = check_folder(load_golden(GOLDENS / name))
    assert misses(checks) == {}
    assert {"crc32", "grad_norms", "loss", "final_mask_packed"} <= {
        check.name.split(" ")[0] for check in checks
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", FULL)
def test_every_stage_of_a_published_size_matches(name):
    assert misses(check_folder(load_golden(GOLDENS / name))) == {}


@pytest.mark.parametrize("name", ["losses.npz", "metrics.npz", "preprocess.npz"])
def test_losses_metrics_and_preprocessing_match(name):
    assert parity.main([str(GOLDENS / name)]) == 0


def test_the_formula_gives_the_published_numbers():
    expected = [-0.1329145, 1.0370680, 0.2115607]
    key = "mm_extractor.beit3.encoder.layers.0.self_attn.v_proj.B.weight"
    np.testing.assert_allclose(golden_tensor(key, (64, 64)).flat[:3], expected, atol=1e-7)


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
@pytest.mark.parametrize("name", TINY)
def test_half_precision_is_near_and_only_reported(name, precision):
    golden = load_golden(GOLDENS / name)
    dtype = parity.PRECISIONS[precision]
    checks = check_folder(golden, parity.Run(dtype=dtype))
    assert misses(checks) == {}
    errors = {check.name: check.error for check in checks if check.kind == "relative"}
    assert UNIT[dtype] / 100 < errors["low_res_logits"] < error_of_format(golden.model, dtype)


def test_a_wrong_epsilon_is_noticed(golden):
    for module in golden.model.encoder.modules():
        if isinstance(module, nn.LayerNorm):
            module.eps = 1e-6
    assert "beit_out_sub" in first_case_misses(golden)


def test_a_position_off_by_one_is_noticed(golden, monkeypatch):
    monkeypatch.setattr(beit3, "FIRST_POSITION", 1)
    assert "beit_layer_cls8" in first_case_misses(golden)


def test_another_mask_token_is_noticed(golden):
    tokens = golden.model.segmenter.mask_decoder.mask_tokens.weight
    with torch.no_grad():
        tokens.copy_(tokens[[1, 0, 2, 3]])
    assert {"low_res_logits", "final_mask_packed"} <= first_case_misses(golden).keys()


@pytest.fixture(scope="module")
def sam2():
    return load_golden(GOLDENS / "tiny_sam2")


def test_masks_in_another_order_are_noticed(sam2):
    heads = sam2.model.segmenter.mask_decoder.output_hypernetworks_mlps
    heads[1], heads[2] = heads[2], heads[1]
    missed = first_case_misses(sam2)
    heads[1], heads[2] = heads[2], heads[1]
    assert "low_res_logits" in missed
    assert "iou_pred" not in missed


def test_another_choice_of_mask_is_noticed(sam2, monkeypatch):
    worst = lambda candidates: candidates.iou_NM[:, 1:].argmin(1) + 1  # noqa: E731
    monkeypatch.setattr(sam2.model.segmenter, "chosen", worst)
    assert {"selected_mask", "final_mask_packed"} <= first_case_misses(sam2).keys()


def test_a_forgotten_no_memory_embedding_is_noticed(sam2, monkeypatch):
    segmenter = sam2.model.segmenter
    monkeypatch.setattr(segmenter, "encode", segmenter.see)
    assert "image_embed_sub" in first_case_misses(sam2)


def test_an_antialiased_fusion_image_is_noticed(golden):
    fusion = replace(golden.config.fusion_input, resize="stretch")
    wrong = replace(golden, config=replace(golden.config, fusion_input=fusion))
    assert "beit_input_sub" in first_case_misses(wrong)


def test_attended_padding_is_noticed(golden, monkeypatch):
    real = beit3.key_bias

    def nothing_hidden(padding, split, dtype):
        return torch.zeros_like(real(padding, split, dtype))

    monkeypatch.setattr(beit3, "key_bias", nothing_hidden)
    batch = next(case for case in golden.manifest["cases"] if case["mode"] == "batch")
    assert "prompt_embed" in misses(check_case(golden, batch))


def test_a_frozen_mask_decoder_is_noticed(golden):
    train = golden.manifest["train"]
    flags = {**train["trainable_flags"], "train_mask_decoder": False}
    wrong = {**train, "trainable_flags": flags, "images": train["images"][1:]}
    assert "grad_keys" in misses(check_training(golden, wrong))


@pytest.fixture
def copied(tmp_path):
    """Return a golden folder with one case that a test may spoil."""
    folder = tmp_path / "goldens" / "copied"
    shutil.copytree(GOLDENS / "tiny_effisam", folder, copy_function=shutil.copy)
    shutil.copytree(GOLDENS / "images", folder.parent / "images", copy_function=shutil.copy)
    for path in [folder, *folder.iterdir()]:
        path.chmod(0o755)
    manifest = json.loads((folder / "manifest.json").read_text())
    for case in [*manifest["cases"][1:], manifest.pop("train")]:
        (folder / case["file"]).unlink()
    manifest["cases"] = manifest["cases"][:1]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def spoil(folder, **changes):
    path = folder / "case_0.npz"
    with np.load(path) as arrays:
        kept = {**arrays, **changes}
    np.savez(path, **{name: value for name, value in kept.items() if value is not None})


def test_a_golden_folder_elsewhere_passes(copied, capsys):
    assert parity.main([str(copied)]) == 0
    assert "0 missed" in capsys.readouterr().out


def test_an_array_nobody_knows_fails(copied, capsys):
    spoil(copied, surprise=np.zeros(3))
    assert parity.main([str(copied)]) == 1
    assert "not compared" in capsys.readouterr().out


def test_a_changed_value_fails(copied):
    spoil(copied, prompt_embed=np.zeros((1, 96), np.float32))
    assert parity.main([str(copied)]) == 1


def test_a_file_the_manifest_does_not_name_fails(copied):
    np.savez(copied / "case_9.npz", logits=np.zeros(3))
    assert parity.main([str(copied)]) == 1


def test_wrong_weights_fail(copied, capsys):
    manifest = json.loads((copied / "manifest.json").read_text())
    manifest["state_dict"][0][3] += 1
    (copied / "manifest.json").write_text(json.dumps(manifest))
    assert parity.main([str(copied)]) == 1
    assert "crc32 of 293 weights     1.00e+00" in capsys.readouterr().out


def test_a_variant_we_do_not_have_says_so(copied, capsys):
    manifest = json.loads((copied / "manifest.json").read_text())
    manifest["config"]["variant"] = "sam3"
    (copied / "manifest.json").write_text(json.dumps(manifest))
    assert parity.main([str(copied)]) == 1
    assert (
        "variant is 'sam3', need sam, efficientsam, sam2, deris or instancevg"
        in capsys.readouterr().err
    )


def test_a_folder_without_golden_data_says_so(tmp_path, capsys):
    assert parity.main([str(tmp_path)]) == 1
    assert "no golden data" in capsys.readouterr().err
