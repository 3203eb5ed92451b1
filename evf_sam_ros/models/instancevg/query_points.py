"""Choice of tokens and of points: discrete, so in float32 whatever the model runs in.

Shape suffixes: N sentences, L text tokens, C width, Q queries, K places (h * w), h w grid.
"""

import torch
from torch import Tensor
from torch.nn import functional

DISTANCE_WEIGHT = 0.003  # of the distance to the nearest point, as a share of the diagonal


def chosen_tokens(words_NLC: Tensor, padding_NL: Tensor, queries: int) -> tuple[Tensor, Tensor]:
    """Return the tokens that make queries, (N, Q, C), and their places in the text, (N, Q).

    The tokens with the highest mean over their channels, in descending order of it. A text with
    fewer tokens than queries gives all of its tokens in their own order, then rows of zeros;
    the place of such a row is -1.
    """
    count, length, _ = words_NLC.shape
    scores_NL = words_NLC.float().mean(2).masked_fill(padding_NL, -torch.inf)
    most = min(queries, length)
    ranked = scores_NL.topk(most, dim=1).indices
    in_order = torch.arange(most, device=words_NLC.device).expand(count, -1)
    told_N1 = (~padding_NL).sum(1, keepdim=True)
    places = torch.where(told_N1 >= queries, ranked, in_order)
    places_NQ = functional.pad(places, (0, queries - most))
    is_token_NQ = torch.arange(queries, device=words_NLC.device) < told_N1
    index_NQC = places_NQ[..., None].expand(-1, -1, words_NLC.shape[2])
    tokens_NQC = words_NLC.gather(1, index_NQC).masked_fill(~is_token_NQ[..., None], 0)
    return tokens_NQC, places_NQ.masked_fill(~is_token_NQ, -1)


def chosen_points(map_Nhw: Tensor, queries: int) -> Tensor:
    """Return the places where queries start, (N, Q), row by row, in the order of their choice.

    The first is the map's maximum. Each next one is the place, not yet taken, whose value plus
    a little for its distance to the nearest point taken is the highest; between equal ones the
    first counts.

    Args:
        map_Nhw: how much the words look at each place, above 0.
        queries: at most as many as there are places.
    """
    height, width = map_Nhw.shape[1:]
    values_NK = map_Nhw.float().sigmoid().flatten(1)
    between_KK = _distances(height, width, values_NK.device) / float(height**2 + width**2) ** 0.5
    taken_NK = torch.zeros_like(values_NK, dtype=torch.bool)
    nearest_NK = torch.full_like(values_NK, torch.inf)
    scores_NK, chosen = values_NK, []
    for _ in range(queries):
        point_N = _first_of_highest(scores_NK.masked_fill(taken_NK, -torch.inf))
        chosen.append(point_N)
        taken_NK = taken_NK.scatter(1, point_N[:, None], True)
        nearest_NK = torch.minimum(nearest_NK, between_KK[point_N])
        scores_NK = values_NK + DISTANCE_WEIGHT * nearest_NK
    return torch.stack(chosen, 1)


def centres(points_NQ: Tensor, height: int, width: int) -> Tensor:
    """Return the centres of places, (N, Q, 2) as (x, y), 0 to 1 over the grid."""
    rows_NQ = torch.div(points_NQ, width, rounding_mode="floor")
    columns_NQ = points_NQ - rows_NQ * width
    return torch.stack([(columns_NQ + 0.5) / width, (rows_NQ + 0.5) / height], -1)


def _first_of_highest(scores_NK: Tensor) -> Tensor:
    """Return the first place of the highest score; `argmax` promises no order on every device."""
    is_highest_NK = scores_NK == scores_NK.amax(1, keepdim=True)
    count = scores_NK.shape[1]
    places_K = torch.arange(count, device=scores_NK.device)
    return torch.where(is_highest_NK, places_K, count).amin(1)


def _distances(height: int, width: int, device: torch.device) -> Tensor:
    rows = torch.arange(height, device=device).repeat_interleave(width).float()
    columns = torch.arange(width, device=device).repeat(height).float()
    between_rows, between_columns = rows[:, None] - rows, columns[:, None] - columns
    return (between_rows**2 + between_columns**2).sqrt()
