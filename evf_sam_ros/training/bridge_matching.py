"""Assignment of queries to objects: one to one, at the lowest total cost.

Shape suffixes: Q queries, K objects, X points of a mask.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from torch.nn import functional


def match(cost_QK: Tensor) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return queries and the objects they get, in pairs of least total cost."""
    # An overflow in half precision must not stop a run: such a pair is merely the last choice.
    finite_QK = torch.nan_to_num(cost_QK.detach().float(), nan=1e6, posinf=1e6, neginf=-1e6)
    rows, columns = linear_sum_assignment(finite_QK.cpu().numpy())
    return np.asarray(rows), np.asarray(columns)


def pair_bce(logits_QX: Tensor, objects_KX: Tensor) -> Tensor:
    """Return the mean cross-entropy of each query's mask against each object, (Q, K)."""
    inside_QX = functional.softplus(-logits_QX)
    outside_QX = functional.softplus(logits_QX)
    return (inside_QX @ objects_KX.T + outside_QX @ (1 - objects_KX).T) / logits_QX.shape[1]


def pair_dice(logits_QX: Tensor, objects_KX: Tensor) -> Tensor:
    """Return the Dice loss of each query's mask against each object, (Q, K), 0 to 1."""
    masks_QX = logits_QX.sigmoid()
    both_QK = masks_QX @ objects_KX.T
    sum_QK = masks_QX.sum(1)[:, None] + objects_KX.sum(1)
    return 1 - (2 * both_QK + 1) / (sum_QK + 1)
