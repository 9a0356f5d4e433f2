"""Clusters of similar samples, and the part each cluster is for.

A cluster is the unit of splitting, so that no near-duplicate of a training sample sits in the gate. Where an accepted action has samples
enough, each part gets a cluster of its own, so that the gate sees every segment that the bank knows.
"""

import hashlib
from collections.abc import Sequence

import numpy as np

from gome_guard.log import Array
from gome_guard.records import Part

TARGET = 50
"""Samples of a cluster where data allow; clusters of about 50 rows judge fairly, whole classes over-block (guard.md)."""
SHARES = {Part.TRAIN: 0.5, Part.GATE: 0.3, Part.SEALED: 0.2}
DUPLICATE = 0.95
"""Cosine from which two requests are the same one in other words; they stay together."""


def cluster(x: Array, group: Sequence[str], *, target: int = TARGET, seed: int = 0) -> list[str]:
    """A cluster name for each of the n samples with unit features ``(n, d)``: k-means within each group (accepted action)."""
    names = np.array(group, dtype=object)
    out = np.empty(len(names), dtype=object)
    for name in sorted(set(group)):
        rows = np.flatnonzero(names == name)
        distinct = _distinct(x[rows])
        size = max(2, min(target, len(distinct) // 6))
        parts = max(1, round(len(distinct) / size)) if len(distinct) >= 4 else 1
        label = _kmeans(x[rows], x[rows][distinct], parts, seed)
        for row, part in zip(rows, label, strict=True):
            out[row] = f"{name}#{part}"
    return list(out)


def _distinct(x: Array) -> Array:
    """Rows that are no near-duplicates of an earlier one."""
    kept: list[int] = []
    for row in range(len(x)):
        if not kept or (x[kept] @ x[row]).max() < DUPLICATE:
            kept.append(row)
    return np.array(kept)


def _kmeans(x: Array, distinct: Array, parts: int, seed: int) -> Array:
    if parts == 1:
        return np.zeros(len(x), int)
    from sklearn.cluster import KMeans

    # Fitted on distinct requests, near-duplicates follow their original: they get the nearest centre together.
    return np.asarray(KMeans(min(parts, len(distinct)), n_init=2, random_state=seed).fit(distinct).predict(x))


def assign(clusters: Sequence[str], group: Sequence[str], shares: dict[Part, float] | None = None) -> list[Part]:
    """The part of each sample, by its cluster: within a group, clusters in the order of their hash fill the parts by their shares.

    Deterministic: the same clusters give the same parts on every machine.
    """
    wanted = shares or SHARES
    parts: dict[str, Part] = {}
    sizes: dict[str, int] = {}
    for name in clusters:
        sizes[name] = sizes.get(name, 0) + 1
    for owner in sorted(set(group)):
        own = sorted({c for c, g in zip(clusters, group, strict=True) if g == owner}, key=_hash)
        total = sum(sizes[name] for name in own)
        filled = dict.fromkeys(wanted, 0.0)
        for name in own:
            # The part that is furthest behind its share; the first cluster of a group may go anywhere by its hash.
            behind = {part: wanted[part] * total - filled[part] for part in wanted}
            part = max(behind, key=lambda p: behind[p]) if len(own) > 1 else _by_hash(name, wanted)
            parts[name] = part
            filled[part] += sizes[name]
    return [parts[name] for name in clusters]


def _hash(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def _by_hash(name: str, shares: dict[Part, float]) -> Part:
    point, total = int(_hash(name)[:8], 16) / 2**32, 0.0
    for part, share in shares.items():
        total += share
        if point < total:
            return part
    return next(iter(shares))
