"""Whether stated probabilities are what happens: by confidence, by class, and what a temperature would save."""

from typing import TYPE_CHECKING

import numpy as np

from gome_graph.records import CalibrationFacts

if TYPE_CHECKING:
    from gome_graph.task import Measured

CROWDED = 0.7
"""Share of the rows in one bin of equal width from which bins of equal weight are used: a rare class's probabilities are all small."""
MAX_ROWS = 2_000
"""Rows that temperatures are tried on, spread evenly; one number needs no more."""
TEMPERATURES = np.exp(np.linspace(np.log(0.25), np.log(4.0), 17))
LEAST = 1e-6


def calibration_facts(data: "Measured", bins: int = 10) -> CalibrationFacts | None:
    """Reliability of the submitted probabilities in bins of equal width (of equal weight if most rows share one): of the positive class,
    or of the class named most likely.

    References
    ----------
    Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, sections 2 (expected calibration error) and 4.2 (temperature).
    """
    if data.prediction is None or data.format.kind not in ("probability", "probabilities"):
        return None
    stated, observed = _stated_and_observed(data)
    which = np.clip((stated * bins).astype(int), 0, bins - 1)
    if np.bincount(which).max(initial=0) > CROWDED * len(which):
        which = np.searchsorted(np.unique(np.quantile(stated, np.linspace(0, 1, bins + 1)))[1:-1], stated, side="right")
    count = np.bincount(which, minlength=bins)
    held = count > 0
    mean = np.bincount(which, weights=stated, minlength=bins)[held] / count[held]
    share = np.bincount(which, weights=observed, minlength=bins)[held] / count[held]
    error = float((count[held] * np.abs(mean - share)).sum() / max(1, len(stated)))
    lean, label, z = _lean(data)
    saved = temperature_gain(data)
    return CalibrationFacts(
        bins=[(float(m), float(s), int(c)) for m, s, c in zip(mean, share, count[held], strict=True)], error=error, lean=lean,
        lean_class=label, lean_z=z, gain=None if saved is None else saved[1], temperature=None if saved is None else saved[0],
    )  # fmt: skip


def _stated_and_observed(data: "Measured") -> tuple[np.ndarray, np.ndarray]:
    prediction, truth = np.asarray(data.prediction, dtype=float), np.asarray(data.truth)
    if data.format.kind == "probability":
        return prediction.ravel(), truth.astype(float).ravel()
    top = prediction.argmax(axis=1)
    return prediction[np.arange(len(top)), top] / np.maximum(prediction.sum(axis=1), 1e-12), (top == truth).astype(float)


def _lean(data: "Measured") -> tuple[float, str, float]:
    """(mean stated probability - share, class, z) of the class, or target, where the two differ most plainly."""
    prediction, truth = np.asarray(data.prediction, dtype=float), np.asarray(data.truth)
    if data.format.kind == "probability":
        stated, seen = prediction.reshape(len(truth), -1), truth.reshape(len(truth), -1).astype(float)
        positive = data.format.positive_class or (data.format.classes[-1] if data.format.classes else "")
        names = data.format.columns if stated.shape[1] > 1 else [positive or data.format.columns[0]]
    else:
        stated, names = prediction, data.format.classes
        seen = (truth[:, None] == np.arange(stated.shape[1])[None, :]).astype(float)
    difference = stated - seen
    mean = difference.mean(axis=0)
    error = np.maximum(difference.std(axis=0), 1e-9) / max(1, len(truth)) ** 0.5
    worst = int(np.abs(mean / error).argmax())
    return float(mean[worst]), names[worst] if worst < len(names) else str(worst), float(min(1e6, abs(mean[worst] / error[worst])))


def temperature_gain(data: "Measured") -> tuple[float, float] | None:
    """(temperature, log loss saved) with one temperature, cross-fitted: each half of the folds takes the other half's best.

    The temperature is the geometric mean of both; the gain may be negative. None for several targets, or where a half is empty.
    """
    truth = np.asarray(data.truth)
    if truth.ndim != 1 or len(truth) == 0:
        return None
    prediction = np.asarray(data.prediction, dtype=float)
    rows = np.unique(np.linspace(0, len(truth) - 1, min(MAX_ROWS, len(truth))).astype(np.int64))
    proba = prediction[rows] if prediction.ndim == 2 else np.stack([1 - prediction[rows], prediction[rows]], axis=1)
    codes, half = truth[rows].astype(int), np.asarray(data.folds)[rows] % 2 == 0
    if half.all() or not half.any() or codes.max() >= proba.shape[1]:
        return None
    logs = np.log(np.clip(proba, LEAST, 1.0))
    own = logs[np.arange(len(codes)), codes]
    losses = np.stack([np.log(np.exp(logs / t).sum(axis=1)) - own / t for t in TEMPERATURES])  # (temperatures, rows)
    first, second = int(losses[:, half].mean(axis=1).argmin()), int(losses[:, ~half].mean(axis=1).argmin())
    after = (losses[second, half].sum() + losses[first, ~half].sum()) / len(codes)
    now = float((np.log(np.exp(logs).sum(axis=1)) - own).mean())
    return float((TEMPERATURES[first] * TEMPERATURES[second]) ** 0.5), now - float(after)
