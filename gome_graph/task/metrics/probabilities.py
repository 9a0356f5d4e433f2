"""Metrics of predicted probabilities."""

import numpy as np

from gome_graph.task.metrics.base import Array, Floats, MeanMetric, Metric, columns
from gome_graph.task.metrics.ranks import tie_groups

EPS = float(np.finfo(np.float64).eps)
"""Probabilities are kept this far from 0 and 1, as scikit-learn and MLE-Bench's graders do."""


class RocAuc(Metric):
    """Area under the ROC curve.

    One column of scores against 0/1; over several targets the mean. A class matrix is judged one class against the rest and averaged over
    the classes. Targets or classes of which the truth holds only one side are left out; NaN if none remains.
    """

    name, higher_is_better, prediction = "roc_auc", True, "probability"

    def score(self, truth: Array, prediction: Array, weights: Array | None = None) -> float:
        return _mean_defined([_auc(t, p, weights) for t, p in _binary_columns(truth, prediction)])


class RocAucOvr(RocAuc):
    """ROC AUC of each class against the rest, averaged over the classes."""

    name = "roc_auc_ovr"


class AveragePrecision(Metric):
    """Area under the precision-recall steps (no interpolation); over targets or classes as `RocAuc`."""

    name, higher_is_better, prediction = "average_precision", True, "probability"

    def score(self, truth: Array, prediction: Array, weights: Array | None = None) -> float:
        return _mean_defined([_average_precision(t, p, weights) for t, p in _binary_columns(truth, prediction)])


class LogLoss(MeanMetric):
    """Mean negative log-likelihood: binary, multi-class (class matrix) or the mean over several 0/1 targets."""

    name, higher_is_better, prediction = "log_loss", False, "probability"

    def losses(self, truth: Array, prediction: Array) -> Floats:
        if prediction.ndim == 2:
            likelihood = prediction[np.arange(len(truth)), truth]
        else:
            likelihood = np.where(truth == 1, prediction, 1.0 - prediction)
        return np.asarray(-np.log(np.clip(likelihood, EPS, 1.0 - EPS)), dtype=np.float64)

    def pairs(self, truth: Array, prediction: Array) -> list[tuple[Array, Array]]:
        return [(truth, prediction)] if truth.ndim == 1 else columns(truth, prediction)


class LogLossBalanced(LogLoss):
    """Log loss in which each class of the truth weighs the same: the mean over classes of the class's mean loss."""

    name = "log_loss_balanced"

    def score(self, truth: Array, prediction: Array, weights: Array | None = None) -> float:
        if len(truth) == 0:
            return float("nan")
        return float(np.mean([self._one(t, p, weights) for t, p in self.pairs(truth, prediction)]))

    def _one(self, truth: Array, prediction: Array, weights: Array | None) -> float:
        losses = self.losses(truth, prediction)
        w = np.ones(len(truth)) if weights is None else weights
        mass = np.bincount(truth, weights=w)
        total = np.bincount(truth, weights=w * losses)
        return float((total[mass > 0] / mass[mass > 0]).mean()) if mass.any() else float("nan")

    def row_losses(self, truth: Array, prediction: Array) -> Floats | None:
        """None: the class weights hang on the whole sample."""
        return None

    def from_mean_loss(self, mean_loss: float) -> float:
        return Metric.from_mean_loss(self, mean_loss)


def _binary_columns(truth: Array, prediction: Array) -> list[tuple[Array, Array]]:
    """0/1 truth and scores, target by target or class by class; a two-column class matrix is one problem."""
    if truth.ndim == 1 and prediction.ndim == 2:
        if prediction.shape[1] == 2:
            return [(truth, prediction[:, 1])]
        return [((truth == code).astype(np.int64), prediction[:, code]) for code in range(prediction.shape[1])]
    return columns(truth, prediction)


def _mean_defined(values: list[float]) -> float:
    defined = [value for value in values if not np.isnan(value)]
    return float(np.mean(defined)) if defined else float("nan")


def _auc(truth: Array, score: Array, weights: Array | None) -> float:
    """Chance that a positive row ranks above a negative one, ties counting half (Mann-Whitney)."""
    if len(truth) == 0:
        return float("nan")
    order, starts = tie_groups(score)
    w = np.ones(len(truth)) if weights is None else np.asarray(weights, dtype=np.float64)[order]
    positive = np.add.reduceat(w * (truth[order] == 1), starts)
    negative = np.add.reduceat(w, starts) - positive
    below = np.cumsum(negative) - negative
    pairs = positive.sum() * negative.sum()
    return float(positive @ (below + negative / 2) / pairs) if pairs > 0 else float("nan")


def _average_precision(truth: Array, score: Array, weights: Array | None) -> float:
    if len(truth) == 0:
        return float("nan")
    order, starts = tie_groups(-score)
    w = np.ones(len(truth)) if weights is None else np.asarray(weights, dtype=np.float64)[order]
    positive = np.add.reduceat(w * (truth[order] == 1), starts)
    flagged = np.cumsum(np.add.reduceat(w, starts))
    hits = np.cumsum(positive)
    if hits[-1] <= 0:
        return float("nan")
    precision = np.divide(hits, flagged, out=np.zeros_like(hits), where=flagged > 0)
    return float(positive @ precision / hits[-1])
