"""What there is to know of a mask without looking at its pixels again, where the mask is."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Regions:
    """Whole numbers about P masks of H x W pixels; of an empty one all are 0."""

    area_P: Tensor  # pixels
    sum_uv_P2: Tensor  # of the pixels' columns and rows; divided by the area: the centroid
    box_P4: Tensor  # first column, first row, width, height


def regions(masks_PHW: Tensor) -> Regions:
    """Measure boolean masks on their device; exact, as the sums are of whole numbers."""
    by_row_PH, by_column_PW = masks_PHW.sum(2), masks_PHW.sum(1)
    area_P = by_row_PH.sum(1)
    sums = [(each * torch.arange(each.shape[1], device=each.device)).sum(1)
            for each in (by_column_PW, by_row_PH)]  # fmt: skip
    spans = [_span(each > 0) for each in (by_column_PW, by_row_PH)]
    box_P4 = torch.stack([*(first for first, _ in spans), *(length for _, length in spans)], 1)
    return Regions(area_P, torch.stack(sums, 1), box_P4)


def _span(seen_PN: Tensor) -> tuple[Tensor, Tensor]:
    """Return where each row's first True is, and how far it is from there to behind the last."""
    count = seen_PN.shape[1]
    first_P = seen_PN.int().argmax(1)
    behind_P = count - seen_PN.flip(1).int().argmax(1)
    return first_P, torch.where(seen_PN.any(1), behind_P - first_P, 0)
