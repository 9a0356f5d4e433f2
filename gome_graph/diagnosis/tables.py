"""Facts of the tables alone: measured at the first step of a run and kept."""

import threading
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gome_graph.diagnosis.drift import drift_facts
from gome_graph.diagnosis.structure import Group, Order, group_share, groups_of, leak_facts, orders_of, serial_correlation
from gome_graph.diagnosis.twins import duplicate_facts
from gome_graph.records import ColumnKind, DataFacts, StructureFacts, TaskProfile

if TYPE_CHECKING:
    import pandas as pd

    from gome_graph.task import Measured

MAX_OUTPUTS = 3
"""Target columns or classes (with most rows) looked at."""
SIZED = 1_000
"""Rows whose size in memory is measured; the rest is taken to be like them."""
MIN_Z = 4.0
"""Structure of the residuals below this is not told."""


@dataclass(frozen=True)
class Tables:
    """The facts, and the orders and groups that later steps' residuals are held against."""

    facts: DataFacts
    orders: list[Order]
    groups: list[Group]


_cache: dict[int, tuple["weakref.ref[Any]", tuple[Any, ...], Tables]] = {}
"""By the frame's identity: the frame, the other arrays the facts were measured on, the facts."""
_lock = threading.Lock()


def tables_of(data: "Measured", profile: TaskProfile) -> Tables:
    """Facts of the train frame of `data` (and its test rows), measured at the first call for these arrays, forgotten with the frame."""
    key = id(data.frame)
    with _lock:
        held = _cache.get(key)
        others = (data.test, data.truth, data.folds)
        if held is not None and held[0]() is data.frame and all(old is new for old, new in zip(held[1], others, strict=True)):
            return held[2]
        made = _make(data, profile)
        _cache[key] = (weakref.ref(data.frame, lambda _: _cache.pop(key, None)), others, made)
        return made


def _make(data: "Measured", profile: TaskProfile) -> Tables:
    train, test = data.frame, data.test
    target = _target(data)
    orders = orders_of(train, test, profile, target, data.folds)
    groups = groups_of(train, test, profile, target, data.folds)
    drift, drifting = drift_facts(train, test, profile) if test is not None else (None, [])
    names = [
        c.name for c in profile.columns
        if c.name in train.columns and c.kind is not ColumnKind.IDENTIFIER
        and (test is None or c.name in test.columns)
    ]  # fmt: skip
    facts = DataFacts(
        drift=drift, drifting=drifting, leaks=leak_facts(train, profile, target), orders=[order.facts for order in orders],
        groups=[group.facts for group in groups], duplicates=duplicate_facts(train, test, names, target, data.folds), bytes=_size(train),
    )  # fmt: skip
    return Tables(facts, orders, groups)


def _target(data: "Measured") -> NDArray[Any]:
    """(rows, outputs) standardised: numbers as they are, classes as one 0/1 column each."""
    truth = np.asarray(data.truth)
    if truth.ndim == 1 and data.format.kind in ("label", "probabilities") and np.issubdtype(truth.dtype, np.integer):
        counts = np.bincount(truth)
        common = np.argsort(-counts, kind="stable")[: 1 if (counts > 0).sum() == 2 else MAX_OUTPUTS]
        values = (truth[:, None] == common[None, :]).astype(float)
    elif np.issubdtype(truth.dtype, np.number):
        values = truth.reshape(len(truth), -1)[:, :MAX_OUTPUTS].astype(float)
    else:
        return np.zeros((len(truth), 1))
    deviation = values.std(axis=0)
    return np.asarray((values - values.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0))


def _size(train: "pd.DataFrame") -> int:
    part = train.iloc[:SIZED]
    return int(part.memory_usage(deep=True).sum() * len(train) / max(1, len(part)))


def residual_structure(residuals: NDArray[Any] | None, tables: Tables) -> list[StructureFacts]:
    """What is left in the errors along each order and within each group, strongest first; only where z is at least `MIN_Z`."""
    if residuals is None:
        return []
    found = []
    for order in tables.orders:
        r = serial_correlation(residuals[order.rows])
        found.append(StructureFacts(column=order.column, kind="order", share=r, z=r * len(order.rows) ** 0.5))
    for group in tables.groups:
        share, z = group_share(group.codes, residuals)
        found.append(StructureFacts(column=group.column, kind="group", share=share, z=z))
    return sorted((facts for facts in found if facts.z >= MIN_Z), key=lambda facts: -facts.share)
