"""Optimizers: AdamW, as in the papers, or Muon for the matrices inside a network."""

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import torch
from torch import nn

OptimizerName = Literal["adamw", "muon"]


def build_optimizer(
    module: nn.Module,
    name: OptimizerName,
    *,
    learning_rate: float,
    weight_decay: float,
    betas: tuple[float, float],
) -> Any:
    """Return an optimizer of every parameter that wants a gradient.

    Only the matrices of layers shrink; not norms, biases, embeddings or positions.
    """
    decayed, others = _decayed_and_others(module)
    matrices = [weight for weight in decayed if name == "muon" and weight.ndim == 2]
    moved = {id(weight) for weight in matrices}
    groups: list[dict[str, Any]] = [
        {"params": [w for w in decayed if id(w) not in moved], "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    adamw = torch.optim.AdamW(groups, lr=learning_rate, betas=betas)
    return Both(matrices, adamw, learning_rate, weight_decay) if matrices else adamw


def check_available(names: Iterable[OptimizerName]) -> None:
    """Check before a run that every optimizer of its later stages exists here.

    Raises:
        ValueError: this PyTorch lacks one.
    """
    if "muon" in names and not hasattr(torch.optim, "Muon"):
        raise ValueError(
            f"PyTorch is {torch.__version__}, and a later stage needs torch.optim.Muon: install "
            "PyTorch 2.9 or newer, pip install 'evf_sam_ros[training]'"
        )


class Both:
    """Muon (Jordan 2024) for matrices, at steps as large as AdamW's (Liu et al. 2025), and AdamW.

    What the training loop needs of an optimizer; `accelerate` does not know it.
    """

    def __init__(
        self,
        matrices: Sequence[torch.Tensor],
        adamw: torch.optim.AdamW,
        learning_rate: float,
        weight_decay: float,
    ) -> None:
        muon = torch.optim.Muon(
            matrices, lr=learning_rate, weight_decay=weight_decay, adjust_lr_fn="match_rms_adamw"
        )
        self._parts: tuple[torch.optim.Optimizer, ...] = muon, adamw

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        return [group for part in self._parts for group in part.param_groups]

    def step(self) -> None:
        for part in self._parts:
            part.step()

    def zero_grad(self, set_to_none: bool = True) -> None:
        for part in self._parts:
            part.zero_grad(set_to_none=set_to_none)

    def state_dict(self) -> dict[str, Any]:
        return {"parts": [part.state_dict() for part in self._parts]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        for part, own in zip(self._parts, state["parts"], strict=True):
            part.load_state_dict(own)


def _decayed_and_others(module: nn.Module) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    shrink = {
        id(layer.weight)
        for layer in module.modules()
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d)
    }
    trained = [parameter for parameter in module.parameters() if parameter.requires_grad]
    return (
        [parameter for parameter in trained if id(parameter) in shrink],
        [parameter for parameter in trained if id(parameter) not in shrink],
    )
