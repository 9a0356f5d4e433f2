"""Reward models for the estimators: cross-fitted cell means, and their variance-minimising variant.

A cell is (segment, action), shrunk to the action's mean, that to the overall mean: m = (sum r + s m_parent) / (n + s). It
needs no features, is exact where rewards depend on segment and action alone, and takes a million rows in a second. Cross-fitting keeps
a row out of its own prediction, so that DR stays unbiased (Chernozhukov et al. 2018). Any other model can be handed to the estimators as
an array (n, k).
"""

import numpy as np

from gome_guard.log import Array, Log

FOLDS = 3
PRIOR = 5.0
"""Rows that the parent's mean counts for."""


def cell_means(log: Log, *, weights: Array | None = None, folds: int = FOLDS, seed: int = 0) -> Array:
    """Cross-fitted predictions (n, k); zero at padding. `weights` (n,) for the weighted fit of MRDR."""
    n, actions = len(log), len(log.actions)
    if n < folds:
        folds = 1
    fold = np.random.default_rng(seed).permutation(n) % folds
    weight = np.ones(n) if weights is None else weights
    cells = len(log.segments) * actions
    taken = log.taken.astype(np.int64)
    cell = log.segment.astype(np.int64) * actions + taken

    def sums(index: Array, size: int) -> tuple[Array, Array]:
        """(folds, size) totals of weight, and of weight times reward, left out fold by fold."""
        key = fold * size + index
        count = np.bincount(key, weight, folds * size).reshape(folds, size)
        total = np.bincount(key, weight * log.reward, folds * size).reshape(folds, size)
        if folds == 1:
            return count, total
        return np.asarray(count.sum(0) - count), np.asarray(total.sum(0) - total)

    count, total = sums(np.zeros(n, np.int64), 1)
    overall = total / np.maximum(count, 1e-12)
    count, total = sums(taken, actions)
    by_action = (total + PRIOR * overall) / (count + PRIOR)
    count, total = sums(cell, cells)
    parent = np.tile(by_action, (1, len(log.segments)))
    table = ((total + PRIOR * parent) / (count + PRIOR)).astype(np.float64)
    index = log.segment[:, None].astype(np.int64) * actions + np.maximum(log.candidates, 0)
    index += (fold * cells)[:, None]
    out = table.reshape(-1)[index]
    out[~log.mask] = 0.0
    return np.asarray(out)


def mrdr_means(log: Log, policy: Array, *, folds: int = FOLDS, seed: int = 0) -> Array:
    """The model that makes DR's variance small: least squares weighted by w^2 (1 - p).

    The variance of DR's correction given x is ``sum_a p w^2 e^2 - (sum_a pi e)^2`` with errors e; its diagonal part is
    ``sum_a p w^2 (1 - p) e^2``, of which the logged row is an unbiased draw with weight ``w^2 (1 - p)``.
    For deterministic policies that is (1 - p)/p^2, equation 12 of
    Farajtabar et al. (ICML 2018).
    """
    weight = log.at_chosen(policy) / log.propensity
    importance = weight**2 * (1 - log.propensity)
    scale = float(importance.mean())
    return cell_means(log, weights=importance / scale if scale > 0 else None, folds=folds, seed=seed)
