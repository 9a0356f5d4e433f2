"""From a task's split setting to the rows of each part."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gome_graph.errors import TaskError
from gome_graph.task import splits
from gome_graph.task.submission import SubmissionFormat
from gome_graph.task.tables import missing, numbers

if TYPE_CHECKING:
    import pandas as pd

AUDIT_MIN_TRAIN = 500
"""Below this many rows a tenth of them tells nothing, so there is no audit part."""
AUDIT_MIN_ROWS = 50
SMOKE_ROWS, SMOKE_MAX = 60, 500
"""About this many rows, more only to hold two of each class."""
SAMPLE_SHARE, SAMPLE_MIN, SAMPLE_MAX = 0.1, 200, 5000


@dataclass(frozen=True)
class Split:
    """Rows by part. `audit` and `kept` are positions into all labelled rows; `smoke` and `sample` are positions into `kept`."""

    audit: NDArray[np.int64]
    kept: NDArray[np.int64]
    folds: NDArray[np.int64]
    """Fold of each kept row."""
    final_folds: NDArray[np.int64]
    """Fold of each labelled row, for the final stage."""
    smoke: NDArray[np.int64]
    sample: NDArray[np.int64]

    @staticmethod
    def sample_size(rows: int) -> int:
        """A tenth of the rows within [200, 5000], never more than there are."""
        return min(rows, int(np.clip(round(rows * SAMPLE_SHARE), SAMPLE_MIN, SAMPLE_MAX)))


def split_rows(
    setting: str, train: "pd.DataFrame", format: SubmissionFormat, truth: NDArray[Any], *, folds: int, audit: float, seed: int
) -> Split:
    """Audit part, folds and the smaller stages, all from `seed`.

    `setting` is ``stratified``, ``kfold``, ``group:<column>`` (no group in two parts) or ``time:<column>`` (audit is the latest part, folds
    are blocks of time).
    """
    kind, _, column = setting.partition(":")
    n = len(train)
    values, continuous = splits.strata(format, truth)
    keys = None if kind not in {"group", "time"} else _keys(kind, column, train[column].to_numpy(dtype=object))
    held = _audit(kind, values, keys, n, audit, continuous, np.random.default_rng([seed, 0]))
    kept = np.setdiff1d(np.arange(n, dtype=np.int64), held)
    fold_of = [
        _folds(kind, values[rows], None if keys is None else keys[rows], folds, continuous, np.random.default_rng([seed, 1]), column)
        for rows in (kept, np.arange(n))
    ]
    rng = np.random.default_rng([seed, 2])
    classes = 0 if continuous else len(np.unique(values))
    smoke = splits.covering_part(values[kept], fold_of[0], min(max(SMOKE_ROWS, 2 * classes), SMOKE_MAX), rng, continuous=continuous)
    size = min(len(kept), max(Split.sample_size(len(kept)), min(2 * classes, SAMPLE_MAX)))
    sample = splits.covering_part(values[kept], fold_of[0], size, rng, continuous=continuous)
    return Split(held, kept, fold_of[0], fold_of[1], smoke, sample)


def _audit(
    kind: str, values: NDArray[np.float64], keys: NDArray[np.int64] | None, n: int, share: float, continuous: bool, rng: np.random.Generator
) -> NDArray[np.int64]:
    if share <= 0 or n < AUDIT_MIN_TRAIN:
        return np.empty(0, dtype=np.int64)
    size = min(max(AUDIT_MIN_ROWS, round(n * share)), n // 2)
    if kind == "group" and keys is not None:
        return splits.group_part(keys, size, rng)
    if kind == "time" and keys is not None:
        return splits.time_part(keys, size)
    if kind == "kfold":
        return np.sort(rng.permutation(n)[:size])
    return splits.stratified_part(values, size, rng, continuous=continuous)


def _folds(
    kind: str,
    values: NDArray[np.float64],
    keys: NDArray[np.int64] | None,
    folds: int,
    continuous: bool,
    rng: np.random.Generator,
    column: str,
) -> NDArray[np.int64]:
    if keys is not None:
        distinct = np.unique(keys, return_inverse=True)
        if len(distinct[0]) < 2:
            raise TaskError(f"split by column {column!r} is not possible: it has one value only; use stratified or kfold.")
        folds = min(folds, len(distinct[0]))
        return splits.group_folds(distinct[1], folds, rng) if kind == "group" else splits.time_folds(keys, folds)
    if kind == "kfold":
        return splits.random_folds(len(values), folds, rng)
    return splits.stratified_folds(values, folds, rng, continuous=continuous)


def _keys(kind: str, column: str, cells: NDArray[Any]) -> NDArray[np.int64]:
    """Group codes, or ranks in time (dates or numbers), ``(n,)``."""
    if missing(cells).any():
        raise TaskError(f"split by column {column!r} is not possible: it has missing values; fill them in or use another split.")
    if kind == "group":
        return np.unique(cells.astype(str), return_inverse=True)[1].astype(np.int64)
    values = numbers(cells)
    if values is None:
        try:
            values = _dates(cells)
        except (ValueError, TypeError) as error:
            raise TaskError(
                f"split by time is not possible: column {column!r} holds {cells[0]!r}, which is neither date nor number; use another split."
            ) from error
    return np.unique(values, return_inverse=True)[1].astype(np.int64)


def _dates(cells: NDArray[Any]) -> NDArray[np.float64]:
    """Moments in nanoseconds, ``(n,)``; ISO dates fast, others one by one."""
    import pandas as pd

    column = pd.Series(cells)
    try:
        dates = pd.to_datetime(column, format="ISO8601", utc=True)
    except ValueError:
        dates = pd.to_datetime(column, format="mixed", utc=True)
    return np.asarray(dates.dt.tz_localize(None).to_numpy().astype("datetime64[ns]").astype(np.int64), dtype=np.float64)
