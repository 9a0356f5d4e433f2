r"""How much each row moves a metric: the one device behind every standard error here.

A metric is a function of the empirical distribution of (truth, prediction). To first order ``metric(sample) - metric(population)`` is the
mean over rows of influence values ``psi_i`` (Hampel, JASA 1974; Efron, JRSS B 1992), so ``SE^2 = sum psi_i^2 / (n (n - 1))``. Two
solutions are scored on
the same rows, so the error of their difference is that of ``psi_new - psi_old``: pairing comes free, for every metric, in O(n). The
values come from

``mean loss``  metric = g(mean loss): ``psi = g'(m) (loss - m)`` (delta method; RMSE: ``(loss - m) / (2 rmse)``).
``ranks``      ROC AUC (DeLong), average precision, rank correlation: closed forms, see `ranks`.
``table``      metrics of labels (F1, MCC, QWK, balanced accuracy): rows of one (truth, prediction) cell are exchangeable, so the exact
               delete-one jackknife needs one score of the contingency table a non-empty cell.
``blocks``     everything else: delete-a-block jackknife (Shao and Wu, Annals of Statistics 1989) over about 40 blocks nested in the folds;
               the same blocks for both solutions keep the pairing.

A bootstrap of 200 draws estimates the same numbers with Monte-Carlo error, a seed and 10 to 100 times the cost, and does not show fold
and group effects. The price here is first order: in very small samples of a very curved metric the normal shape is an approximation.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gome_graph.task.metrics.base import Array, Floats, Metric
from gome_graph.validation import ranks

_RANKED: dict[str, Callable[[Array, Array], ranks.Expansion | None]] = {
    "roc_auc": ranks.auc,
    "roc_auc_ovr": ranks.auc,
    "average_precision": ranks.average_precision,
    "spearman": ranks.spearman,
}
BLOCKS = 40
"""Blocks of the delete-a-block jackknife: the relative error of a standard error is about ``1 / sqrt(2 * 40)`` = 11 %."""
MOST_CELLS = 256
"""Above so many (truth, prediction) cells blocks are cheaper than the table."""
_STEP = 1e-4
"""Relative step of the numeric derivative of g."""


@dataclass(frozen=True)
class Influence:
    """First-order expansion of a metric over rows."""

    value: float
    """The metric over all rows."""
    rows: Floats
    """``psi``, shape ``(n,)``, in the metric's units, mean zero."""
    units: "Array | None"
    """Independent units, codes ``(n,)``: blocks or groups; None if each row is one."""


def influence(metric: Metric, truth: Array, prediction: Array, folds: Array, groups: Array | None = None) -> Influence:
    """Influence of each row on ``metric.score(truth, prediction)``.

    Parameters
    ----------
    truth, prediction : encoded arrays of n rows, see `SubmissionFormat`.
    folds : fold of each row ``(n,)``; blocks are nested in folds.
    groups : group of each row ``(n,)`` of a grouped split: rows of one group share their errors, so the group is the independent unit.
    """
    value = metric.score(truth, prediction)
    units = None if groups is None else np.unique(groups, return_inverse=True)[1]
    losses = metric.row_losses(truth, prediction)
    if losses is not None:
        mean = float(losses.mean())
        return Influence(value, _slope(metric, mean) * (losses - mean), units)
    expand = _RANKED.get(metric.name)
    if expand is not None:
        found = expand(truth, prediction)
        if found is not None and abs(found[0] - value) < 1e-6:
            return Influence(value, found[1], units)
    if metric.prediction == "label" and truth.ndim == 1 and prediction.ndim == 1:
        rows = _table(metric, truth, prediction, value)
        if rows is not None:
            return Influence(value, rows, units)
    blocks = _blocks(folds) if units is None else units % BLOCKS if units.max() >= 2 * BLOCKS else units
    return Influence(value, _block_jackknife(metric, truth, prediction, blocks, value), blocks)


def variance(rows: Floats, units: Array | None) -> float:
    """Variance of the mean of influence values (or of their difference) over independent units."""
    n = len(rows)
    if units is None:
        return float(np.dot(rows, rows)) / (n * max(n - 1, 1))
    sums = np.bincount(units, weights=rows) / n
    count = len(np.unique(units))
    return float(np.dot(sums, sums)) * count / max(count - 1, 1)


def fold_variance(rows: Floats, folds: Array) -> tuple[float, int]:
    """The same variance as the folds alone would tell it, and its degrees of freedom (folds - 1).

    If rows were all there is, it agrees with `variance` on average; what seeds, tuning and the draw of the training part add to a whole
    fold at once shows up here and nowhere else.
    """
    codes = np.unique(folds, return_inverse=True)[1]
    sums = np.bincount(codes, weights=rows) / len(rows)
    count = len(sums)
    if count < 2:
        return 0.0, 0
    centred = sums - sums.mean()
    return float(np.dot(centred, centred)) * count / (count - 1), count - 1


def _slope(metric: Metric, mean: float) -> float:
    """g'(m), numerically: g is one of 1 - m, m, sqrt(m) ..."""
    if mean == 0:
        return 0.0  # every loss is the best there is; nothing moves, whatever the slope
    step = max(abs(mean), 1e-12) * _STEP
    return (metric.from_mean_loss(mean + step) - metric.from_mean_loss(mean - step)) / (2 * step)


def _table(metric: Metric, truth: Array, prediction: Array, value: float) -> Floats | None:
    """Delete-one jackknife by contingency cell."""
    n = len(truth)
    width = int(max(truth.max(), prediction.max())) + 1
    cells, index, counts = np.unique(truth.astype(np.int64) * width + prediction, return_inverse=True, return_counts=True)
    if len(cells) > MOST_CELLS:
        return None
    kinds, guesses, weights = cells // width, cells % width, counts.astype(np.float64)
    if not np.isclose(metric.score(kinds, guesses, weights), value, rtol=1e-9, atol=1e-12):
        return None
    moves = np.empty(len(cells))
    for cell in range(len(cells)):
        weights[cell] -= 1
        moves[cell] = (n - 1) * (value - metric.score(kinds, guesses, weights))
        weights[cell] += 1
    moves = np.nan_to_num(moves)
    return np.asarray((moves - np.dot(moves, counts) / n)[index], dtype=np.float64)


def _blocks(folds: Array) -> Array:
    """About `BLOCKS` blocks of equal size, each within one fold; depends on the row order alone, so two solutions share them."""
    codes = np.unique(folds, return_inverse=True)[1]
    count = int(codes.max()) + 1
    each = max(2, BLOCKS // count)
    blocks = np.empty(len(folds), dtype=np.int64)
    for fold in range(count):
        rows = np.flatnonzero(codes == fold)
        shuffled = np.random.default_rng(fold).permutation(len(rows))
        blocks[rows] = fold * each + shuffled % each
    return np.unique(blocks, return_inverse=True)[1]


def _block_jackknife(metric: Metric, truth: Array, prediction: Array, blocks: Array, value: float) -> Floats:
    """Spread each block's pseudo-influence evenly over its rows, so that the sums over blocks, groups and folds come out right."""
    n = len(truth)
    count = int(blocks.max()) + 1
    sizes = np.bincount(blocks)
    moves = np.empty(count)
    for block in range(count):
        keep = blocks != block
        moves[block] = (value - metric.score(truth[keep], prediction[keep])) * (n - sizes[block]) / sizes[block]
    moves = np.nan_to_num(moves)
    moves -= np.dot(moves, sizes) / n
    return moves[blocks]
