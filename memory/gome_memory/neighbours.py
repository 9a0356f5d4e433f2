"""What an index answers, and the exact one that needs no service: brute force over all remembered hypotheses, in numpy."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from gome_memory.embedding import CachedEmbedding
from gome_memory.store import Change, Store

DECIMALS = 6
"""Cosines are rounded: beyond this a sum's order, not its meaning, decides the digits."""


@dataclass(frozen=True)
class Neighbours:
    """Remembered hypothesis texts near the ones asked about, by outcome."""

    successes: Mapping[str, tuple[float, ...]]
    """Text id to its cosine with each text asked about."""
    failures: Mapping[str, tuple[float, ...]]


class Index(Protocol):
    """Finds remembered hypothesis texts near given ones. The unit is the distinct (text, outcome), not the experience."""

    def nearest(self, texts: list[str], *, successes: int, failures: int, extra: list[str], seq: int) -> Neighbours:
        """The nearest of each outcome for each text, and the `extra` text ids beside them, as of change `seq` or later."""
        ...

    def close(self) -> None: ...


def cosines(vectors: npt.NDArray[np.float32], asked: npt.NDArray[np.float32]) -> list[tuple[float, ...]]:
    """Cosines of unit vectors (n, d) with (m, d): n tuples of m."""
    table = np.round(vectors.astype(np.float64) @ asked.astype(np.float64).T, DECIMALS)
    return [tuple(row) for row in table.tolist()]


def nearest_of(known: Mapping[str, tuple[float, ...]], limit: int, extra: Collection[str]) -> dict[str, tuple[float, ...]]:
    """The `limit` nearest to each text asked about, ties by name, and the `extra` ones."""
    keep = {name for name in extra if name in known}
    for column in range(len(next(iter(known.values()), ()))):
        keep.update(sorted(known, key=lambda name: (-known[name][column], name))[:limit])
    return {name: known[name] for name in sorted(keep)}


ROUNDING = 1e-4
"""More than single precision is off by: rows within it of the last one kept are compared exactly."""
HIDDEN, LOWEST = -2.0, -1.5
"""Stands for the cosine of a row that is not to be found, and lies between that and all cosines."""
SPARSE = 0.25
"""Share of dimensions that are not 0 up to which they are added one by one."""


class ExactIndex:
    """Every pair compared, in this process. Grows by what has changed since the last question.

    Costs one pass over all texts a question: see ``benchmarks/memory_overhead.py``.
    """

    BATCH = 512

    def __init__(self, store: Store, embedding: CachedEmbedding) -> None:
        self._store = store
        self._embedding = embedding
        self._seq = 0
        self._rows: dict[tuple[str, bool], int] = {}
        """Where (text, outcome) stands in the arrays below, which have room to spare."""
        self._names: list[str] = []
        self._columns = np.zeros((1, 0), dtype=np.float32)
        """One text a column: a question of hashed words is 0 in most dimensions, and only the others need be read."""
        self._shown = {outcome: np.zeros(0, dtype=bool) for outcome in (True, False)}
        """Rows of each outcome that can be recalled."""

    def nearest(self, texts: list[str], *, successes: int, failures: int, extra: list[str], seq: int) -> Neighbours:
        self._catch_up(seq)
        asked = self._embedding(texts)
        if not self._rows:
            return Neighbours({}, {})
        near = self._near(asked)
        return Neighbours(self._of(True, near, asked, successes, extra), self._of(False, near, asked, failures, ()))

    def _near(self, asked: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Cosines (m, n) in single precision."""
        if np.count_nonzero(asked) > SPARSE * asked.size:
            return asked @ self._columns[:, : len(self._names)]
        near = np.zeros((len(asked), len(self._names)), dtype=np.float32)
        for text, dimension in zip(*np.nonzero(asked), strict=True):
            near[text] += asked[text, dimension] * self._columns[dimension, : len(self._names)]
        return near

    def _of(
        self, outcome: bool, near: npt.NDArray[np.float32], asked: npt.NDArray[np.float32], limit: int, extra: Collection[str]
    ) -> dict[str, tuple[float, ...]]:
        """The nearest of one outcome: found in single precision, then compared exactly, so that the order of writing tells nothing."""
        shown = self._shown[outcome][: len(self._names)]
        kept = {self._rows[name, outcome] for name in extra if (name, outcome) in self._rows}
        for own in near:
            cosine = np.where(shown, own, np.float32(HIDDEN))
            last = LOWEST if len(cosine) <= limit else max(LOWEST, float(np.partition(cosine, -limit)[-limit]))
            kept.update(np.flatnonzero(cosine >= last - ROUNDING).tolist())
        found = sorted(kept)
        told = np.flatnonzero(asked.any(axis=0))
        exact = cosines(self._columns[np.ix_(told, np.array(found, dtype=np.int64))].T, asked[:, told])
        known = dict(zip((self._names[row] for row in found), exact, strict=True))
        return nearest_of(known, limit, extra)

    def _catch_up(self, seq: int) -> None:
        while self._seq < seq:
            changes = self._store.changes(self._seq, self.BATCH)
            if not changes:
                return
            fresh = [c for c in {(c.text_id, c.success): c for c in changes if c.live}.values() if (c.text_id, c.success) not in self._rows]
            gone = [(c.text_id, c.success) for c in changes if not c.live and not self._store.has_live(c.text_id, c.success)]
            if fresh:
                self._add(fresh)
            for pair in gone:
                row = self._rows.pop(pair, None)
                if row is not None:
                    self._shown[pair[1]][row] = False
            self._seq = changes[-1].seq

    def _add(self, fresh: list[Change]) -> None:
        vectors = self._embedding([c.text for c in fresh])
        start, end = len(self._names), len(self._names) + len(fresh)
        if end > self._columns.shape[1]:
            room = max(2 * self._columns.shape[1], end)
            spare = np.zeros((vectors.shape[1], room - start), dtype=np.float32)
            self._columns = np.hstack([self._columns[:, :start], spare]) if start else spare
            self._shown = {outcome: np.concatenate([shown[:start], np.zeros(room - start, bool)]) for outcome, shown in self._shown.items()}
        self._columns[:, start:end] = vectors.T
        for row, change in enumerate(fresh, start):
            self._names.append(change.text_id)
            self._rows[change.text_id, change.success] = row
            self._shown[change.success][row] = True

    def close(self) -> None:
        self._embedding.close()
