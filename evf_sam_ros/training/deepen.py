"""Insert layers into a trained encoder that leave its output unchanged at first.

A new layer is a copy of the one before it whose two outputs are zero, so that its residual
connections let everything pass (Chen et al. 2016, Net2Net).
"""

from collections.abc import Mapping, Sequence

from torch import Tensor, zeros_like

LAYERS = "encoder.layers."
OUTPUTS = ("self_attn.out_proj.", "ffn.A.fc2.", "ffn.B.fc2.")  # both ways of a layer


def deepened(state: Mapping[str, Tensor], order: Sequence[int]) -> dict[str, Tensor]:
    """Return the state of a deeper encoder.

    Args:
        state: of a model, or of a module that has one.
        order: for each new layer the old one it begins as; an index that comes again right
            after itself is a new layer that changes nothing yet: (0, 1, 1, 2).

    Raises:
        ValueError: `order` leaves out a layer, or changes their order.
    """
    depth = 1 + max(int(_number(name)) for name in state if LAYERS in name)
    if sorted(set(order)) != list(range(depth)) or list(order) != sorted(order):
        raise ValueError(f"order is {tuple(order)}, need each of 0 to {depth - 1} in turn")
    deep = {name: tensor for name, tensor in state.items() if LAYERS not in name}
    for new, old in enumerate(order):
        is_new = new > 0 and order[new - 1] == old
        for name, tensor in state.items():
            before, found, after = name.partition(f"{LAYERS}{old}.")
            if found:
                silent = is_new and after.startswith(OUTPUTS)
                deep[f"{before}{LAYERS}{new}.{after}"] = (
                    zeros_like(tensor) if silent else tensor.clone()
                )
    return deep


def _number(name: str) -> str:
    return name.partition(LAYERS)[2].partition(".")[0]
