"""What other ways to choose labels from the same probabilities would be worth, under the metric."""

from typing import TYPE_CHECKING

import numpy as np

from gome_graph.diagnosis.quality import metric_value

if TYPE_CHECKING:
    from gome_graph.task import Measured

BY_CLASS = frozenset({"balanced_accuracy", "f1_macro", "mcc"})
"""Metrics that count classes rather than rows: rare ones want to be chosen more often than the largest probability does."""


def decision_gains(data: "Measured") -> dict[str, float]:
    """Rule -> gain in the metric over the labels submitted, positive is better; empty without labels and saved probabilities.

    Rules without a fitted number, so that nothing has to be cross-fitted: ``argmax`` (the likeliest class), ``prior_corrected`` (largest
    ratio to the class share, for metrics that count classes; `best_threshold` covers binary tasks) and ``cut_grades`` (mean grades cut
    such that each grade is given to its share of the rows, for QWK; cuts at halves would draw all grades to the middle). Only rules that
    fit the metric are tried.
    """
    if data.format.kind != "label" or data.probabilities is None or data.prediction is None or np.ndim(data.truth) != 1:
        return {}
    truth, proba = np.asarray(data.truth).astype(int), np.asarray(data.probabilities, dtype=float)
    if proba.ndim != 2 or len(proba) != len(truth):
        return {}
    options: dict[str, np.ndarray] = {}
    name = data.metric.name
    if name in ("accuracy", "f1_micro"):
        options["argmax"] = proba.argmax(axis=1)
    if name in BY_CLASS and proba.shape[1] > 2:
        shares = np.bincount(truth, minlength=proba.shape[1])[: proba.shape[1]] / max(1, len(truth))
        options["prior_corrected"] = (proba / np.maximum(shares, 1e-6)).argmax(axis=1)
    if name == "qwk" and (grades := _grades(data.format.classes)) is not None and len(grades) == proba.shape[1]:
        expected = (proba * grades).sum(axis=1) / np.maximum(proba.sum(axis=1), 1e-12)
        options["cut_grades"] = np.empty(len(truth), dtype=np.int64)
        by_grade = np.argsort(grades[truth], kind="stable")
        options["cut_grades"][np.argsort(expected, kind="stable")] = truth[by_grade]
    sign = 1.0 if data.metric.higher_is_better else -1.0
    now = metric_value(data.metric, truth, np.asarray(data.prediction))
    gains = {rule: sign * (metric_value(data.metric, truth, labels) - now) for rule, labels in options.items()}
    return {rule: gain for rule, gain in gains.items() if np.isfinite(gain)}


def _grades(classes: list[str]) -> np.ndarray | None:
    try:
        return np.array([float(label) for label in classes])
    except ValueError:
        return None
