"""Positions of the candidates in the picture, as features for a trained head.

Shape suffixes: B images, P expressions, O objects, h w the grid at stride 8.
"""

import torch
from torch import Tensor

from evf_sam_ros.training.tabletop_batches import TabletopBatch

GEOMETRY = ("anchor u", "anchor v", "left", "right", "above", "below")
OFFSET_SCALE = 5.0  # offsets are about a fifth of the picture; then they weigh as much as counts


def geometry(batch: TabletopBatch) -> tuple[Tensor, Tensor]:
    """Return the features of `GEOMETRY` for each object and sentence, and where they count.

    Returns:
        (B, P, O, 6) each: offsets in fifths of the picture, and numbers of objects.
    """
    places_BO2, visible_BO = _centroids(batch.objects_BOhw)
    candidates_BPO = batch.candidates_BPO * visible_BO[:, None]
    anchors_BPO = batch.anchors_BPO * visible_BO[:, None]
    anchors_BP = anchors_BPO.sum(2)
    anchor_BP2 = anchors_BPO @ places_BO2 / anchors_BP.clamp(min=1)[..., None]
    offsets_BPO2 = OFFSET_SCALE * (anchor_BP2[:, :, None] - places_BO2[:, None])
    before_BOO2 = (places_BO2[:, None] < places_BO2[:, :, None]).float()  # [own, other]
    after_BOO2 = (places_BO2[:, None] > places_BO2[:, :, None]).float()
    sides = [
        torch.einsum("bpk,bok->bpo", candidates_BPO, side_BOO2[..., axis])
        for axis in (0, 1)
        for side_BOO2 in (before_BOO2, after_BOO2)
    ]
    truth_BPO6 = torch.cat([offsets_BPO2, torch.stack(sides, 3)], 3)
    related_BPO = candidates_BPO * (anchors_BP > 0)[..., None]
    compared_BPO = candidates_BPO * (candidates_BPO.sum(2, keepdim=True) > 1)
    asked = [related_BPO] * 2 + [compared_BPO] * 4
    return truth_BPO6, torch.stack(asked, 3)


def _centroids(objects_BOhw: Tensor) -> tuple[Tensor, Tensor]:
    """Return u and v of each object, 0..1, (B, O, 2), and 1 where it is in the picture, (B, O)."""
    height, width = objects_BOhw.shape[-2:]
    area_BO = objects_BOhw.sum((2, 3))
    total_BO = area_BO.clamp(min=1e-3)
    across_w = (torch.arange(width, device=objects_BOhw.device) + 0.5) / width
    down_h = (torch.arange(height, device=objects_BOhw.device) + 0.5) / height
    u_BO = (objects_BOhw.sum(2) @ across_w) / total_BO
    v_BO = (objects_BOhw.sum(3) @ down_h) / total_BO
    return torch.stack([u_BO, v_BO], 2), (area_BO > 0).float()
