"""The halves of a model can start from what their authors publish."""

import sys
from pathlib import Path

import pytest
import torch

from evf_sam_ros.models.variants import build
from evf_sam_ros.training.pretrained import load_encoder, load_segmenter

sys.path.append(str(Path(__file__).parents[1] / "models"))
import tiny_networks


def published_beit3(model):
    """Name an encoder's tensors as Microsoft does, beside a head for another task."""
    state = {"mlm_head.weight": torch.zeros(3)}
    for name, tensor in model.encoder.state_dict().items():
        inside = "" if name.startswith(("text_embed", "vision_embed")) else "encoder."
        state[f"beit3.{inside}{name}"] = tensor
    return state


def test_beit3_is_loaded_from_its_own_file_and_its_heads_are_left_out(tmp_path):
    source = tiny_networks.randomised(build(tiny_networks.SAM))
    torch.save({"model": published_beit3(source)}, tmp_path / "beit3.pth")
    model = build(tiny_networks.SAM)
    load_encoder(model, tmp_path / "beit3.pth")
    for name, tensor in source.encoder.state_dict().items():
        torch.testing.assert_close(model.encoder.state_dict()[name], tensor)


@pytest.mark.parametrize("name", ["SAM", "EFFICIENT_SAM"])
def test_a_segmenter_is_loaded_from_its_own_file(name, tmp_path):
    config = getattr(tiny_networks, name)
    source = tiny_networks.randomised(build(config))
    torch.save(source.segmenter.state_dict(), tmp_path / "sam.pth")
    model = build(config)
    load_segmenter(model, tmp_path / "sam.pth")
    for key, tensor in source.segmenter.state_dict().items():
        torch.testing.assert_close(model.segmenter.state_dict()[key], tensor)


def test_weights_of_something_else_are_refused(tmp_path):
    model = build(tiny_networks.SAM)
    torch.save({"conv.weight": torch.zeros(2)}, tmp_path / "other.pth")
    with pytest.raises(ValueError, match="holds no BEIT-3"):
        load_encoder(model, tmp_path / "other.pth")
    with pytest.raises(ValueError, match="missing"):
        load_segmenter(model, tmp_path / "other.pth")
    (tmp_path / "text.pth").write_text("not weights")
    with pytest.raises(ValueError, match="holds no weights"):
        load_segmenter(model, tmp_path / "text.pth")
    with pytest.raises(ValueError, match="no such file"):
        load_encoder(model, tmp_path / "nowhere.pth")
