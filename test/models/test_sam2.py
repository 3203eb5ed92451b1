"""SAM-2 behind the seam: released names and sizes, its choice of masks, its windows."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from tiny_networks import SAM_2, randomised

from benchmarks.golden import config_from_manifest, golden_tensor
from evf_sam_ros.models import checkpoint
from evf_sam_ros.models.hiera import HieraConfig
from evf_sam_ros.models.sam2 import Sam2Config, stability
from evf_sam_ros.models.sam2_decoder import Candidates
from evf_sam_ros.models.variants import VARIANTS, build
from evf_sam_ros.models.windows import joined_windows, windows_of

GOLDENS = Path(__file__).parents[3] / "shared" / "goldens"
needs_goldens = pytest.mark.skipif(not GOLDENS.is_dir(), reason=f"no golden data in {GOLDENS}")


def manifest(name):
    return json.loads((GOLDENS / name / "manifest.json").read_text())


@needs_goldens
def test_the_published_size_has_exactly_the_released_names_and_shapes():
    released = manifest("full_evf_sam2")
    assert config_from_manifest(released["config"]) == VARIANTS["evf_sam2"]
    with torch.device("meta"):
        model = build(VARIANTS["evf_sam2"])
    own = {name: list(tensor.shape) for name, tensor in model.state_dict().items()}
    assert {checkpoint.renamed(key): shape for key, shape, *_ in released["state_dict"]} == own
    assert sum(p.numel() for p in model.parameters()) == released["parameter_count"]
    assert sum(t.numel() for t in model.state_dict().values()) == released["state_dict_elements"]


@needs_goldens
def test_a_released_folder_loads_every_tensor(tmp_path, monkeypatch):
    released = manifest("tiny_sam2")
    config = config_from_manifest(released["config"])
    monkeypatch.setitem(VARIANTS, "evf_sam2_tiny", config)
    scales = {"model_type": "evf", "sam_scale": "tiny", "mm_extractor_scale": "large"}
    (tmp_path / "config.json").write_text(json.dumps(scales))
    state = {
        key: torch.from_numpy(golden_tensor(key, tuple(shape)))
        for key, shape, *_ in released["state_dict"]
    }
    save_file(state, tmp_path / "model.safetensors")
    loaded = checkpoint.load(tmp_path)
    assert loaded.config == config
    own = loaded.model.state_dict()
    assert len(own) == len(state)
    for key, tensor in state.items():
        torch.testing.assert_close(own[checkpoint.renamed(key)], tensor, rtol=0, atol=0)


def test_tiny_hiera_is_the_published_one():
    with torch.device("meta"):
        encoder = build(VARIANTS["evf_sam2_tiny"]).segmenter.image_encoder
    # SAM 2, appendix: Hiera-T; all of SAM-2-T has 38.9 M, of which this is the larger part.
    assert 26e6 < sum(p.numel() for p in encoder.parameters()) < 28e6
    assert [len(encoder.trunk.blocks), *encoder.trunk.stage_ends] == [12, 0, 2, 9, 11]


class TestChoice:
    """Masks 0 to 3 of one prompt are levels, so that the chosen one shows."""

    @staticmethod
    def candidates(outline):
        logits = torch.arange(4.0)[None, :, None, None].expand(1, 4, 10, 10).clone()
        logits[0, 0] = 1.0
        logits[0, 0, 0, :outline] = 0.0  # neither in nor out
        iou = torch.tensor([[0.99, 0.2, 0.7, 0.4]])
        return Candidates(logits, iou, torch.zeros(1), torch.zeros(1, 4, 32))

    @pytest.fixture
    def segmenter(self):
        return build(SAM_2).segmenter

    def test_the_best_of_three_is_by_predicted_iou(self, segmenter):
        assert segmenter.chosen(self.candidates(outline=0)).tolist() == [2]

    def test_a_stable_mask_is_kept_and_an_unstable_one_is_not(self, segmenter):
        segmenter.masks = "stable"
        assert stability(self.candidates(outline=2).logits_NMhw[:, 0]).item() == pytest.approx(
            0.98
        )
        assert segmenter.chosen(self.candidates(outline=2)).tolist() == [0]
        assert segmenter.chosen(self.candidates(outline=3)).tolist() == [2]

    def test_in_training_the_single_mask_is_always_kept(self, segmenter):
        segmenter.masks = "stable"
        assert segmenter.train().chosen(self.candidates(outline=9)).tolist() == [0]

    def test_an_empty_mask_is_stable(self):
        assert stability(torch.full((1, 4, 4), -3.0)).tolist() == [1.0]

    def test_the_choice_is_part_of_the_configuration(self):
        config = replace(SAM_2, segmenter=replace(SAM_2.segmenter, masks="stable"))
        model = randomised(build(config))
        images, prompts = torch.randn(1, 3, 64, 64), torch.randn(1, 2, 32)
        with torch.no_grad():
            features = model.segmenter.encode(images)
            candidates = model.segmenter.candidates(features, prompts)
            decoded = model.segmenter.decode(features, prompts)
        for prompt, mask in enumerate(model.segmenter.chosen(candidates)):
            torch.testing.assert_close(
                decoded.logits[0, prompt], candidates.logits_NMhw[prompt, mask]
            )
        torch.testing.assert_close(decoded.presence[0], candidates.presence_N)


@pytest.mark.parametrize("size", [(8, 8), (7, 10), (3, 3), (1, 9)])
def test_windows_come_back_to_where_they_were_cut(size):
    grid = torch.randn(2, *size, 5)
    windows = windows_of(grid, 4)
    assert windows.shape[1:] == (4, 4, 5)
    torch.testing.assert_close(joined_windows(windows, size), grid)


def test_a_window_holds_neighbours():
    grid = torch.arange(64.0).view(1, 8, 8, 1)
    assert windows_of(grid, 4)[1, 0, :, 0].tolist() == [4, 5, 6, 7]


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"masks": "worst"}, "masks is 'worst', need one of"),
        ({"image_side": 100}, "image_side 100 is not a multiple of 32"),
    ],
)
def test_an_impossible_size_is_refused(wrong, complaint):
    hiera = VARIANTS["evf_sam2"].segmenter.hiera
    with pytest.raises(ValueError, match=complaint):
        Sam2Config(hiera=hiera, **wrong)


@pytest.mark.parametrize(
    "wrong", [{"heads": 5}, {"stages": (1, 2)}, {"global_attention": (99,)}, {"windows": (8,)}]
)
def test_an_impossible_trunk_is_refused(wrong):
    sizes = {"width": 8, "heads": 1, "stages": (1, 1, 1, 1), "global_attention": (),
             "windows": (8, 4, 4, 2)}  # fmt: skip
    with pytest.raises(ValueError, match=r"width|stages|global_attention"):
        HieraConfig(**{**sizes, **wrong})
