"""Fit what `perception.familiarity` decides by: distance, discriminant and their limits."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from evf_sam_ros.perception.familiarity import World

Floats = NDArray[np.floating]

RIDGE = 0.15  # of a channel's variance: what few pictures do not tell
PENALTY = 2e-4  # of the discriminant's squared weights
FALSE_ALARMS = 0.0015  # of the training pictures, of either measure; together about 0.003
BLOCK, PARTS = 32, 3  # pictures in a row may share a table: blocks are held out whole
LEAST_PICTURES = 200  # fewer say too little about the tail


def fit(
    pooled_NF: Floats,
    others_MF: Floats | None = None,
    *,
    false_alarms: float = FALSE_ALARMS,
    block: int = BLOCK,
) -> World:
    """Learn the distribution from all pictures, and the limits from each third by the others.

    Args:
        pooled_NF: pooled features of training pictures.
        others_MF: of pictures of something else; None: no discriminant.
        false_alarms: share of the training pictures that each measure may refuse; 0: none.
        block: number of pictures in a row that may show the same.

    Raises:
        ValueError: too few pictures.
    """
    if len(pooled_NF) < LEAST_PICTURES:
        raise ValueError(f"{len(pooled_NF)} pictures are too few: need {LEAST_PICTURES}")
    parts = np.arange(len(pooled_NF)) // block % PARTS
    distances, sums = [], []
    for part in range(PARTS):
        rest = _fitted(pooled_NF[parts != part], others_MF)
        held_out = pooled_NF[parts == part]
        distances.append(rest.distances(held_out))
        sums.append(held_out @ rest.discriminant - rest.most)
    limit = float(np.quantile(np.concatenate(distances), 1 - false_alarms))
    margin = float(np.quantile(np.concatenate(sums), 1 - false_alarms))
    whole = _fitted(pooled_NF, others_MF)
    return replace(whole, limit=limit, most=whole.most + margin)


def _fitted(pooled_NF: Floats, others_MF: Floats | None) -> World:
    """Return a world whose discriminant is 0 (`most`) where both sides are as likely."""
    deviations = pooled_NF[:, : pooled_NF.shape[1] // 2]
    mean, scale = deviations.mean(0), deviations.std(0) + 1e-6
    standard = (deviations - mean) / scale
    variances, axes = np.linalg.eigh(standard.T @ standard / len(standard))
    whitening = axes / np.sqrt(np.maximum(variances, 0) + RIDGE)
    if others_MF is None:
        return World(mean, scale, whitening, 1.0, np.zeros(pooled_NF.shape[1]))
    weights, bias = _discriminant(pooled_NF, others_MF)
    return World(mean, scale, whitening, 1.0, weights, -bias)


def _discriminant(ours_NF: Floats, others_MF: Floats) -> tuple[Floats, float]:
    """Return weights (F,) and bias of a logistic regression in which both sides weigh alike."""
    features = np.concatenate([ours_NF, others_MF])
    mean, scale = features.mean(0), features.std(0) + 1e-6
    standard = (features - mean) / scale
    is_other = np.repeat([0.0, 1.0], [len(ours_NF), len(others_MF)])
    shares = np.repeat([0.5 / len(ours_NF), 0.5 / len(others_MF)], [len(ours_NF), len(others_MF)])

    def loss(values: Floats) -> tuple[float, Floats]:
        logits = standard @ values[:-1] + values[-1]
        cost = shares @ np.logaddexp(0, logits) - shares @ (is_other * logits)
        slope = shares * (expit(logits) - is_other)
        gradient = np.append(standard.T @ slope + 2 * PENALTY * values[:-1], slope.sum())
        return float(cost + PENALTY * values[:-1] @ values[:-1]), gradient

    start = np.zeros(features.shape[1] + 1)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 300}).x
    weights = found[:-1] / scale
    return weights, float(found[-1] - weights @ mean)
