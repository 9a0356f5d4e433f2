"""The bank inside a simulation: samples as arrays, and what becomes of them over the refreshes."""

from dataclasses import dataclass, field

import numpy as np

from gome_guard.curate.clusters import assign, cluster
from gome_guard.log import Array
from gome_guard.policy.features import unit
from gome_guard.records import Part

MOST = 4000
"""Newest samples that are kept; a bank of this size is small for every operation."""


@dataclass
class SimBank:
    """Samples of one arm; columns grow together."""

    row: Array = field(default_factory=lambda: np.zeros(0, int))
    """Request in the world"""
    accept: Array = field(default_factory=lambda: np.zeros(0, int))
    reject: Array = field(default_factory=lambda: np.zeros(0, int))
    tier_a: Array = field(default_factory=lambda: np.zeros(0, bool))
    mined: Array = field(default_factory=lambda: np.zeros(0, bool))
    right: Array = field(default_factory=lambda: np.zeros(0, bool))
    """Truth at the time of curation; for measuring only."""
    active: Array = field(default_factory=lambda: np.zeros(0, bool))
    part: Array = field(default_factory=lambda: np.zeros(0, object))
    blocked: dict[int, int] = field(default_factory=dict)
    """Accepted action -> otherwise better candidates that it stood against."""

    def add(self, row: Array, accept: Array, reject: Array, tier_a: Array, mined: Array, right: Array) -> None:
        """Add samples; a request that is there already with the same lesson is not added again."""
        known = set(zip(self.row.tolist(), self.accept.tolist(), strict=True))
        fresh = []
        for i, key in enumerate(zip(row.tolist(), accept.tolist(), strict=True)):
            if key not in known:
                known.add(key)
                fresh.append(i)
        index = np.array(fresh, dtype=int)
        for name, values in (("row", row), ("accept", accept), ("reject", reject), ("tier_a", tier_a), ("mined", mined), ("right", right)):
            setattr(self, name, np.concatenate([getattr(self, name), values[index]])[-MOST:])
        self.active = np.concatenate([self.active, np.ones(len(index), bool)])[-MOST:]

    def divide(self, x: Array, *, split: bool) -> None:
        """Cluster and assign parts (features (N, d) of the world); without a split every sample is for everything."""
        if not split or not len(self.row):
            self.part = np.full(len(self.row), "all", dtype=object)
            return
        group = [str(a) for a in self.accept]
        names = cluster(unit(x[self.row]), group)
        self.part = np.array([p.value for p in assign(names, group)], dtype=object)

    def of(self, part: Part) -> Array:
        """Indices of active samples for a purpose."""
        return np.flatnonzero(self.active & ((self.part == part.value) | (self.part == "all")))

    def retire(self, actions: frozenset[int]) -> None:
        """Samples whose accepted action's world has changed for good count no longer."""
        self.active = self.active & ~np.isin(self.accept, list(actions))
