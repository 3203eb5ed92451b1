"""The two optimizers: which weights each moves, and how far."""

import pytest
import torch
from torch import nn

from evf_sam_ros.training import recipes
from evf_sam_ros.training.optimizer import build_optimizer, check_available

RATES = {"learning_rate": 0.1, "weight_decay": 0.5, "betas": (0.9, 0.98)}


@pytest.fixture
def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(2, 4, 3), nn.Flatten(), nn.Linear(16, 8), nn.LayerNorm(8))


def step(network, name):
    """Return how each weight moved by one step without and with a gradient."""
    before = {key: weight.detach().clone() for key, weight in network.named_parameters()}
    optimizer = build_optimizer(network, name, **RATES)
    network(torch.randn(3, 2, 4, 4)).pow(3).sum().backward()
    optimizer.step()
    return {key: weight.detach() - before[key] for key, weight in network.named_parameters()}


@pytest.mark.parametrize("name", ["adamw", "muon"])
def test_every_weight_is_moved(network, name):
    assert all(moved.any() for moved in step(network, name).values())


def test_muon_moves_a_matrix_about_equally_in_all_directions():
    layer = nn.Linear(16, 8)
    before = layer.weight.detach().clone()
    stretched = torch.diag(torch.logspace(0, -1, 8)) @ torch.linalg.qr(torch.randn(16, 8))[0].T
    layer.weight.grad = stretched.clone()
    layer.bias.grad = torch.ones(8)
    build_optimizer(layer, "muon", **RATES).step()
    moved = layer.weight.detach() - before * (1 - RATES["learning_rate"] * RATES["weight_decay"])
    values = torch.linalg.svdvals(moved)
    assert values.min() > 0.5 * values.max()
    assert torch.linalg.svdvals(stretched).min() < 0.2 * torch.linalg.svdvals(stretched).max()


def test_muon_leaves_kernels_and_norms_to_adamw(network):
    torch.manual_seed(1)
    twin = nn.Sequential(nn.Conv2d(2, 4, 3), nn.Flatten(), nn.Linear(16, 8), nn.LayerNorm(8))
    twin.load_state_dict(network.state_dict())
    torch.manual_seed(2)
    one = step(network, "muon")
    torch.manual_seed(2)
    other = step(twin, "adamw")
    for key in ("0.weight", "0.bias", "2.bias", "3.weight", "3.bias"):
        torch.testing.assert_close(one[key], other[key])
    assert not torch.allclose(one["2.weight"], other["2.weight"])


def test_frozen_weights_are_nobodys(network):
    network[0].requires_grad_(False)
    groups = build_optimizer(network, "muon", **RATES).param_groups
    assert sum(len(group["params"]) for group in groups) == 4


def test_an_optimizer_that_this_pytorch_lacks_is_refused_before_the_first_stage(
    monkeypatch, tmp_path
):
    monkeypatch.delattr(torch.optim, "Muon")
    with pytest.raises(ValueError, match=r"needs torch\.optim\.Muon: install PyTorch 2\.9"):
        recipes.run("tabletop", tmp_path, resume=False)
    assert not list(tmp_path.iterdir())


def test_a_run_with_adamw_alone_needs_no_muon(monkeypatch):
    monkeypatch.delattr(torch.optim, "Muon")
    check_available(["adamw"])
