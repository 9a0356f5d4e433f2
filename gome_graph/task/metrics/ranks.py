"""Weighted ranks, shared by ROC AUC and Spearman."""

import numpy as np

from gome_graph.task.metrics.base import Array, Floats


def tie_groups(values: Array) -> tuple[Array, Array]:
    """``(order, starts)``: an ascending order of ``(n,)`` values and where each run of equal values starts in it."""
    order = np.argsort(values)
    ordered = values[order]
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    return order, starts


def average_ranks(values: Array, weights: Array | None = None) -> Floats:
    """Rank of each value; equal values share the mean of their ranks, a weight of 2 counts as the value twice (up to a constant)."""
    order, starts = tie_groups(values)
    w = np.ones(len(values)) if weights is None else np.asarray(weights, dtype=np.float64)[order]
    group = np.add.reduceat(w, starts)
    middle = np.cumsum(group) - group / 2
    ranks = np.empty(len(values), dtype=np.float64)
    ranks[order] = np.repeat(middle, np.diff(np.append(starts, len(values))))
    return ranks
