"""What ties rows together or gives the target away: single columns, the order of rows, entities with several rows."""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gome_graph.diagnosis.signal import anova
from gome_graph.records import ColumnKind, GroupFacts, LeakFacts, OrderFacts, TaskProfile

LEAK_ROWS = 3_000
"""Rows that single columns are tried on, spread evenly."""
KEEP = 4
MIN_LEAK, MIN_GAPS = 0.9, 0.4
"""Share of the target's variance from which a column, or its gaps alone, are noted."""
MIN_GROUPS = 20
MIN_ROWS_EACH = 1.8
"""Mean rows of a group below which hardly any row has a companion."""
MIN_Z = 4.0
SMOOTH = 0.3
"""Serial correlation of group means in the order of the values from which a whole number is a quantity rather than a name."""
SAME_FOLD = 0.9
"""Share of neighbours in one fold from which the folds are blocks."""

Array = NDArray[Any]


@dataclass(frozen=True)
class Order:
    """Rows in the order of one column."""

    column: str
    rows: Array
    """Positions of the train rows, in order."""
    facts: OrderFacts


@dataclass(frozen=True)
class Group:
    """Codes of one column's values, and what they say of the target."""

    column: str
    codes: Array
    facts: GroupFacts


def serial_correlation(values: Array) -> float:
    """Correlation of neighbours in (rows, outputs), the largest over outputs; 0 where nothing varies."""
    centred = values - values.mean(axis=0)
    power = (centred * centred).sum(axis=0)
    shared = (centred[1:] * centred[:-1]).sum(axis=0)
    return float(np.max(np.where(power > 0, shared / np.maximum(power, 1e-300), 0.0), initial=-1.0))


def leak_facts(train: pd.DataFrame, profile: TaskProfile, target: Array) -> list[LeakFacts]:
    """Columns that by themselves explain nearly all of the target's variance, or whose gaps explain much of it.

    The share is 1 minus the mean squared difference of neighbours in the column's order over what it is for random neighbours (Rice 1984);
    equal values are shuffled. It holds for any shape of the dependence, and for values without an order as well.
    """
    rows = np.unique(np.linspace(0, len(train) - 1, min(LEAK_ROWS, len(train))).astype(np.int64))
    rows = np.random.default_rng(0).permutation(rows)  # rows of equal value become neighbours at random, not as the file has them
    y = target[rows]
    variance = y.var(axis=0)
    if len(rows) < 50 or not (variance > 0).any():
        return []
    found = []
    for column in profile.columns:
        if column.name not in train.columns or column.kind in (ColumnKind.TEXT, ColumnKind.LIST, ColumnKind.CONSTANT):
            continue
        series = train[column.name].iloc[rows]
        gaps = series.isna().to_numpy()
        missing = _of_two(gaps, y, variance) if 0.01 < gaps.mean() < 0.99 else 0.0
        share = 0.0
        codes = _sortable(series)
        if len(np.unique(codes[:500])) > 1 and (column.kind is not ColumnKind.IDENTIFIER) and _repeats(codes, column.kind):
            ordered = y[np.argsort(codes, kind="stable")]
            steps = ((ordered[1:] - ordered[:-1]) ** 2).mean(axis=0)
            share = float(np.max(np.where(variance > 0, 1 - steps / np.maximum(2 * variance, 1e-300), 0.0)))
        if share >= MIN_LEAK or missing >= MIN_GAPS:
            found.append(LeakFacts(column=column.name, share=max(-1.0, share), missing=missing))
    return sorted(found, key=lambda facts: -max(facts.share, facts.missing))[:KEEP]


def _of_two(flag: Array, y: Array, variance: Array) -> float:
    between = flag.mean() * (1 - flag.mean()) * (y[flag].mean(axis=0) - y[~flag].mean(axis=0)) ** 2
    return float(np.max(np.where(variance > 0, between / np.maximum(variance, 1e-300), 0.0)))


def _sortable(series: pd.Series) -> Array:
    """Numbers as they are (gaps first), anything else by codes of its values."""
    if pd.api.types.is_numeric_dtype(series.dtype):
        return np.asarray(series.to_numpy(dtype=float, na_value=-np.inf))
    return np.asarray(pd.factorize(series)[0], dtype=float)


def _repeats(codes: Array, kind: ColumnKind) -> bool:
    """False for names that nearly every row has to itself: their order means nothing."""
    return kind in (ColumnKind.NUMBER, ColumnKind.DATETIME) or len(np.unique(codes)) <= 0.5 * len(codes)


def orders_of(train: pd.DataFrame, test: pd.DataFrame | None, profile: TaskProfile, target: Array, folds: Array) -> list[Order]:
    """Dates, the time column, a numeric id and the file's order, with the serial correlation of the target along each."""
    names = [c.name for c in profile.columns if c.kind is ColumnKind.DATETIME and c.name in train.columns]
    if profile.time_column and profile.time_column in train.columns and profile.time_column not in names:
        names.append(profile.time_column)
    keys = {name: _moments(train[name]) for name in names}
    later = {name: _later(keys[name], _moments(test[name]) if test is not None and name in test.columns else None) for name in names}
    identity = profile.id_column
    if identity and identity in train.columns and identity not in keys and (numbers := _digits(train[identity])) is not None:
        keys[identity] = numbers
        given = _digits(test[identity]) if test is not None and identity in test.columns else None
        later[identity] = _later(numbers, given)
    if not any((np.diff(key[np.isfinite(key)]) >= 0).all() for key in keys.values()):
        keys[""], later[""] = np.arange(len(train), dtype=float), 0.0
    found = []
    for name, key in keys.items():
        known = np.flatnonzero(np.isfinite(key))
        if len(known) < 50 or len(np.unique(key[known][:200])) < 3:
            continue
        shuffled = known if name in ("", identity) else np.random.default_rng(0).permutation(known)
        rows = shuffled[np.argsort(key[shuffled], kind="stable")]
        r = serial_correlation(target[rows])
        together = float((folds[rows][1:] == folds[rows][:-1]).mean())
        facts = OrderFacts(column=name, share=r, z=r * len(rows) ** 0.5, later=later[name], split_by_time=together >= SAME_FOLD)
        found.append(Order(name, rows, facts))
    return found


def _moments(series: pd.Series) -> Array:
    """Dates as seconds, numbers as they are; NaN where there is none."""
    if pd.api.types.is_numeric_dtype(series.dtype):
        return np.asarray(series.to_numpy(dtype=float, na_value=np.nan))
    try:
        stamps = pd.to_datetime(series, errors="coerce", format="mixed", utc=True)
    except (ValueError, TypeError, OverflowError):
        return np.full(len(series), np.nan)
    seconds = stamps.dt.tz_convert(None).to_numpy(dtype="datetime64[s]").astype(np.int64).astype(float)
    return np.asarray(np.where(stamps.isna().to_numpy(), np.nan, seconds))


def _digits(series: pd.Series) -> Array | None:
    """The whole number at the end of each id; None if any has none."""
    found = [re.search(r"(\d{1,15})$", str(value)) for value in series.tolist()[:50]]
    if not all(found):
        return None
    values = pd.to_numeric(series.astype(str).str.extract(r"(\d{1,15})$", expand=False), errors="coerce").to_numpy(dtype=float)
    return values if np.isfinite(values).all() else None


def _later(train: Array, test: Array | None) -> float:
    known = train[np.isfinite(train)]
    if test is None or not len(known) or not np.isfinite(test).any():
        return 0.0
    return float((test[np.isfinite(test)] > known.max()).mean())


def groups_of(train: pd.DataFrame, test: pd.DataFrame | None, profile: TaskProfile, target: Array, folds: Array) -> list[Group]:
    """Columns whose values name entities of several rows each, and what the rows of one have in common."""
    found = []
    kinds = (ColumnKind.CATEGORY, ColumnKind.IDENTIFIER, ColumnKind.COMPOUND)
    for column in profile.columns:
        entity = column.kind in kinds or (column.kind is ColumnKind.NUMBER and column.integer) or column.name == profile.group_column
        whole = MIN_GROUPS <= column.distinct <= len(train) / MIN_ROWS_EACH
        parted = column.kind is ColumnKind.COMPOUND and column.separator is not None and not whole
        if column.name not in train.columns or not entity or not (whole or parted):
            continue
        series = train[column.name]
        given = test[column.name] if test is not None and column.name in test.columns else None
        if parted:  # its first part may name what the whole value does not
            series = series.astype("str").str.split(column.separator).str[0]
            given = None if given is None else given.astype("str").str.split(column.separator).str[0]
        made = _group(column.name, series, given, target, folds, ordered=column.kind is ColumnKind.NUMBER)
        if made is not None:
            found.append(made)
    return found


def _group(name: str, series: pd.Series, given: pd.Series | None, target: Array, folds: Array, *, ordered: bool) -> Group | None:
    codes, values = pd.factorize(series, sort=ordered)
    known = codes >= 0
    count = np.bincount(codes[known], minlength=len(values))
    if len(values) < MIN_GROUPS or not known.any() or known.sum() / len(values) < MIN_ROWS_EACH:
        return None
    share, z = group_share(codes, target)
    if ordered:
        means = np.bincount(codes[known], weights=target[known, 0]) / np.maximum(count, 1)
        if serial_correlation(means[:, None]) > SMOOTH:
            return None
    several = known & (count[codes] > 1)
    first = np.full(len(values), -1, dtype=np.int64)
    first[codes[known][::-1]] = folds[known][::-1]
    split = np.zeros(len(values), dtype=bool)
    split[codes[known & (folds != first[codes])]] = True
    mixed = float(split[codes[several]].mean()) if several.any() else 0.0
    seen = None if given is None or not len(given) else float(given.isin(values).mean())
    facts = GroupFacts(
        column=name, groups=len(values), rows_each=float(known.sum() / len(values)), share=share, z=z, mixed=mixed, seen=seen
    )
    return Group(name, codes, facts)


def group_share(codes: Array, values: Array) -> tuple[float, float]:
    """(adjusted share of variance, z) that groups explain of `values` (rows, outputs); rows with code -1 are left out."""
    known = codes >= 0
    own, inside = codes[known], values[known]
    count = np.bincount(own)
    best = (0.0, 0.0)
    for output in inside.T:
        deviation = float(output.std())
        if not deviation > 0 or not np.isfinite(deviation):
            continue
        sums = np.bincount(own, weights=(output - output.mean()) / deviation)
        held = count > 0
        share, z = anova(np.array([float((sums[held] ** 2 / count[held]).sum())]), np.array([int(held.sum())]), len(own))
        if z[0] > best[1]:
            best = float(share[0]), float(z[0])
    return best
