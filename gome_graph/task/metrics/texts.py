"""Metrics of texts and of ranked labels."""

import numpy as np

from gome_graph.task.metrics.base import Array, Floats, MeanMetric

DEFAULT_K = 5
"""Length of a ranking where the metric's name gives none."""


class JaccardWords(MeanMetric):
    """Mean overlap of the two texts' word sets, lower-cased; two empty texts agree."""

    name, higher_is_better, prediction = "jaccard_words", True, "text"

    def losses(self, truth: Array, prediction: Array) -> Floats:
        return np.array([1.0 - _overlap(str(t), str(p)) for t, p in zip(truth, prediction, strict=True)], dtype=np.float64)

    def from_mean_loss(self, mean_loss: float) -> float:
        return 1.0 - mean_loss


class MapAtK(MeanMetric):
    """Mean average precision of the first `k` labels of each ranking; truth and ranking are labels with spaces between them."""

    higher_is_better, prediction = True, "ranking"

    def __init__(self, k: int = DEFAULT_K) -> None:
        self.k = k
        self.name = f"map_at_{k}"

    def losses(self, truth: Array, prediction: Array) -> Floats:
        return np.array([1.0 - self._precision(str(t), str(p)) for t, p in zip(truth, prediction, strict=True)], dtype=np.float64)

    def from_mean_loss(self, mean_loss: float) -> float:
        return 1.0 - mean_loss

    def _precision(self, truth: str, ranking: str) -> float:
        relevant, seen = set(truth.split()), set[str]()
        hits, total = 0, 0.0
        for place, label in enumerate(ranking.split()[: self.k], start=1):
            if label in relevant and label not in seen:
                hits += 1
                total += hits / place
            seen.add(label)
        return total / min(len(relevant), self.k) if relevant else 0.0


def _overlap(left: str, right: str) -> float:
    a, b = set(left.lower().split()), set(right.lower().split())
    return len(a & b) / len(a | b) if a | b else 1.0
