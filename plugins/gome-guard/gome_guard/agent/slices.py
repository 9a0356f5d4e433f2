"""Slices of the training rows: clusters of about fifty rows in plain features, and rows that can be found again by their content."""

from typing import Any

import numpy as np
import pandas as pd

from gome_guard.log import Array

TARGET = 50
"""Rows of a slice where data allow: slices of about 50 judge fairly, whole classes refuse too much (guard.md)."""
MOST = 60
"""Clusters at most: with more, a correction for looking at all of them leaves no power."""
VALUES, BINS = 30, 5
"""Values of a column that are slices by themselves, and parts of a number that has more."""
MOST_CUTS = 40
"""Columns that are looked at by themselves."""
ROUNDS = 12
"""Of k-means: rows hardly move after them."""
FEATURES = 24
"""Columns used at most, the ones with most spread; slices need to be similar rows, not a model."""


def identities(frame: pd.DataFrame) -> Array:
    """(n,) uint64: each row by its content, the same in another order, run or process."""
    return np.asarray(pd.util.hash_pandas_object(frame, index=False))


def cuts(frame: pd.DataFrame, seed: int = 0) -> list[Array]:
    """Ways to cut the rows into slices, each ``(n,)`` int: clusters of similar rows, and every column by itself.

    Clusters find what several columns tell together, columns what one alone tells; a slice of the one kind is scattered over many of the
    other. The same table gives the same cuts.
    """
    return [clusters(frame, seed), *(cut for name in _columns(frame)[:MOST_CUTS] if (cut := _cut(frame[name])) is not None)]


def clusters(frame: pd.DataFrame, seed: int = 0) -> Array:
    """(n,) cluster of each row: k-means on ranks of numbers and frequencies of categories."""
    x = _encoded(frame)
    parts = max(1, min(MOST, len(frame) // TARGET))
    if parts == 1 or not x.shape[1]:
        return np.zeros(len(frame), int)
    return _clusters(x.astype(np.float32), parts, seed)


def _cut(column: pd.Series) -> Array | None:
    """A column's rows by value, the most frequent ones; numbers of many values by quintile. -1: in no slice. None: it does not cut."""
    codes, values = pd.factorize(column)
    if len(values) > VALUES and pd.api.types.is_numeric_dtype(column):
        ranks = column.rank(pct=True).to_numpy(dtype=float)
        return np.where(np.isnan(ranks), BINS, np.minimum((np.nan_to_num(ranks) * BINS).astype(int), BINS - 1))
    codes = np.where(codes < 0, len(values), codes)  # missing values are a slice, too
    counts = np.bincount(codes)
    if len(counts) < 2 or counts.max() < TARGET:
        return None
    kept = np.isin(codes, np.argsort(-counts, kind="stable")[:VALUES])
    return np.where(kept, codes, -1)


def _clusters(x: Array, parts: int, seed: int) -> Array:
    """Lloyd's k-means, (n,) int. scikit-learn's would cost the orchestrator a second and 80 MB to import, for which no step should pay."""
    centres = x[np.random.default_rng(seed).choice(len(x), parts, replace=False)]
    own = np.zeros(len(x), int)
    for _ in range(ROUNDS):
        own = ((centres**2).sum(1) - 2 * x @ centres.T).argmin(1)
        counts = np.bincount(own, minlength=parts)
        sums = np.stack([np.bincount(own, column, parts) for column in x.T], 1)
        centres = np.where(counts[:, None] > 0, sums / np.maximum(counts, 1)[:, None], centres).astype(np.float32)
    return own


def _columns(frame: pd.DataFrame) -> list[Any]:
    """Columns that tell rows apart: neither constant nor ids."""
    found = []
    for name in frame.columns:
        distinct = frame[name].nunique()
        if distinct >= 2 and (distinct < len(frame) or pd.api.types.is_float_dtype(frame[name])):
            found.append(name)
    return found


def _encoded(frame: pd.DataFrame) -> Array:
    columns: list[Any] = []
    for name in _columns(frame):
        column = frame[name]
        if pd.api.types.is_numeric_dtype(column):
            columns.append(column.rank(pct=True).fillna(-0.5).to_numpy(dtype=float))
        else:
            text = column.astype(str)
            columns.append(text.map(text.value_counts(normalize=True)).to_numpy(dtype=float))
    columns.sort(key=lambda values: -float(np.std(values)))
    return np.stack(columns[:FEATURES], 1) if columns else np.zeros((len(frame), 0))
