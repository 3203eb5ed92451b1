"""The losses of the SAM-CLIP bridge, their weights as data.

Shape suffixes: N sentences, Q queries, K objects that one sentence means, R matched pairs of a
batch, C width, D CLIP's joint width, T texts, m n size of SAM's masks, h w of the queries' masks,
X points.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from evf_sam_ros.models.bridge.queries import Prediction, QueryModule
from evf_sam_ros.training.bridge_matching import match, pair_bce, pair_dice
from evf_sam_ros.training.losses import mask_losses

UNKNOWN = -1  # number of an unknown category


@dataclass(frozen=True, kw_only=True)
class BridgeWeights:
    """Weight of each loss, and the resolution at which the queries' masks are compared."""

    bce: float = 2.0  # of the mask, as in the authors' code and in LISA
    dice: float = 0.5
    queries: float = 1.0  # of everything below, each layer alike
    query_bce: float = 5.0
    query_dice: float = 5.0
    language: float = 1.0  # of the next two
    sentence: float = 1.0
    category: float = 2.0
    unmatched: float = 0.1  # of a query that answers for nothing, against one that does
    no_target: float = 0.1
    no_target_classes: tuple[float, float] = (0.9, 1.1)  # there is a target, there is none
    points: int = 12_544  # per mask; 0: every cell
    oversampling: int = 3
    uncertain: float = 0.75  # share of the points that are chosen where the mask is unsure


# The supplement prints the two of the mask the other way round.
READINGS = {"code": BridgeWeights(), "supplement": BridgeWeights(bce=0.5, dice=2.0)}


@dataclass(frozen=True)
class Targets:
    """The ground truth of N sentences."""

    masks_Nmn: Tensor  # 0 to 1, of the size of SAM's logits or larger
    objects: Sequence[Tensor]  # (K, h, w) per sentence, 0 to 1, any size; none: no target
    categories_N: Tensor  # number of what is meant, or UNKNOWN


@dataclass(frozen=True)
class Texts:
    """The embeddings that the queries' objects are compared with."""

    sentences_NC: Tensor  # [CLS] of each sentence of the batch
    categories_TD: Tensor  # CLIP's of every category's name, the last "background"; may be none
    clip_sentences_ND: Tensor | None = None  # CLIP's of each sentence, where there is a CLIP


def final_mask_losses(
    logits_Nmn: Tensor, targets: Targets, weights: BridgeWeights
) -> dict[str, Tensor]:
    """Compare SAM's masks; a sentence without a target has no mask to learn."""
    there = [number for number, objects in enumerate(targets.objects) if len(objects)]
    size = targets.masks_Nmn.shape[1:]
    resized = functional.interpolate(logits_Nmn[None].float(), size, mode="bilinear")[0]
    losses = mask_losses(
        [resized[there]],
        [targets.masks_Nmn[there]],
        bce_weight=weights.bce,
        dice_weight=weights.dice,
    )
    return {"bce": losses.bce, "dice": losses.dice}


def no_target_loss(no_target_N2: Tensor, targets: Targets, weights: BridgeWeights) -> Tensor:
    """Cross-entropy of whether there is a target, weighted."""
    none_N = torch.tensor([not len(objects) for objects in targets.objects])
    classes = no_target_N2.new_tensor(weights.no_target_classes, dtype=torch.float32)
    loss = functional.cross_entropy(
        no_target_N2.float(), none_N.long().to(no_target_N2.device), classes
    )
    return weights.no_target * loss


def query_losses(
    said: Sequence[Prediction],
    module: QueryModule,
    texts: Texts,
    targets: Targets,
    weights: BridgeWeights,
) -> dict[str, Tensor]:
    """Return the weighted losses of all layers together."""
    total: dict[str, Tensor] = {}
    for prediction in said:
        sentences_NQN = module.similar_sentences(
            prediction.objects_NQC.float(), texts.sentences_NC.float()
        )
        pairs = [
            _matched(prediction.masks_NQhw[n].float(), sentences_NQN[n, :, n], objects, weights)
            for n, objects in enumerate(targets.objects)
        ]
        losses = _mask_losses(prediction.masks_NQhw, targets.objects, pairs, weights)
        matched_NQ = _matched_queries(pairs, prediction.objects_NQC)
        language = weights.queries * weights.language
        losses["query_sentence"] = (
            language
            * weights.sentence
            * sentence_loss(sentences_NQN, matched_NQ, targets.categories_N, weights.unmatched)
        )
        if len(texts.categories_TD):
            logits_NQT = _against_clip(prediction.objects_NQC.float(), module, texts, targets)
            losses["query_category"] = (
                language
                * weights.category
                * category_loss(logits_NQT, matched_NQ, targets, texts, weights.unmatched)
            )
        total = {name: total.get(name, 0.0) + loss for name, loss in losses.items()}
    return total


def sentence_loss(
    logits_NQN: Tensor, matched_NQ: Tensor, categories_N: Tensor, unmatched: float
) -> Tensor:
    """Binary cross-entropy of each query against each sentence of the batch.

    A matched query fits its own sentence. Whether it fits another's about the same category
    nobody knows: these pairs do not count.
    """
    own_NN = torch.eye(len(logits_NQN), device=logits_NQN.device)
    target_NQN = matched_NQ[..., None] * own_NN[:, None]
    same_NN = (categories_N[:, None] == categories_N) & (categories_N != UNKNOWN)
    known_NQN = (~same_NN | own_NN.bool()).float()[:, None].expand_as(logits_NQN)
    row_NQ1 = torch.where(matched_NQ > 0, 1.0, unmatched)[..., None]
    losses = functional.binary_cross_entropy_with_logits(logits_NQN, target_NQN, reduction="none")
    weight_NQN = known_NQN * row_NQ1
    return (losses * weight_NQN).sum() / weight_NQN.sum().clamp(min=1e-6)


def category_loss(
    logits_NQT: Tensor, matched_NQ: Tensor, targets: Targets, texts: Texts, unmatched: float
) -> Tensor:
    """Cross-entropy of each query among the texts; one that answers for nothing is background.

    A matched query is its own sentence where CLIP read that, else its category.
    """
    sentences = logits_NQT.shape[2] - len(texts.categories_TD)
    if sentences:
        right_N = torch.arange(len(logits_NQT), device=logits_NQT.device)
    else:
        right_N = targets.categories_N
    matched_NQ = matched_NQ.bool()
    background = logits_NQT.shape[2] - 1
    right_NQ = torch.where(matched_NQ, right_N[:, None], background)
    weight_NQ = torch.where(matched_NQ, 1.0, unmatched)
    weight_NQ = weight_NQ * (right_NQ != UNKNOWN)
    losses = functional.cross_entropy(
        logits_NQT.flatten(0, 1), right_NQ.flatten().clamp(min=0), reduction="none"
    )
    return (losses * weight_NQ.flatten()).sum() / weight_NQ.sum().clamp(min=1e-6)


def _against_clip(
    objects_NQC: Tensor, module: QueryModule, texts: Texts, targets: Targets
) -> Tensor:
    logits_NQT = module.similar_to_clip(objects_NQC, texts.categories_TD)
    if texts.clip_sentences_ND is None:
        return logits_NQT
    # The name of what the sentence means is no wrong answer to it.
    for n, category in enumerate(targets.categories_N.tolist()):
        if category not in (UNKNOWN, len(texts.categories_TD) - 1):
            logits_NQT[n, :, category] = -torch.inf
    own_NQN = module.similar_to_clip(objects_NQC, texts.clip_sentences_ND)
    return torch.cat([own_NQN, logits_NQT], 2)


def _matched(
    masks_Qhw: Tensor, fits_Q: Tensor, objects_Khw: Tensor, weights: BridgeWeights
) -> tuple[Tensor, Tensor]:
    """Return numbers of queries and of the objects they answer for."""
    if not len(objects_Khw):
        nothing = torch.zeros(0, dtype=torch.long, device=masks_Qhw.device)
        return nothing, nothing
    size = masks_Qhw.shape[1:]
    small_KX = functional.interpolate(objects_Khw[None], size, mode="area")[0].flatten(1)
    with torch.no_grad():
        logits_QX = masks_Qhw.flatten(1)
        cost_QK = weights.query_bce * pair_bce(logits_QX, small_KX)
        cost_QK += weights.query_dice * pair_dice(logits_QX, small_KX)
        cost_QK -= weights.language * fits_Q.sigmoid()[:, None]
    queries, objects = match(cost_QK)
    device = masks_Qhw.device
    return torch.from_numpy(queries).to(device), torch.from_numpy(objects).to(device)


def _mask_losses(
    masks_NQhw: Tensor,
    objects: Sequence[Tensor],
    pairs: Sequence[tuple[Tensor, Tensor]],
    weights: BridgeWeights,
) -> dict[str, Tensor]:
    logits, truth = [], []
    for masks_Qhw, objects_Khw, (queries, numbers) in zip(masks_NQhw, objects, pairs, strict=True):
        if len(queries):
            own = masks_Qhw[queries].float()
            own_KX, truth_KX = _compared(own, objects_Khw[numbers], weights)
            logits.append(own_KX)
            truth.append(truth_KX)
    if not logits:
        nothing = masks_NQhw.sum() * 0
        return {"query_bce": nothing, "query_dice": nothing}
    logits_RX, truth_RX = torch.cat(logits), torch.cat(truth)
    masks_RX = logits_RX.sigmoid()
    dice_R = 1 - (2 * (masks_RX * truth_RX).sum(1) + 1) / (masks_RX.sum(1) + truth_RX.sum(1) + 1)
    bce = functional.binary_cross_entropy_with_logits(logits_RX, truth_RX)
    return {
        "query_bce": weights.queries * weights.query_bce * bce,
        "query_dice": weights.queries * weights.query_dice * dice_R.mean(),
    }


def _compared(
    logits_Khw: Tensor, truth_Khw: Tensor, weights: BridgeWeights
) -> tuple[Tensor, Tensor]:
    """Return logits and truth where they are compared, (K, X) each."""
    if not weights.points:
        cells = functional.interpolate(truth_Khw[None], logits_Khw.shape[1:], mode="area")[0]
        return logits_Khw.flatten(1), cells.flatten(1)
    points_KX2 = mask_points(logits_Khw, weights)
    return read_points(logits_Khw, points_KX2), read_points(truth_Khw, points_KX2)


def mask_points(logits_Khw: Tensor, weights: BridgeWeights) -> Tensor:
    """Choose where to compare masks (PointRend), (K, X, 2) as (x, y), 0 to 1."""
    count = len(logits_Khw)
    candidates = torch.rand(
        count, weights.points * weights.oversampling, 2, device=logits_Khw.device
    )
    unsure = -read_points(logits_Khw.detach(), candidates).abs()
    chosen = int(weights.uncertain * weights.points)
    best = unsure.topk(chosen, 1).indices[..., None].expand(-1, -1, 2)
    rest = torch.rand(count, weights.points - chosen, 2, device=logits_Khw.device)
    return torch.cat([candidates.gather(1, best), rest], 1)


def read_points(masks_Khw: Tensor, points_KX2: Tensor) -> Tensor:
    """Return the masks' values at points, between cells linearly, (K, X)."""
    where = 2 * points_KX2[:, :, None] - 1
    return functional.grid_sample(masks_Khw[:, None], where, align_corners=False)[:, 0, :, 0]


def _matched_queries(pairs: Sequence[tuple[Tensor, Tensor]], objects_NQC: Tensor) -> Tensor:
    matched_NQ = objects_NQC.new_zeros(objects_NQC.shape[:2], dtype=torch.float32)
    for n, (queries, _) in enumerate(pairs):
        matched_NQ[n, queries] = 1
    return matched_NQ
