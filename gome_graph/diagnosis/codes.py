"""Input columns as small group codes, made once for a run: the slices every step's errors are searched over."""

import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from gome_graph.records import ColumnKind, ColumnProfile, TaskProfile

if TYPE_CHECKING:
    import pandas as pd

TOP_VALUES = 16
"""Most frequent values of a category that get a group of their own; the others share one."""
BINS = 8
"""Quantile bins of a number, date or length."""
MAX_ROWS = 100_000
"""More rows than this are thinned evenly: a slice worth naming is visible in 100,000 rows, and a step must stay cheap."""
MISSING = "missing"
"""Label of the group of gaps."""
MAX_PARTS = 4
"""Parts of a compound column that are looked at."""


@dataclass(frozen=True)
class ColumnCodes:
    """Group codes of every sliceable column.

    ``codes[c, r]`` is the global group of row r in column c; groups of different columns never share a number.
    """

    columns: list[str]
    """Source column of each row of `codes` (a compound column gives one a part)."""
    codes: np.ndarray
    """Shape (columns, rows), int32."""
    owner: np.ndarray
    """Shape (groups,): index into `columns`."""
    labels: list[str]
    """Shape (groups,): the value or interval, for people."""
    counts: np.ndarray
    """Shape (groups,): rows in the group."""
    missing: np.ndarray
    """Shape (groups,), bool: the group of missing values."""
    rows: int
    """Rows of the whole frame."""
    sample: np.ndarray | None
    """Positions of the rows that were coded, None if all were."""

    def take(self, values: np.ndarray) -> np.ndarray:
        """`values` (first axis = rows of the frame) at the coded rows."""
        return values if self.sample is None else values[self.sample]

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Sum of `values` (coded rows,) in each group; shape (groups,)."""
        spread = np.broadcast_to(values, self.codes.shape).ravel()
        return np.bincount(self.codes.ravel(), weights=spread, minlength=len(self.labels))


_cache: dict[int, tuple["weakref.ref[Any]", ColumnCodes]] = {}
_lock = threading.Lock()


def column_codes(frame: "pd.DataFrame", profile: TaskProfile) -> ColumnCodes:
    """Codes of `frame`, computed at the first call for this very frame object and forgotten with it."""
    key = id(frame)
    with _lock:
        held = _cache.get(key)
        if held is not None and held[0]() is frame:
            return held[1]
        made = code_columns(frame, profile)
        _cache[key] = (weakref.ref(frame, lambda _: _cache.pop(key, None)), made)
        return made


def code_columns(frame: "pd.DataFrame", profile: TaskProfile) -> ColumnCodes:
    """The same, without keeping it."""
    rows = len(frame)
    sample = None if rows <= MAX_ROWS else np.linspace(0, rows - 1, MAX_ROWS).astype(np.int64)
    table = frame if sample is None else frame.iloc[sample]
    columns: list[str] = []
    stack: list[np.ndarray] = []
    owner: list[int] = []
    labels: list[str] = []
    missing: list[bool] = []
    for column in profile.columns:
        if column.name not in table.columns:
            continue
        for local, names in _groups(table[column.name], column):
            offset = len(labels)
            labels += names
            missing += [name == MISSING for name in names]
            owner += [len(columns)] * len(names)
            columns.append(column.name)
            stack.append(local.astype(np.int32) + offset)
    codes = np.stack(stack) if stack else np.zeros((0, len(table)), dtype=np.int32)
    return ColumnCodes(
        columns=columns, codes=codes, owner=np.asarray(owner, dtype=np.int64), labels=labels,
        counts=np.bincount(codes.ravel(), minlength=len(labels)), missing=np.asarray(missing, dtype=bool), rows=rows, sample=sample,
    )  # fmt: skip


def _groups(series: "pd.Series", column: ColumnProfile) -> list[tuple[np.ndarray, list[str]]]:
    """(codes, labels) of one column; none for columns whose values say nothing as a group."""
    match column.kind:
        case ColumnKind.IDENTIFIER | ColumnKind.CONSTANT:
            return []
        case ColumnKind.NUMBER:
            return [_number(series)]
        case ColumnKind.TEXT | ColumnKind.LIST:
            lengths = np.where(series.isna().to_numpy(), np.nan, series.astype(str).str.len().to_numpy(dtype=float))
            return [_bins(lengths, lambda low, high: f"length {low:.0f} to {high:.0f}")]
        case ColumnKind.DATETIME:
            return [_dates(series)]
        case ColumnKind.COMPOUND if column.separator:
            return _parts(series, column)
        case _:
            return [_categories(series)]


def _number(series: "pd.Series") -> tuple[np.ndarray, list[str]]:
    import pandas as pd

    values = pd.to_numeric(series, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    if len(np.unique(values[np.isfinite(values)][:2000])) <= TOP_VALUES:  # cheap look first: most numbers have many values
        distinct = np.unique(values[np.isfinite(values)])
        if len(distinct) <= TOP_VALUES:
            codes = np.searchsorted(distinct, values)
            return _with_missing(codes, [f"{v:g}" for v in distinct], ~np.isfinite(values))
    return _bins(values, lambda low, high: f"{low:.6g} to {high:.6g}")


def _bins(values: np.ndarray, name: Callable[[float, float], str]) -> tuple[np.ndarray, list[str]]:
    known = np.isfinite(values)
    if not known.any():
        return np.zeros(len(values), dtype=np.int64), [MISSING]
    edges = np.unique(np.quantile(values[known], np.linspace(0, 1, BINS + 1)))
    inner = edges[1:-1]
    codes = np.searchsorted(inner, values, side="right")
    ends = [edges[0], *inner, edges[-1]] if len(edges) > 1 else [edges[0], edges[0]]
    names = [name(low, high) for low, high in pairwise(ends)]
    return _with_missing(codes, names, ~known)


def _dates(series: "pd.Series") -> tuple[np.ndarray, list[str]]:
    import pandas as pd

    try:
        stamps = pd.to_datetime(series, errors="coerce", format="mixed", utc=True)
    except (ValueError, TypeError, OverflowError):
        return _categories(series)
    seconds = stamps.dt.tz_convert(None).to_numpy(dtype="datetime64[s]").astype(np.int64).astype(float)
    values = np.where(stamps.isna().to_numpy(), np.nan, seconds)
    return _bins(values, lambda low, high: f"{_day(low)} to {_day(high)}")


def _day(seconds: float) -> str:
    return str(np.datetime64(int(seconds), "s").astype("datetime64[D]"))


def _parts(series: "pd.Series", column: ColumnProfile) -> list[tuple[np.ndarray, list[str]]]:
    import pandas as pd

    pieces = [
        None if not isinstance(value, str) else value.split(column.separator, MAX_PARTS)[: min(MAX_PARTS, max(1, column.parts))]
        for value in series.tolist()
    ]
    width = min(MAX_PARTS, max(1, column.parts))
    result = []
    for part in range(width):
        values = [None if piece is None or len(piece) <= part else piece[part] for piece in pieces]
        codes, names = _categories(pd.Series(values, dtype=object))
        result.append((codes, [n if n == MISSING else f"part {part + 1} = {n}" for n in names]))
    return result


def _categories(series: "pd.Series") -> tuple[np.ndarray, list[str]]:
    import pandas as pd

    codes, values = pd.factorize(series, use_na_sentinel=True)
    known = codes >= 0
    counts = np.bincount(codes[known], minlength=len(values))
    top = np.argsort(-counts, kind="stable")[:TOP_VALUES]
    rank = np.full(len(values) + 1, len(top), dtype=np.int64)
    rank[top] = np.arange(len(top))
    names = [_label(values[i]) for i in top]
    if len(values) > len(top):
        names.append("any other value")
    return _with_missing(rank[np.where(known, codes, len(values))], names, ~known)


def _label(value: object) -> str:
    text = str(value)[:60]
    return f"the word {MISSING!r}" if text == MISSING else text  # a value may be called so; gaps alone own the plain label


def _with_missing(codes: np.ndarray, names: list[str], missing: np.ndarray) -> tuple[np.ndarray, list[str]]:
    if not missing.any():
        return codes, names
    return np.where(missing, len(names), codes), [*names, MISSING]
