"""Shape of the errors: residuals, classes, calibration, threshold, and the score of a constant."""

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from gome_graph.records import ClassFacts, ResidualFacts

if TYPE_CHECKING:
    from gome_graph.task import Measured, Metric, SubmissionFormat

OUTLIER = 4.0
"""Robust standard deviations beyond which a residual counts as an outlier (1 in 16,000 of a normal distribution)."""
THRESHOLDS = np.round(np.linspace(0.04, 0.96, 47), 2)
LABEL_KINDS = ("label", "probability", "probabilities")


def in_logs(metric: "Metric") -> bool:
    """True for metrics that compare logarithms: their residuals are looked at in logs, where the loss is made."""
    return "rmsle" in metric.name or "rmse_log" in metric.name


def residuals_of(data: "Measured") -> np.ndarray | None:
    """``truth - prediction`` of numbers, shape (rows, targets); in log1p for `in_logs` metrics, each target in its own standard
    deviations if there are several. None for other kinds."""
    if data.format.kind != "number" or data.prediction is None:
        return None
    truth, prediction = np.asarray(data.truth, dtype=float), np.asarray(data.prediction, dtype=float)
    if in_logs(data.metric):
        truth, prediction = np.log1p(np.maximum(truth, 0.0)), np.log1p(np.maximum(prediction, 0.0))
    difference: np.ndarray = (truth - prediction).reshape(len(truth), -1)
    if difference.shape[1] > 1:
        spread = truth.reshape(len(truth), -1).std(axis=0)
        difference = difference / np.where(spread > 0, spread, 1.0)
    return difference


def residual_facts(data: "Measured") -> ResidualFacts | None:
    """Shape of the residuals. `skew` is that of residuals clipped at `OUTLIER` robust deviations: a lean of the bulk, which a few
    outliers (counted apart) cannot make."""
    difference = residuals_of(data)
    if difference is None or len(difference) < 3 or data.prediction is None:
        return None
    flat = difference.ravel()
    prediction = np.asarray(data.prediction, dtype=float).ravel()
    good = np.isfinite(flat)
    flat, prediction = flat[good], prediction[good]
    spread = float(flat.std()) if len(flat) else 0.0
    if len(flat) < 3 or not np.isfinite(spread):
        return None
    median = float(np.median(flat))
    robust = 1.4826 * float(np.median(np.abs(flat - median)))  # MAD to standard deviation, for the normal distribution
    robust = robust or spread
    far = np.abs(flat - median) > OUTLIER * robust
    clipped = np.clip(flat, median - OUTLIER * robust, median + OUTLIER * robust)
    clipped = clipped - clipped.mean()
    deviation = float(clipped.std())
    squares = flat * flat  # not np.dot: BLAS would wake its threads for it
    total = float(squares.sum())
    return ResidualFacts(
        mean=float(flat.mean()), std=spread, skew=float(np.mean(clipped**3) / deviation**3) if deviation > 0 else 0.0,
        outlier_share=float(far.mean()), outlier_loss=float(squares[far].sum()) / total if total > 0 else 0.0,
        trend=_correlation(np.abs(flat), prediction), above=float((flat > 0).mean() + 0.5 * (flat == 0).mean()),
    )  # fmt: skip


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a - a.mean(), b - b.mean()
    scale = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / scale if scale > 0 and np.isfinite(scale) else 0.0


def positive_index(form: "SubmissionFormat") -> int:
    """Code of the positive class of a binary task."""
    return form.classes.index(form.positive_class) if form.positive_class in form.classes else len(form.classes) - 1


def hard_labels(data: "Measured") -> tuple[np.ndarray, np.ndarray] | None:
    """(truth, predicted) codes ``(n,)`` or 0/1 ``(n, targets)``; probabilities are cut at one half or at their maximum."""
    if data.prediction is None or data.format.kind not in LABEL_KINDS:
        return None
    truth, prediction = np.asarray(data.truth), np.asarray(data.prediction)
    if data.format.kind == "probabilities":
        return truth.astype(int), prediction.argmax(axis=1)
    if data.format.kind == "probability":
        return truth.astype(int), (prediction >= 0.5).astype(int)
    return truth.astype(int), prediction.astype(int)


def class_facts(data: "Measured") -> list[ClassFacts]:
    """How each class (or, with several binary targets, each target's positive class) fares; empty for numbers."""
    pair = hard_labels(data)
    if pair is None:
        return []
    truth, predicted = pair
    if truth.ndim == 2 and data.format.kind == "probability":
        hits = (truth & predicted).sum(axis=0)
        return [
            _class(label, int(t), int(p), int(h), len(truth))
            for label, t, p, h in zip(data.format.columns, truth.sum(axis=0), predicted.sum(axis=0), hits, strict=False)
        ]
    truth, predicted = truth.ravel(), predicted.ravel()
    if data.format.kind == "probability":  # codes 0/1 mean negative and positive, whatever the order of the classes
        labels = _binary_labels(data.format)
    else:
        labels = data.format.classes or [str(code) for code in range(int(max(truth.max(), predicted.max())) + 1)]
    size = len(labels)
    true_counts = np.bincount(truth, minlength=size)
    predicted_counts = np.bincount(predicted, minlength=size)
    hit_counts = np.bincount(truth[truth == predicted], minlength=size)
    return [_class(label, int(true_counts[i]), int(predicted_counts[i]), int(hit_counts[i]), len(truth)) for i, label in enumerate(labels)]


def _binary_labels(form: "SubmissionFormat") -> list[str]:
    if len(form.classes) != 2:
        return ["0", "1"]
    positive = positive_index(form)
    return [form.classes[1 - positive], form.classes[positive]]


def _class(label: str, true: int, predicted: int, hits: int, rows: int) -> ClassFacts:
    return ClassFacts(
        label=label, share=true / max(1, rows), predicted_share=predicted / max(1, rows),
        recall=hits / true if true else 0.0, precision=hits / predicted if predicted else 0.0,
    )  # fmt: skip


def best_threshold(data: "Measured") -> tuple[float, float] | None:
    """(threshold, gain) of cutting the saved probabilities elsewhere, for a binary label metric; None where it does not apply.

    The gain is the metric's (positive is better) over the labels submitted, cross-fitted: each half of the folds is cut where the other
    half would have it, so that picking the best of many thresholds does not look like a gain.
    """
    if (
        data.probabilities is None or data.prediction is None or data.format.kind != "label" or len(data.format.classes) != 2
        or np.ndim(data.truth) != 1
    ):  # fmt: skip
        return None
    positive = positive_index(data.format)
    proba = np.asarray(data.probabilities, dtype=float)
    stated = proba[:, positive] if proba.ndim == 2 and proba.shape[1] == 2 else proba.ravel()
    truth = np.asarray(data.truth)
    if len(stated) != len(truth):
        return None
    sign = 1.0 if data.metric.higher_is_better else -1.0

    def cut(rows: np.ndarray, threshold: float) -> np.ndarray:
        return np.where(stated[rows] >= threshold, positive, 1 - positive)

    def best_on(rows: np.ndarray) -> float:
        scores = np.array([metric_value(data.metric, truth[rows], cut(rows, t)) * sign for t in THRESHOLDS])
        if not np.isfinite(scores).any():
            return 0.5
        good = np.flatnonzero(scores >= np.nanmax(scores) - 1e-12)
        return float(THRESHOLDS[good[len(good) // 2]])

    half = np.asarray(data.folds) % 2 == 0
    if half.all() or not half.any():
        return None
    first, second = np.flatnonzero(half), np.flatnonzero(~half)
    labels = np.empty(len(truth), dtype=np.int64)
    chosen_first, chosen_second = best_on(first), best_on(second)
    labels[second], labels[first] = cut(second, chosen_first), cut(first, chosen_second)
    gain = sign * (metric_value(data.metric, truth, labels) - metric_value(data.metric, truth, np.asarray(data.prediction)))
    return ((chosen_first + chosen_second) / 2, float(gain)) if np.isfinite(gain) else None


def trivial_score(data: "Measured") -> float | None:
    """The metric of the best constant prediction (most fitting label, class shares, mean or median); None where there is none."""
    truth, form, metric = np.asarray(data.truth), data.format, data.metric
    rows = len(truth)
    options: list[Any] = []
    if form.kind == "label":
        values, counts = np.unique(truth, return_counts=True)
        options = [np.full_like(truth, value) for value in values[np.argsort(-counts, kind="stable")][:5]]
    elif form.kind == "probability":
        options = [np.broadcast_to(truth.astype(float).mean(axis=0), truth.shape)]
    elif form.kind == "probabilities":
        size = len(form.classes)
        shares = np.bincount(truth.astype(int), minlength=size) / max(1, rows)
        options = [np.tile(shares, (rows, 1)), np.full((rows, size), 1.0 / size)]
    elif form.kind == "number":
        numbers = truth.astype(float)
        middles = [numbers.mean(axis=0), np.median(numbers, axis=0)]
        if in_logs(metric):
            middles.append(np.expm1(np.log1p(np.maximum(numbers, 0.0)).mean(axis=0)))
        options = [np.broadcast_to(middle, numbers.shape) for middle in middles]
    scores = [score for option in options if np.isfinite(score := metric_value(metric, truth, np.ascontiguousarray(option)))]
    if not scores:
        return 0.0 if metric.name in ("pearson", "spearman") and options else None
    return max(scores) if metric.higher_is_better else min(scores)


def metric_value(metric: "Metric", truth: np.ndarray, prediction: np.ndarray) -> float:
    """The metric, or NaN where it is undefined."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return float(metric.score(truth, prediction))
        except (ValueError, ZeroDivisionError):
            return float("nan")
