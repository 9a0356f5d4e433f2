"""The one scorer of the benchmark: scikit-learn on the held-out rows, the same for every system. Imports nothing of gome.

A prediction is a table with the id column and

- for a metric of labels or numbers: one column a target, named like it;
- for a metric of probabilities: one column a class, named like it (``0`` and ``1`` for a binary target), rows summing to 1.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn import metrics as sk

RESAMPLES = 200
"""Bootstrap resamples of the held-out rows."""
CLIP = 1e-15
"""Probabilities are kept this far from 0 and 1 before the logarithm; Kaggle's convention."""


@dataclass(frozen=True)
class Metric:
    """A metric as the scorer sees it."""

    name: str
    higher_is_better: bool
    needs: str
    """``probability``, ``label`` or ``number``."""
    score: Callable[[NDArray[Any], NDArray[Any]], float]
    """(truth, prediction) -> score. Truth: class index (n,) for probabilities, text (n,) for labels, float (n,) for numbers.
    Prediction: (n, classes), text (n,), float (n,)."""


def _auc(truth: NDArray[Any], chance: NDArray[Any]) -> float:
    if chance.shape[1] == 2:
        return float(sk.roc_auc_score(truth, chance[:, 1]))
    return float(sk.roc_auc_score(truth, chance, multi_class="ovr", labels=np.arange(chance.shape[1])))


def _log_loss(truth: NDArray[Any], chance: NDArray[Any]) -> float:
    safe = np.clip(chance, CLIP, 1 - CLIP)
    safe = safe / safe.sum(axis=1, keepdims=True)
    return float(-np.log(safe[np.arange(len(truth)), truth]).mean())


def _rmse(truth: NDArray[Any], value: NDArray[Any]) -> float:
    return float(np.sqrt(np.mean((truth - value) ** 2)))


def _rmsle(truth: NDArray[Any], value: NDArray[Any]) -> float:
    """Negative predictions count as 0 for every system: the competitions refuse them, a benchmark must not lose a cell to one row."""
    return _rmse(np.log1p(truth), np.log1p(np.maximum(value, 0)))


def _rmse_log(truth: NDArray[Any], value: NDArray[Any]) -> float:
    return _rmse(np.log(truth), np.log(np.maximum(value, 1e-9)))


def _kappa(truth: NDArray[Any], value: NDArray[Any]) -> float:
    whole = [labels.astype(float).round().astype(int) for labels in (truth, value)]
    return float(sk.cohen_kappa_score(*whole, weights="quadratic"))


METRICS = {
    metric.name: metric
    for metric in (
        Metric("auc", True, "probability", _auc),
        Metric("log_loss", False, "probability", _log_loss),
        Metric("accuracy", True, "label", lambda truth, label: float(np.mean(truth == label))),
        Metric("qwk", True, "label", _kappa),
        Metric("rmse", False, "number", _rmse),
        Metric("rmsle", False, "number", _rmsle),
        Metric("rmse_log", False, "number", _rmse_log),
        Metric("mae", False, "number", lambda truth, value: float(np.mean(np.abs(truth - value)))),
    )
}


@dataclass(frozen=True)
class Result:
    """A score with the noise of the held-out rows."""

    score: float
    sd: float
    """Standard deviation over bootstrap resamples of the held-out rows."""


class InvalidPrediction(ValueError):
    """The table cannot be scored; the message says why."""


def score(facts: dict[str, Any], truth: pd.DataFrame, prediction: pd.DataFrame, seed: int = 0) -> Result:
    """Score `prediction` against `truth`, both with the id column; several targets count by their mean.

    Raises
    ------
    InvalidPrediction
        If rows or columns are missing, or values are not finite.
    """
    metric, key = METRICS[facts["metric"]], facts["id"]
    pairs = [_pair(metric, facts, truth, _aligned(truth, prediction, key), target) for target in facts["targets"]]
    rng = np.random.default_rng(seed)

    def at(rows: Any) -> float:
        return float(np.mean([metric.score(t[rows], p[rows]) for t, p in pairs]))

    resampled = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a resample may lack a class; it gives NaN or an error, and does not count
        for _ in range(RESAMPLES):
            try:
                resampled.append(at(rng.integers(0, len(truth), len(truth))))
            except ValueError:
                continue
    return Result(at(slice(None)), float(np.nanstd(resampled)) if resampled else float("nan"))


def _aligned(truth: pd.DataFrame, prediction: pd.DataFrame, key: str) -> pd.DataFrame:
    """The prediction in the order of the truth."""
    if key not in prediction:
        raise InvalidPrediction(f"column {key} is missing")
    by_id = prediction.assign(**{key: prediction[key].astype(str)}).drop_duplicates(key).set_index(key)
    wanted = truth[key].astype(str)
    absent = ~wanted.isin(by_id.index)
    if absent.any():
        raise InvalidPrediction(f"{int(absent.sum())} of {len(truth)} rows are missing")
    return by_id.loc[wanted].reset_index(drop=True)


def _pair(metric: Metric, facts: dict[str, Any], truth: pd.DataFrame, rows: pd.DataFrame, target: str) -> tuple[Any, Any]:
    """Truth and prediction of one target as arrays."""
    columns = facts["classes"] if metric.needs == "probability" else [target]
    lacking = [c for c in columns if c not in rows]
    if lacking:
        raise InvalidPrediction(f"columns {lacking[:5]} are missing")
    if metric.needs == "label":
        return text(truth[target]).to_numpy(str), text(rows[target]).to_numpy(str)
    values = rows[columns].to_numpy(float)
    if not np.isfinite(values).all():
        raise InvalidPrediction("some values are not finite")
    if metric.needs == "number":
        return truth[target].to_numpy(float), values[:, 0]
    place = {name: position for position, name in enumerate(columns)}
    return text(truth[target]).map(place).to_numpy(int), values


def text(labels: pd.Series) -> pd.Series:
    """Labels as text; whole floats lose their ``.0``, so that 3 and 3.0 are one label."""
    if pd.api.types.is_float_dtype(labels) and (labels.dropna() % 1 == 0).all():
        return labels.astype("Int64").astype(str)
    return labels.astype(str)
