"""Slices of the training rows: clusters of about fifty rows in plain features, and rows that can be found again by their content."""

from typing import Any

import numpy as np
import pandas as pd

from gome_guard.log import Array

TARGET = 50
"""Rows of a slice where data allow: slices of about 50 judge fairly, whole classes refuse too much (guard.md)."""
MOST = 60
"""Slices at most: with more, a correction for looking at all of them leaves no power."""
ROUNDS = 12
"""Of k-means: rows hardly move after them."""
FEATURES = 24
"""Columns used at most, the ones with most spread; slices need to be similar rows, not a model."""


def identities(frame: pd.DataFrame) -> Array:
    """(n,) uint64: each row by its content, the same in another order, run or process."""
    return np.asarray(pd.util.hash_pandas_object(frame, index=False))


def slices(frame: pd.DataFrame, seed: int = 0) -> Array:
    """(n,) slice of each row: k-means on ranks of numbers and frequencies of categories, the same for the same table."""
    x = _encoded(frame)
    parts = max(1, min(MOST, len(frame) // TARGET))
    if parts == 1 or not x.shape[1]:
        return np.zeros(len(frame), int)
    return _clusters(x.astype(np.float32), parts, seed)


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


def _encoded(frame: pd.DataFrame) -> Array:
    columns: list[Any] = []
    for name in frame.columns:
        column = frame[name]
        distinct = column.nunique()
        if distinct < 2 or (distinct == len(frame) and not pd.api.types.is_float_dtype(column)):
            continue  # constant, or an id
        if pd.api.types.is_numeric_dtype(column):
            columns.append(column.rank(pct=True).fillna(-0.5).to_numpy(dtype=float))
        else:
            text = column.astype(str)
            columns.append(text.map(text.value_counts(normalize=True)).to_numpy(dtype=float))
    columns.sort(key=lambda values: -float(np.std(values)))
    return np.stack(columns[:FEATURES], 1) if columns else np.zeros((len(frame), 0))
