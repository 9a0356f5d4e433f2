"""Metrics of class labels."""

from collections.abc import Callable

import numpy as np

from gome_graph.task.metrics.base import Array, Floats, MeanMetric, Metric, columns


def confusion(truth: Array, prediction: Array, weights: Array | None = None) -> Floats:
    """Weighted counts ``(k, k)``: rows are true codes, columns predicted ones. Codes below 0 (unknown labels) get a class of their own."""
    lowest = min(int(truth.min()), int(prediction.min()), 0)
    truth, prediction = truth - lowest, prediction - lowest
    k = int(max(truth.max(), prediction.max())) + 1
    counts = np.bincount(truth * k + prediction, weights=weights, minlength=k * k)
    return counts.astype(np.float64).reshape(k, k)


class Accuracy(MeanMetric):
    """Share of labels that are right; over several targets, the mean of the shares."""

    name, higher_is_better, prediction = "accuracy", True, "label"

    def losses(self, truth: Array, prediction: Array) -> Floats:
        return np.asarray(truth != prediction, dtype=np.float64)

    def from_mean_loss(self, mean_loss: float) -> float:
        return 1.0 - mean_loss


class BalancedAccuracy(Metric):
    """Mean recall over the classes that occur in the truth."""

    name, higher_is_better, prediction = "balanced_accuracy", True, "label"

    def score(self, truth: Array, prediction: Array, weights: Array | None = None) -> float:
        return _over_targets(_mean_recall, truth, prediction, weights)


class F1(Metric):
    """Harmonic mean of precision and recall; a class that is neither true nor predicted counts 0, as in scikit-learn.

    ``binary`` judges code 1. For 0/1 truth of several targets, ``micro`` pools the targets and the others average over them.
    """

    higher_is_better, prediction = True, "label"

    def __init__(self, average: str) -> None:
        self.average = average
        self.name = "f1" if average == "binary" else f"f1_{average}"

    def score(self, truth: Array, prediction: Array, weights: Array | None = None) -> float:
        if len(truth) == 0 or (weights is not None and weights.sum() <= 0):
            return float("nan")
        hit, true, predicted = self._counts(truth, prediction, weights)
        if self.average == "micro":
            return float(2 * hit.sum() / (true.sum() + predicted.sum())) if true.sum() + predicted.sum() else 0.0
        seen = true + predicted
        f1 = np.divide(2 * hit, seen, out=np.zeros_like(seen), where=seen > 0)
        if self.average == "binary" and truth.ndim == 1:
            return float(f1[1]) if len(f1) > 1 else 0.0
        if self.average == "weighted":
            return float(f1 @ true / true.sum()) if true.sum() else 0.0
        return float(f1.mean() if truth.ndim == 2 else f1[seen > 0].mean())

    def _counts(self, truth: Array, prediction: Array, weights: Array | None) -> tuple[Floats, Floats, Floats]:
        """Hits, true and predicted counts, for each class (or for each of several 0/1 targets)."""
        if truth.ndim == 2:
            w = np.ones(len(truth)) if weights is None else np.asarray(weights, dtype=np.float64)
            return w @ ((truth == 1) & (prediction == 1)), w @ (truth == 1), w @ (prediction == 1)
        table = confusion(truth, prediction, weights)
        return np.diag(table), table.sum(1), table.sum(0)

    def row_losses(self, truth: Array, prediction: Array) -> Floats | None:
        """Micro F1 of one label a row is accuracy."""
        return (truth != prediction).astype(np.float64) if self.average == "micro" and truth.ndim == 1 else None

    def from_mean_loss(self, mean_loss: float) -> float:
        return 1.0 - mean_loss if self.average == "micro" else super().from_mean_loss(mean_loss)


class Mcc(Metric):
    """Matthews correlation of labels, multi-class form (Gorodkin 2004, eq. 8); 0 where one side is constant, as in scikit-learn."""

    name, higher_is_better, prediction = "mcc", True, "label"

    def score(self, truth: Array, prediction: Array, weights: Array | None = None) -> float:
        return _over_targets(_correlation, truth, prediction, weights)


class QuadraticKappa(Metric):
    """Cohen's kappa with quadratic weights over ordered codes (Cohen 1968). NaN where truth and prediction are one and the same grade."""

    name, higher_is_better, prediction = "qwk", True, "label"

    def score(self, truth: Array, prediction: Array, weights: Array | None = None) -> float:
        return _over_targets(_kappa, truth, prediction, weights)


def _over_targets(function: Callable[[Floats], float], truth: Array, prediction: Array, weights: Array | None) -> float:
    if len(truth) == 0 or (weights is not None and weights.sum() <= 0):
        return float("nan")
    return float(np.mean([function(confusion(t, p, weights)) for t, p in columns(truth, prediction)]))


def _mean_recall(table: Floats) -> float:
    true = table.sum(1)
    return float((np.diag(table)[true > 0] / true[true > 0]).mean())


def _correlation(table: Floats) -> float:
    true, predicted, total = table.sum(1), table.sum(0), table.sum()
    covariance = np.trace(table) * total - true @ predicted
    spread = (total**2 - predicted @ predicted) * (total**2 - true @ true)
    return float(covariance / np.sqrt(spread)) if spread > 0 else 0.0


def _kappa(table: Floats) -> float:
    grades = np.arange(len(table), dtype=np.float64)
    distance = (grades[:, None] - grades[None, :]) ** 2
    expected = distance * np.outer(table.sum(1), table.sum(0)) / table.sum()
    return float(1 - (distance * table).sum() / expected.sum()) if expected.sum() > 0 else float("nan")
