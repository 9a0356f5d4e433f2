"""Telling test rows from train rows: adversarial validation without a model library."""

import numpy as np
import pandas as pd

from gome_graph.diagnosis.codes import code_columns
from gome_graph.records import DriftFacts, TaskProfile

MAX_ROWS = 2_000
"""Of each part, spread evenly: the error of the AUC is then 0.009, and drift that matters is five times that."""
MIN_ROWS = 60
MIN_AUC = 0.55
MIN_Z = 4.0
KEEP = 8
PRIOR = 1.0
"""Rows of each part added to every group, so that an empty one says little."""


def drift_facts(train: pd.DataFrame, test: pd.DataFrame, profile: TaskProfile) -> tuple[float | None, list[DriftFacts]]:
    """(AUC of all columns together, columns that drift by themselves); (None, []) where either part has fewer than `MIN_ROWS` rows.

    Both parts are coded together into groups (bins, frequent values, gaps); the log ratios of the groups' shares in train and test, one
    half of the rows each for fitting and scoring, are added up over the columns (naive Bayes) and ranked against the part.

    References
    ----------
    Sugiyama and Kawanabe, Machine Learning in Non-Stationary Environments, 2012, chapter 4.5 (density ratios by classification).
    """
    if min(len(train), len(test)) < MIN_ROWS:
        return None, []
    columns = [column for column in profile.columns if column.name in train.columns and column.name in test.columns]
    if not columns:
        return None, []
    names = [column.name for column in columns]
    parts = [_thin(train[names]), _thin(test[names])]
    codes = code_columns(pd.concat(parts, ignore_index=True), profile.model_copy(update={"columns": columns}))
    if not codes.columns:
        return None, []
    is_test = np.arange(codes.codes.shape[1]) >= len(parts[0])
    half = np.random.default_rng(0).permutation(len(is_test)) % 2 == 0
    scores = np.zeros(codes.codes.shape)
    for fit in (half, ~half):
        ratio = np.zeros(len(codes.labels))
        for part, sign in ((is_test, 1.0), (~is_test, -1.0)):
            held = codes.codes[:, fit & part]
            share = (np.bincount(held.ravel(), minlength=len(codes.labels)) + PRIOR) / (held.shape[1] + PRIOR)
            ratio += sign * np.log(share)
        scores[:, ~fit] = ratio[codes.codes[:, ~fit]]
    together = _auc(scores.sum(axis=0), is_test, half)
    error = ((len(is_test) + 1) / 12 / is_test.sum() / (~is_test).sum()) ** 0.5
    by_column: dict[str, float] = {}
    for name, score in zip(codes.columns, scores, strict=True):
        auc = _auc(score, is_test, half)
        if auc >= MIN_AUC and (auc - 0.5) / error >= MIN_Z:
            by_column[name] = max(auc, by_column.get(name, 0.0))
    ranked = sorted(by_column.items(), key=lambda item: (-item[1], item[0]))[:KEEP]
    return together, [DriftFacts(column=name, auc=auc) for name, auc in ranked]


def _thin(table: pd.DataFrame) -> pd.DataFrame:
    if len(table) <= MAX_ROWS:
        return table
    return table.iloc[np.linspace(0, len(table) - 1, MAX_ROWS).astype(np.int64)]


def _auc(score: np.ndarray, positive: np.ndarray, half: np.ndarray) -> float:
    """Mean of the AUCs of both halves, each scored by the other: scores of different fits are not compared."""
    return float(np.mean([_auc_of(score[rows], positive[rows]) for rows in (half, ~half)]))


def _auc_of(score: np.ndarray, positive: np.ndarray) -> float:
    values, place, count = np.unique(score, return_inverse=True, return_counts=True)
    middle = np.cumsum(count) - (count - 1) / 2  # mean rank of tied scores
    inside = int(positive.sum())
    pairs = inside * (len(positive) - inside)
    return float((middle[place][positive].sum() - inside * (inside + 1) / 2) / pairs) if pairs and len(values) > 1 else 0.5
