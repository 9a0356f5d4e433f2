"""What a metric is."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Floats = NDArray[np.float64]


class Metric(ABC):
    """One way to judge predictions. Stateless and deterministic; a few milliseconds on 10,000 rows.

    Arrays come encoded by `SubmissionFormat`: labels as int64 codes ``(n,)`` or ``(n, targets)``; probabilities of the positive class as
    floats ``(n,)`` or ``(n, targets)`` against 0/1 truth of the same shape; class matrices as floats ``(n, classes)`` against codes
    ``(n,)``; numbers as floats ``(n,)`` or ``(n, targets)``; texts as strings ``(n,)``.
    """

    name: str
    """Canonical name, for example ``log_loss``."""
    higher_is_better: bool
    prediction: str
    """What it judges: ``label``, ``probability`` (of the positive class, or a class matrix), ``number``, ``text`` or ``ranking``."""
    domain: str = "real"
    """Numbers it is defined for: ``real``, ``nonnegative`` or ``positive``."""

    @abstractmethod
    def score(self, truth: Array, prediction: Array, weights: Array | None = None) -> float:
        """The metric over all rows; `weights` ``(n,)`` count rows (2 is the same as the row twice). NaN where it is undefined."""

    def row_losses(self, truth: Array, prediction: Array) -> Floats | None:
        """Loss of each row ``(n,)``, lower is better, if the metric is a monotone function of their (weighted) mean; else None."""
        return None

    def from_mean_loss(self, mean_loss: float) -> float:
        """The metric's value, given the mean of `row_losses`."""
        raise NotImplementedError(f"{self.name} is not a function of a mean loss")

    def __repr__(self) -> str:
        return f"<Metric {self.name}>"


def weighted_mean(values: Array, weights: Array | None) -> float:
    """Mean of ``(n,)`` values; NaN for no rows or no weight."""
    if len(values) == 0:
        return float("nan")
    if weights is None:
        return float(np.mean(values))
    total = float(np.sum(weights))
    return float(np.dot(values, weights) / total) if total > 0 else float("nan")


def columns(truth: Array, prediction: Array) -> list[tuple[Array, Array]]:
    """Pairs of ``(n,)`` columns of two arrays of the same shape, ``(n,)`` or ``(n, targets)``."""
    if truth.ndim == 1:
        return [(truth, prediction if prediction.ndim == 1 else prediction[:, 0])]
    return [(truth[:, i], prediction[:, i]) for i in range(truth.shape[1])]


class MeanMetric(Metric):
    """A metric that is `from_mean_loss` of the mean over rows of `losses`; several targets are scored one by one and averaged."""

    linear = True
    """True if `from_mean_loss` is affine, so that the mean over targets is a mean over rows too."""

    @abstractmethod
    def losses(self, truth: Array, prediction: Array) -> Floats:
        """Loss of each row for one target, ``(n,)``."""

    def score(self, truth: Array, prediction: Array, weights: Array | None = None) -> float:
        scores = [self.from_mean_loss(weighted_mean(self.losses(t, p), weights)) for t, p in self.pairs(truth, prediction)]
        return float(np.mean(scores))

    def row_losses(self, truth: Array, prediction: Array) -> Floats | None:
        pairs = self.pairs(truth, prediction)
        if len(pairs) > 1 and not self.linear:
            return None
        return np.mean([self.losses(t, p) for t, p in pairs], axis=0) if len(pairs) > 1 else self.losses(*pairs[0])

    def from_mean_loss(self, mean_loss: float) -> float:
        return mean_loss

    def pairs(self, truth: Array, prediction: Array) -> list[tuple[Array, Array]]:
        """Truth and prediction, target by target."""
        return columns(truth, prediction)
