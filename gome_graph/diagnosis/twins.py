"""Rows whose inputs are all the same."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gome_graph.records import DuplicateFacts

MAX_ROWS = 200_000
"""More train rows than this are not looked through: a step must stay cheap."""
NEAR = 0.1
"""Standard deviations by which two targets of one set of inputs must differ to contradict."""


def duplicate_facts(
    train: pd.DataFrame, test: pd.DataFrame | None, names: list[str], target: NDArray[Any], folds: NDArray[np.int64]
) -> DuplicateFacts | None:
    """Twins among the train rows, and test rows that have one, by the columns `names`; None without columns or for too many rows.

    What independent columns would give by chance (three yes-or-no columns make twins of nearly all rows) is taken off all shares.
    `target` has shape (rows, outputs), standardised.
    """
    rows = len(train)
    if not names or not 1 < rows <= MAX_ROWS:
        return None
    both = train[names] if test is None else pd.concat([train[names], test[names]], ignore_index=True)
    mixer = np.random.default_rng(0).integers(1, 2**63, size=len(names), dtype=np.uint64) | np.uint64(1)
    hashed = np.zeros(len(both), dtype=np.uint64)
    collide = 1.0
    for name, odd in zip(names, mixer, strict=True):
        values = both[name].to_numpy()
        codes = pd.factorize(values, use_na_sentinel=False)[0].astype(np.uint64)
        hashed = hashed * np.uint64(0x9E3779B97F4A7C15) + codes * odd  # wraps around: a hash of the tuple of codes
        share = np.bincount(codes[:rows].astype(np.int64)) / rows
        collide *= float((share * share).sum())
    _, group = np.unique(hashed, return_inverse=True)
    own = group[:rows]
    size = np.bincount(own, minlength=int(group.max()) + 1)
    twin = size[own] > 1
    chance = 1.0 - float(np.exp(-(rows - 1) * collide))
    keep = max(0.0, 1.0 - chance / max(float(twin.mean()), 1e-12)) if twin.any() else 0.0
    across = _spread(own, folds[:, None].astype(float), size)[own] > 0
    differ = _spread(own, target, size)[own] > NEAR
    seen = size[group[rows:]] > 0 if test is not None and len(test) else np.zeros(1, dtype=bool)
    return DuplicateFacts(
        rows=float(twin.mean()) * keep,
        contradicting=float((twin & differ).mean()) * keep,
        across_folds=float((twin & across).mean()) * keep,
        test_rows=max(0.0, float(seen.mean()) - chance),
    )


def _spread(group: NDArray[Any], values: NDArray[Any], size: NDArray[Any]) -> NDArray[Any]:
    """Largest difference to the group's first row, by group (the outputs' maximum)."""
    first = np.zeros(len(size), dtype=np.int64)
    first[group[::-1]] = np.arange(len(group))[::-1]
    away = np.abs(values - values[first[group]]).max(axis=1)
    largest = np.zeros(len(size))
    np.maximum.at(largest, group, away)
    return largest
