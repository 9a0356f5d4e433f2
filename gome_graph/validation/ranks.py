"""Influence values of metrics of order, each in O(n log n)."""

from collections.abc import Callable

import numpy as np

from gome_graph.task.metrics.base import Array, Floats

Expansion = tuple[float, Floats]
"""The metric's value and the influence of each row, ``(n,)``."""


def midranks(values: Array) -> Floats:
    """Ranks from 1; ties share their mean rank."""
    order, starts, sizes = _ties(values)
    ranks = np.empty(len(values))
    ranks[order] = np.repeat(starts + (sizes + 1) / 2, sizes)
    return ranks


def auc(truth: Array, prediction: Array) -> Expansion | None:
    """Binary ROC AUC, or its mean over targets (truth ``(n, targets)``) or over classes one-vs-rest (prediction ``(n, classes)``).

    Placement values of DeLong, DeLong, Clarke-Pearson (Biometrics 1988), by midranks as in Sun and Xu (IEEE SPL 2014).
    """
    return _over_columns(_auc, truth, prediction)


def average_precision(truth: Array, prediction: Array) -> Expansion | None:
    """Average precision; columns as in `auc`.

    AP is the mean over positive rows of the precision at their score. A row moves it by its own precision, if positive, and by what it adds
    to the precision at all scores not above its own: ``(1 - precision_j) / flagged_j`` if positive, ``-precision_j / flagged_j`` if not.
    """
    return _over_columns(_average_precision, truth, prediction)


def spearman(truth: Array, prediction: Array) -> Expansion | None:
    """Rank correlation without ties: ``12 E[(F(x) - 1/2) (G(y) - 1/2)]``, each row also moving the ranks of all rows above it."""
    n = len(truth)
    if truth.ndim != 1 or prediction.ndim != 1 or len(np.unique(truth)) < n or len(np.unique(prediction)) < n:
        return None
    u, v = (midranks(values) / n - 0.5 - 0.5 / n for values in (truth, prediction))
    above_u, above_v = np.empty(n), np.empty(n)
    by_u, by_v = np.argsort(u), np.argsort(v)
    above_u[by_u] = np.cumsum(v[by_u][::-1])[::-1] / n
    above_v[by_v] = np.cumsum(u[by_v][::-1])[::-1] / n
    rows = 12 * (u * v + above_u + above_v)
    return float(12 * np.dot(u, v) / n / (1 - 1 / n**2)), rows - rows.mean()


def _ties(values: Array) -> tuple[Array, Array, Array]:
    """Ascending order, start of each group of equal values in it, size of each group."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    return order, starts, np.diff(np.append(starts, len(values)))


def _auc(positive: Array, score: Array) -> Expansion | None:
    n = len(positive)
    ones, zeros = np.flatnonzero(positive), np.flatnonzero(~positive)
    if not len(ones) or not len(zeros):
        return None
    every = midranks(score)
    above = (every[ones] - midranks(score[ones])) / len(zeros)
    below = 1 - (every[zeros] - midranks(score[zeros])) / len(ones)
    value = float(above.mean())
    rows = np.empty(n)
    rows[ones] = (above - value) * (n / len(ones))
    rows[zeros] = (below - value) * (n / len(zeros))
    return value, rows


def _average_precision(positive: Array, score: Array) -> Expansion | None:
    n, count = len(positive), int(positive.sum())
    if not count:
        return None
    order, starts, sizes = _ties(-score)
    hits = np.add.reduceat(positive[order].astype(np.float64), starts)
    flagged = np.cumsum(sizes)
    precision = np.cumsum(hits) / flagged
    value = float(np.dot(hits, precision) / count)
    if_positive = np.cumsum((hits * (1 - precision) / flagged)[::-1])[::-1]
    if_negative = -np.cumsum((hits * precision / flagged)[::-1])[::-1]
    group = np.empty(n, dtype=np.int64)
    group[order] = np.repeat(np.arange(len(starts)), sizes)
    rows = (n / count) * np.where(positive, precision[group] - value + if_positive[group], if_negative[group])
    return value, rows - rows.mean()


def _over_columns(one: Callable[[Array, Array], Expansion | None], truth: Array, prediction: Array) -> Expansion | None:
    if prediction.ndim == 1:
        return one(truth == 1, prediction)
    if truth.ndim == 1 and prediction.shape[1] == 2:
        return one(truth == 1, prediction[:, 1])
    pairs = [((truth == k) if truth.ndim == 1 else (truth[:, k] == 1), prediction[:, k]) for k in range(prediction.shape[1])]
    parts = [part for part in (one(*pair) for pair in pairs) if part is not None]
    if not parts:
        return None
    return float(np.mean([value for value, _ in parts])), np.mean([rows for _, rows in parts], axis=0)
