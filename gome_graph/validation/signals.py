"""What predictions tell: about the labels, about the inputs, about themselves. Pure functions of arrays, the eyes of `alignment`."""

import math
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from gome_graph.task.metrics.base import Array, Metric
from gome_graph.validation.influence import Influence, variance
from gome_graph.validation.ranks import midranks

if TYPE_CHECKING:
    import pandas as pd

SIGNAL_DRAWS = 40
"""Shuffles behind a signal z: its mean and spread need no more."""
LEAST_APART = 30
"""Rows with another label than the most frequent that it takes to see what labels hang on."""
FREQUENT_WORDS = 300
"""Words of a text column that predictions are held against."""
NO_SIGNAL, CLEAR_SIGNAL = 3.0, 5.0
"""A z below the first is no sign of a link between predictions and labels, above the second a sure one."""


def is_constant(prediction: Array, folds: Array) -> bool:
    """True if no fold has two different predictions (and there are at least two rows a fold)."""
    if len(prediction) < 2 * len(np.unique(folds)):
        return False
    return all((prediction[folds == fold] == prediction[folds == fold][0]).all() for fold in np.unique(folds))


def says_most_frequent(truth: Array, prediction: Array) -> bool:
    """True for labels, if the most frequent one is given to every row."""
    if prediction.dtype.kind not in "iu":
        return False
    return bool((prediction == constants(truth, prediction)[0]).all())


def signal(metric: Metric, truth: Array, prediction: Array, *, seed: int = 0, draws: int = SIGNAL_DRAWS) -> float:
    """z of the metric against shuffled predictions: how surely do predictions and labels belong together? About 0 if not at all."""
    rng = np.random.default_rng(seed)
    shuffled = np.array([metric.score(truth, prediction[rng.permutation(len(truth))]) for _ in range(draws)])
    shuffled = shuffled[np.isfinite(shuffled)]
    spread = float(shuffled.std()) if len(shuffled) > 1 else 0.0
    moved = (metric.score(truth, prediction) - float(shuffled.mean()) if len(shuffled) else 0.0) * (1 if metric.higher_is_better else -1)
    if spread <= 1e-12 * max(1.0, abs(moved)):
        return 0.0 if abs(moved) <= 1e-9 else math.copysign(50.0, moved)
    return moved / spread


def exact_share(truth: Array, prediction: Array) -> float:
    """Share of targets that are hit to the last digits."""
    return float(np.isclose(prediction, truth, rtol=1e-9, atol=1e-12).mean())


def beats_constant(metric: Metric, truth: Array, prediction: Array, found: Influence) -> bool:
    """Is the score surely (`CLEAR_SIGNAL` standard errors) better than that of the best obvious constant?"""
    worst = math.inf
    sign = 1.0 if metric.higher_is_better else -1.0
    for constant in constants(truth, prediction):
        value = metric.score(truth, constant)
        worst = min(worst, sign * (found.value - value) if math.isfinite(value) else sign * found.value)
    return worst > CLEAR_SIGNAL * math.sqrt(variance(found.rows, found.units))


def constants(truth: Array, prediction: Array) -> list[Array]:
    """Predictions that know the target's distribution but not the row: mean and median, class shares, most frequent label."""
    if prediction.dtype.kind not in "iuf":
        return []
    if prediction.ndim == 2 and truth.ndim == 1:
        shares = np.bincount(truth, minlength=prediction.shape[1]) / len(truth)
        return [np.tile(shares, (len(truth), 1))]
    if prediction.dtype.kind in "iu":
        modes = np.array([np.bincount(c).argmax() for c in (truth[:, None] if truth.ndim == 1 else truth).T])
        return [np.broadcast_to(modes if truth.ndim == 2 else modes[0], truth.shape)]
    means = [truth.mean(axis=0)] if truth.dtype.kind in "iub" else [truth.mean(axis=0), np.median(truth, axis=0)]
    return [np.broadcast_to(mean, truth.shape).astype(np.float64) for mean in means]


def confidence(prediction: Array, truth: Array) -> Array:
    """How far a prediction dares to go, ``(n,)``: the largest probability, or the distance from the middle in units of the target's
    spread."""
    if prediction.ndim == 2 and truth.ndim == 1:
        return np.asarray(prediction.max(axis=1), dtype=np.float64)
    middle = 0.5 if truth.dtype.kind in "iub" else np.median(truth, axis=0)
    away = np.abs(prediction - middle)
    return np.asarray(away if away.ndim == 1 else away.mean(axis=1), dtype=np.float64)


def _words(texts: list[str]) -> list[Array]:
    """Presence of each of the most frequent words, ``(n,)`` each; none for a column of single words."""
    rows = [set(text.lower().split()) for text in texts]
    counts = Counter(word for row in rows for word in row)
    if sum(counts.values()) < 2 * len(rows):
        return []
    frequent = [w for w, n in counts.most_common(FREQUENT_WORDS) if 0.01 * len(rows) <= n <= 0.9 * len(rows)]
    return [np.fromiter((word in row for row in rows), dtype=np.float64, count=len(rows)) for word in frequent]


def depends_on_inputs(prediction: Array, inputs: "pd.DataFrame") -> bool:
    """Does the prediction vary with any input column (or the length of its text), beyond what shuffled rows would show?

    Predictions of a model are a function of the inputs even where the labels are pure noise; predictions of other rows are not. Rank
    correlation with each column's ranks (categories by their code, texts by their length and by the presence of each frequent word),
    Bonferroni at 0.1 %. True also if nothing can be measured.
    """
    import pandas as pd

    if prediction.dtype.kind not in "iuf":
        return True
    labels = prediction.dtype.kind in "iu" and prediction.ndim == 1
    if labels and len(prediction) - np.unique(prediction, return_counts=True)[1].max() < LEAST_APART:
        return True  # nearly all rows got one label: the few others are too few to tell
    # Of a class matrix or several targets the column that varies most stands for all.
    numbers = prediction if prediction.ndim == 1 else prediction[:, int(prediction.std(axis=0).argmax())]
    ranks = midranks(numbers.astype(np.float64))
    ranks = ranks - ranks.mean()
    strongest, tried = 0.0, 0
    for name in inputs.columns:
        column = inputs[name]
        if pd.api.types.is_numeric_dtype(column):
            versions = [column.to_numpy(dtype=np.float64, na_value=np.nan)]
        else:
            text = column.astype(str).fillna("")  # a missing value stays one in a column of strings
            codes = pd.factorize(text)[0]
            means = np.bincount(codes, weights=ranks) / np.bincount(codes)
            held = np.arange(len(ranks)) % 2 == 0
            halves = np.bincount(codes[held], weights=ranks[held], minlength=len(means)) / np.maximum(
                1, np.bincount(codes[held], minlength=len(means))
            )
            versions = [text.str.len().to_numpy(dtype=np.float64), np.where(held, np.nan, halves[codes]), *_words(text.tolist())]
        for values in versions:
            seen = np.isfinite(values)
            if seen.sum() < 30 or np.ptp(values[seen]) == 0:
                continue
            other = midranks(values[seen])
            here = ranks[seen] - ranks[seen].mean()
            other -= other.mean()
            norm = math.sqrt(float(np.dot(here, here)) * float(np.dot(other, other)))
            if norm > 0:
                strongest = max(strongest, abs(float(np.dot(here, other)) / norm) * math.sqrt(seen.sum() - 1))
                tried += 1
    return tried == 0 or strongest > 3.3 + 0.5 * math.log10(tried)
