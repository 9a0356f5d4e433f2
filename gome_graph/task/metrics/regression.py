"""Metrics of numbers. Over several targets: the mean of the targets' scores (mean column-wise)."""

import numpy as np

from gome_graph.task.metrics.base import Array, Floats, MeanMetric, Metric, columns, weighted_mean
from gome_graph.task.metrics.ranks import average_ranks


class Mse(MeanMetric):
    """Mean squared error."""

    name, higher_is_better, prediction = "mse", False, "number"

    def losses(self, truth: Array, prediction: Array) -> Floats:
        return np.square(np.asarray(truth - prediction, dtype=np.float64))


class Rmse(Mse):
    """Root mean squared error."""

    name, linear = "rmse", False

    def from_mean_loss(self, mean_loss: float) -> float:
        return float(np.sqrt(mean_loss))


class Rmsle(Rmse):
    """RMSE of ``log(1 + y)``; for numbers >= 0, otherwise NaN."""

    name, domain = "rmsle", "nonnegative"

    def losses(self, truth: Array, prediction: Array) -> Floats:
        with np.errstate(invalid="ignore"):
            inside = prediction >= 0
            return np.where(inside, np.square(np.log1p(truth) - np.log1p(np.where(inside, prediction, 0.0))), np.nan)


class RmseLog(Rmse):
    """RMSE of the logarithms; for numbers > 0, otherwise NaN."""

    name, domain = "rmse_log", "positive"

    def losses(self, truth: Array, prediction: Array) -> Floats:
        with np.errstate(invalid="ignore", divide="ignore"):
            inside = prediction > 0
            return np.where(inside, np.square(np.log(truth) - np.log(np.where(inside, prediction, 1.0))), np.nan)


class Mae(MeanMetric):
    """Mean absolute error."""

    name, higher_is_better, prediction = "mae", False, "number"

    def losses(self, truth: Array, prediction: Array) -> Floats:
        return np.asarray(np.abs(truth - prediction), dtype=np.float64)


class Mape(Mae):
    """Mean absolute error as a share of ``|y|`` (0.05 is 5 %), as in scikit-learn."""

    name = "mape"

    def losses(self, truth: Array, prediction: Array) -> Floats:
        return np.asarray(np.abs(truth - prediction) / np.maximum(np.abs(truth), np.finfo(np.float64).eps), dtype=np.float64)


class Smape(Mae):
    """Symmetric mean absolute percentage error, 0 to 200: ``100 * 2|y - p| / (|y| + |p|)``, 0 where both are 0."""

    name = "smape"

    def losses(self, truth: Array, prediction: Array) -> Floats:
        size = np.abs(truth) + np.abs(prediction)
        gap = 200.0 * np.abs(truth - prediction)
        return np.asarray(np.divide(gap, size, out=np.zeros(len(size), dtype=np.float64), where=size > 0), dtype=np.float64)


class Pinball(MeanMetric):
    """Quantile loss at `alpha` (Koenker and Bassett 1978); half the absolute error at 0.5."""

    higher_is_better, prediction = False, "number"

    def __init__(self, alpha: float = 0.5) -> None:
        self.alpha = alpha
        self.name = "pinball" if alpha == 0.5 else f"pinball_{alpha:g}"

    def losses(self, truth: Array, prediction: Array) -> Floats:
        gap = np.asarray(truth - prediction, dtype=np.float64)
        return np.maximum(self.alpha * gap, (self.alpha - 1.0) * gap)


class R2(Metric):
    """Share of the truth's variance that is explained. NaN for a constant truth."""

    name, higher_is_better, prediction = "r2", True, "number"

    def score(self, truth: Array, prediction: Array, weights: Array | None = None) -> float:
        return float(np.mean([_r2(t, p, weights) for t, p in columns(truth, prediction)]))

    def row_losses(self, truth: Array, prediction: Array) -> Floats | None:
        """Squared error over the variance of this truth: the mean gives R2 as long as the truth stays the same."""
        pairs = columns(truth, prediction)
        if len(truth) == 0 or any(np.var(t) == 0 for t, _ in pairs):
            return None
        return np.asarray(np.mean([np.square(t - p) / np.var(t) for t, p in pairs], axis=0), dtype=np.float64)

    def from_mean_loss(self, mean_loss: float) -> float:
        return 1.0 - mean_loss


class Pearson(Metric):
    """Pearson correlation. NaN where a side is constant."""

    name, higher_is_better, prediction = "pearson", True, "number"

    def score(self, truth: Array, prediction: Array, weights: Array | None = None) -> float:
        return float(np.mean([_pearson(t, p, weights) for t, p in columns(truth, prediction)]))


class Spearman(Metric):
    """Pearson correlation of the ranks, ties sharing their mean rank. NaN where a side is constant."""

    name, higher_is_better, prediction = "spearman", True, "number"

    def score(self, truth: Array, prediction: Array, weights: Array | None = None) -> float:
        if len(truth) == 0:
            return float("nan")
        pairs = columns(truth, prediction)
        return float(np.mean([_pearson(average_ranks(t, weights), average_ranks(p, weights), weights) for t, p in pairs]))


def _r2(truth: Array, prediction: Array, weights: Array | None) -> float:
    spread = weighted_mean(np.square(truth - weighted_mean(truth, weights)), weights)
    return 1.0 - weighted_mean(np.square(truth - prediction), weights) / spread if spread > 0 else float("nan")


def _pearson(x: Array, y: Array, weights: Array | None) -> float:
    if len(x) == 0 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan")
    dx, dy = x - weighted_mean(x, weights), y - weighted_mean(y, weights)
    spread = weighted_mean(dx * dx, weights) * weighted_mean(dy * dy, weights)
    return float(np.clip(weighted_mean(dx * dy, weights) / np.sqrt(spread), -1.0, 1.0)) if spread > 0 else float("nan")
