"""Where the errors of numbers are larger than elsewhere: by the prediction's own range and by every input column."""

from typing import TYPE_CHECKING

import numpy as np

from gome_graph.diagnosis.codes import ColumnCodes
from gome_graph.diagnosis.quality import OUTLIER, residuals_of
from gome_graph.diagnosis.signal import anova
from gome_graph.records import SpreadFacts

if TYPE_CHECKING:
    from gome_graph.task import Measured

BINS = 10
"""Equal parts of the rows, by prediction."""
MIN_ROWS = 30
"""Smaller groups are left out of `SpreadFacts.ratio`."""
MIN_Z = 4.0
KEEP = 5


def spread_facts(data: "Measured", codes: ColumnCodes) -> list[SpreadFacts]:
    """Levene's test of the residuals, for the prediction and each column: most uneven first, at most `KEEP`; none for other kinds.

    Group means are taken off first, so that structure the model has missed (a lean of a group) does not pass for uneven errors;
    residuals are cut at `OUTLIER` robust deviations, so that a few odd rows do not either.

    References
    ----------
    Levene, "Robust tests for equality of variances", in Olkin (ed.), Contributions to Probability and Statistics, 1960.
    """
    residuals = residuals_of(data)
    if residuals is None or len(residuals) < 2 * MIN_ROWS:
        return []
    predictions = np.asarray(data.prediction, dtype=float).reshape(len(residuals), -1)
    found: dict[str, SpreadFacts] = {}
    for output, prediction in zip(residuals.T[:3], predictions.T[:3], strict=True):  # three outputs are enough to see it
        if not (np.isfinite(output).all() and np.isfinite(prediction).all()):
            continue
        cut = _cut(output)
        order = np.argsort(prediction, kind="stable")
        by_prediction = np.empty(len(order), dtype=np.int64)
        by_prediction[order] = np.arange(len(order)) * BINS // len(order)
        _keep(found, "", cut, by_prediction)
        own = codes.take(cut)
        for column, row in zip(codes.columns, codes.codes, strict=True):
            _keep(found, column, own, row - row.min())
    return sorted(found.values(), key=lambda facts: -facts.share)[:KEEP]


def _cut(output: np.ndarray) -> np.ndarray:
    middle = float(np.median(output))
    reach = OUTLIER * 1.4826 * float(np.median(np.abs(output - middle)))  # MAD to standard deviation
    return np.clip(output, middle - reach, middle + reach) if reach > 0 else output


def _keep(found: dict[str, SpreadFacts], column: str, residual: np.ndarray, groups: np.ndarray) -> None:
    count = np.bincount(groups).astype(float)
    held = count > 0
    if held.sum() < 2:
        return
    safe = np.maximum(count, 1.0)
    away = np.abs(residual - (np.bincount(groups, weights=residual) / safe)[groups])
    deviation = float(away.std())
    if not deviation > 0:
        return
    scaled = (away - away.mean()) / deviation
    sums = np.bincount(groups, weights=scaled)
    share, z = anova(np.array([float((sums[held] ** 2 / count[held]).sum())]), np.array([int(held.sum())]), len(away))
    if z[0] < MIN_Z or (column in found and found[column].share >= share[0]):
        return
    level = np.bincount(groups, weights=away) / safe
    large = level[count >= MIN_ROWS]
    ratio = float(large.max() / large.min()) if len(large) > 1 and large.min() > 0 else 1.0
    place = groups - groups.mean()
    scale = float(np.sqrt((place * place).sum() * (scaled * scaled).sum()))
    rising = float((place * scaled).sum()) / scale if scale > 0 else 0.0
    found[column] = SpreadFacts(column=column, share=float(share[0]), z=float(z[0]), ratio=min(ratio, 1e6), rising=rising)
