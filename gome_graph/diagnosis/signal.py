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
    if data.prediction is None:
        return None
    truth = np.asarray(data.truth)
    kind = data.format.kind
    if kind == "number":
        numbers, stated = truth.astype(float), np.asarray(data.prediction, dtype=float)
        if in_logs(data.metric):
            numbers, stated = np.log1p(np.maximum(numbers, 0.0)), np.log1p(np.maximum(stated, 0.0))
        return _without_outliers(_finite((numbers - stated).reshape(len(truth), -1)[:, :MAX_OUTPUTS]))
    if kind == "probability":
        return _finite((truth.astype(float) - data.prediction).reshape(len(truth), -1)[:, :MAX_OUTPUTS])
    proba = data.prediction if kind == "probabilities" else data.probabilities
    if proba is None or truth.ndim != 1 or np.ndim(proba) != 2 or len(proba) != len(truth):
        return None
    proba = np.asarray(proba, dtype=float)
    codes = truth.astype(int)
    common = np.argsort(-np.bincount(codes, minlength=proba.shape[1]), kind="stable")[: 1 if proba.shape[1] == 2 else MAX_OUTPUTS]
    return _finite(np.stack([(codes == c) - proba[:, c] for c in common], axis=1))


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
        for index, (share, z) in enumerate(zip(*_statistics(between, groups, len(value)), strict=True)):
            if z > best[index].z:
                best[index] = Signal((codes.columns[index],), float(share), float(z))
    return best


def strongest_within(residuals: np.ndarray, codes: ColumnCodes, group: int) -> float:
    """How plainly the rows of one group err in a way that can be learnt: the larger of |z| of their mean residual against zero-mean noise
    and z of the strongest column among them. About standard normal extremes (3 to 4) if they are merely noisier than the rest."""
    inside = codes.codes[codes.owner[group]] == group
    strongest = 0.0
    for output in codes.take(residuals).T:
        own = output[inside]
        error = float(own.std()) / max(1, len(own)) ** 0.5
        lean = abs(float(own.mean() - output.mean()))
        strongest = max(strongest, lean / error if error > 0 else 0.0)
    part = codes.codes[:, inside]
    within = replace(codes, codes=part, counts=np.bincount(part.ravel(), minlength=len(codes.labels)), sample=None)
    return max([strongest, *(signal.z for signal in column_signals(codes.take(residuals)[inside], within))])


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
                share, z = _statistics(np.array([between]), np.array([(count > 0).sum()]), len(value))
                if z[0] > best.z:
                    best = Signal(best.columns, float(share[0]), float(z[0]))
            found.append(best)
    return found


def _standardised(output: np.ndarray) -> np.ndarray | None:
    spread = float(output.std())
    return (output - output.mean()) / spread if spread > 0 and np.isfinite(spread) else None


def _statistics(between: np.ndarray, groups: np.ndarray, rows: int) -> tuple[np.ndarray, np.ndarray]:
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
