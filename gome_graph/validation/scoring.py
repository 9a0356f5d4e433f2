"""The loss: the metric recomputed from saved predictions, with an honest standard error."""

import math

import numpy as np

from gome_graph.records import Score
from gome_graph.task.metrics.base import Array, Metric
from gome_graph.validation.influence import Influence, influence, variance


def score_predictions(metric: Metric, truth: Array, prediction: Array, folds: Array, groups: Array | None = None) -> Score:
    """Score encoded predictions.

    Parameters
    ----------
    truth, prediction : encoded arrays of n rows, see `SubmissionFormat`.
    folds : fold of each row ``(n,)``.
    groups : group of each row if the split is grouped; the standard error then counts groups, not rows, as independent
        (cluster-robust variance, Liang and Zeger, Biometrika 1986).

    The standard error is the sampling noise of the value over rows: see `influence` for how it is got for each kind of metric.
    """
    return score_from(metric, influence(metric, truth, prediction, folds, groups), truth, prediction, folds)


def score_from(metric: Metric, found: Influence, truth: Array, prediction: Array, folds: Array) -> Score:
    """The `Score` of predictions whose influence values are known already."""
    by_fold = [metric.score(truth[folds == fold], prediction[folds == fold]) for fold in np.unique(folds)]
    return Score(
        metric=metric.name,
        higher_is_better=metric.higher_is_better,
        value=found.value,
        standard_error=math.sqrt(variance(found.rows, found.units)),
        by_fold=[value for value in by_fold if math.isfinite(value)],
        rows=len(truth),
    )
