"""What the inputs still say about the errors: structure that a better model could use."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from gome_graph.diagnosis.codes import ColumnCodes
from gome_graph.diagnosis.quality import OUTLIER, in_logs

if TYPE_CHECKING:
    from gome_graph.task import Measured

MAX_OUTPUTS = 3
"""Residual columns looked at (classes with most rows, targets in order)."""
PAIR_COLUMNS = 8
"""Columns whose pairs are looked at: 28 pairs, a few milliseconds."""
COARSE = 4
"""Groups a column is folded into for pairs."""


@dataclass(frozen=True)
class Signal:
    """How much of the residuals' variance one column, or a pair, explains by its groups."""

    columns: tuple[str, ...]
    share: float
    """Adjusted share of variance (epsilon squared), at most 1; about 0 or below if there is nothing."""
    z: float
    """Standardised F statistic: about standard normal if there is nothing."""


def signed_residuals(data: "Measured") -> np.ndarray | None:
    """``truth - expectation`` of each row, shape (rows, outputs): numbers (logs where the metric takes them), or 0/1 minus probability.

    Residuals of numbers are cut at `OUTLIER` robust deviations, or a handful of odd rows would pass for structure of their groups.
    None if only hard labels are known: their residuals lean by group even for a perfect model.
    """
    pair = _pair(data)
    if pair is None:
        return None
    residuals = _finite(pair[0] - pair[1])
    return _without_outliers(residuals) if data.format.kind == "number" else residuals


def explained_to_error(data: "Measured") -> float | None:
    """Variance of the expectations divided by that of the residuals, mean over outputs; None where they are not known or do not vary."""
    pair = _pair(data)
    if pair is None:
        return None
    errors = _finite(pair[0] - pair[1]).var(axis=0)
    ratios = _finite(pair[1]).var(axis=0)[errors > 0] / errors[errors > 0]
    return float(ratios.mean()) if len(ratios) and np.isfinite(ratios).all() else None


def _expectations(data: "Measured") -> np.ndarray | None:
    pair = _pair(data)
    return None if pair is None else _finite(pair[1])


def _pair(data: "Measured") -> tuple[np.ndarray, np.ndarray] | None:
    """(truth, expectation), both (rows, outputs) floats."""
    if data.prediction is None:
        return None
    truth = np.asarray(data.truth)
    kind = data.format.kind
    if kind == "number":
        numbers, stated = truth.astype(float), np.asarray(data.prediction, dtype=float)
        if in_logs(data.metric):
            numbers, stated = np.log1p(np.maximum(numbers, 0.0)), np.log1p(np.maximum(stated, 0.0))
        return _few(numbers), _few(stated)
    if kind == "probability":
        return _few(truth.astype(float)), _few(np.asarray(data.prediction, dtype=float))
    proba = data.prediction if kind == "probabilities" else data.probabilities
    if proba is None or truth.ndim != 1 or np.ndim(proba) != 2 or len(proba) != len(truth):
        return None
    proba = np.asarray(proba, dtype=float)
    codes = truth.astype(int)
    common = np.argsort(-np.bincount(codes, minlength=proba.shape[1]), kind="stable")[: 1 if proba.shape[1] == 2 else MAX_OUTPUTS]
    return np.stack([codes == c for c in common], axis=1).astype(float), proba[:, common]


def _few(values: np.ndarray) -> np.ndarray:
    return values.reshape(len(values), -1)[:, :MAX_OUTPUTS]


def _finite(residuals: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(residuals), residuals, 0.0)


def _without_outliers(residuals: np.ndarray) -> np.ndarray:
    middle = np.median(residuals, axis=0)
    reach = OUTLIER * 1.4826 * np.median(np.abs(residuals - middle), axis=0)  # MAD to standard deviation
    reach = np.where(reach > 0, reach, np.inf)
    return np.asarray(np.clip(residuals, middle - reach, middle + reach))


def column_signals(residuals: np.ndarray, codes: ColumnCodes) -> list[Signal]:
    """One `Signal` for each row of `codes`, same order; the strongest output counts."""
    best: list[Signal] = [Signal((name,), 0.0, 0.0) for name in codes.columns]
    count = codes.counts.astype(float)
    size = len(codes.columns)
    groups = np.bincount(codes.owner[codes.counts > 0], minlength=size)
    for output in codes.take(residuals).T:
        value = _standardised(output)
        if value is None:
            continue
        sums = codes.sums(value)
        with np.errstate(divide="ignore", invalid="ignore"):
            between = np.bincount(codes.owner, weights=np.where(count > 0, sums**2 / count, 0.0), minlength=size)
        for index, (share, z) in enumerate(zip(*anova(between, groups, len(value)), strict=True)):
            if z > best[index].z:
                best[index] = Signal((codes.columns[index],), float(share), float(z))
    return best


def strongest_within(residuals: np.ndarray, codes: ColumnCodes, group: int) -> Signal:
    """How plainly the rows of one group err in a way that can be learnt: their mean residual, or the strongest column among them.

    z stays within about 4 if the rows are merely noisier than the rest.
    """
    inside = codes.codes[codes.owner[group]] == group
    best = Signal((codes.columns[codes.owner[group]],), 0.0, 0.0)
    for output in codes.take(residuals).T:
        own = output[inside]
        spread, lean = float(own.std()), float(own.mean() - output.mean())
        z = abs(lean) / spread * len(own) ** 0.5 if spread > 0 else 0.0
        if z > best.z:
            best = Signal(best.columns, lean**2 / (lean**2 + spread**2), z)
    part = codes.codes[:, inside]
    within = replace(codes, codes=part, counts=np.bincount(part.ravel(), minlength=len(codes.labels)), sample=None)
    return max([best, *column_signals(codes.take(residuals)[inside], within)], key=lambda signal: signal.z)


def timidity(data: "Measured", residuals: np.ndarray) -> Signal:
    """Share of residual variance that the prediction itself explains where errors grow with it: predictions drawn too far to the mean.

    No columns; share 0 if predictions are as far apart as they should be, or too far.
    """
    stated = _expectations(data)
    best = Signal((), 0.0, 0.0)
    if stated is None:
        return best
    for output, expected in zip(residuals.T, stated.T, strict=True):
        a, b = output - output.mean(), expected - expected.mean()
        scale = float(np.sqrt((a * a).sum() * (b * b).sum()))  # not np.dot: BLAS would wake its threads for it
        correlation = float((a * b).sum()) / scale if scale > 0 and np.isfinite(scale) else 0.0
        if correlation > 0 and correlation * len(a) ** 0.5 > best.z:
            best = Signal((), correlation**2, correlation * len(a) ** 0.5)
    return best


def pair_signals(residuals: np.ndarray, codes: ColumnCodes, first: list[str]) -> list[Signal]:
    """Signals of pairs of columns over and above nothing (main effects included), for up to `PAIR_COLUMNS` of the columns `first`."""
    chosen = [i for i, name in enumerate(codes.columns) if name in set(first)][:PAIR_COLUMNS]
    coarse = {i: _coarse(codes.codes[i]) for i in chosen}
    found: list[Signal] = []
    outputs = [value for output in codes.take(residuals).T if (value := _standardised(output)) is not None]
    for left_at, left in enumerate(chosen):
        for right in chosen[left_at + 1 :]:
            cells = coarse[left] * COARSE + coarse[right]
            count = np.bincount(cells, minlength=COARSE * COARSE).astype(float)
            best = Signal((codes.columns[left], codes.columns[right]), 0.0, 0.0)
            for value in outputs:
                sums = np.bincount(cells, weights=value, minlength=COARSE * COARSE)
                between = float(np.sum(sums[count > 0] ** 2 / count[count > 0]))
                share, z = anova(np.array([between]), np.array([(count > 0).sum()]), len(value))
                if z[0] > best.z:
                    best = Signal(best.columns, float(share[0]), float(z[0]))
            found.append(best)
    return found


def _standardised(output: np.ndarray) -> np.ndarray | None:
    spread = float(output.std())
    return (output - output.mean()) / spread if spread > 0 and np.isfinite(spread) else None


def anova(between: np.ndarray, groups: np.ndarray, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """(epsilon squared, standardised F) from the between-groups sum of squares of a standardised variable.

    F is standardised by its mean and variance under no effect (d1, d2 degrees of freedom); good to a first approximation for many rows.
    """
    d1 = np.maximum(groups - 1, 1).astype(float)
    d2 = np.maximum(rows - groups, 5).astype(float)
    within = np.maximum(rows - between, 1e-9) / d2
    share = (between - d1 * within) / rows
    f = between / d1 / within
    mean = d2 / (d2 - 2)
    sd = np.sqrt(2 * d2**2 * (d1 + d2 - 2) / (d1 * (d2 - 2) ** 2 * np.maximum(d2 - 4, 1)))
    known = groups > 1
    return np.where(known, np.clip(share, -1, 1), 0.0), np.where(known, (f - mean) / sd, 0.0)


def _coarse(codes: np.ndarray) -> np.ndarray:
    """Fold a column's groups, in their order, into `COARSE` of about equal weight."""
    local = codes - codes.min()
    share = np.cumsum(np.bincount(local)) / len(local)
    middle = share - np.bincount(local) / (2 * len(local))
    fold: np.ndarray = np.minimum((middle * COARSE).astype(np.int64), COARSE - 1)
    return np.asarray(fold[local])
