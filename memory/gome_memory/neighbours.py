"""What an index answers, and the exact one that needs no service: brute force over all remembered hypotheses, in numpy."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from gome_memory.embedding import CachedEmbedding
from gome_memory.store import Store

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


class ExactIndex:
    """Every pair compared, in this process. Grows by what has changed since the last question.

    Costs one pass over all texts a question: about 2 ms at 10,000 texts of 512 dimensions, once their vectors are there.
    """

    BATCH = 512

    def __init__(self, store: Store, embedding: CachedEmbedding) -> None:
        self._store = store
        self._embedding = embedding
        self._seq = 0
        self._rows: dict[tuple[str, bool], int] = {}
        self._matrix = np.zeros((0, 1), dtype=np.float32)

    def nearest(self, texts: list[str], *, successes: int, failures: int, extra: list[str], seq: int) -> Neighbours:
        self._catch_up(seq)
        asked = self._embedding(texts)
        if not self._rows:
            return Neighbours({}, {})
        table = cosines(self._matrix, asked)
        of = {outcome: {name: table[row] for (name, success), row in self._rows.items() if success is outcome} for outcome in (True, False)}
        return Neighbours(nearest_of(of[True], successes, extra), nearest_of(of[False], failures, ()))

    def _catch_up(self, seq: int) -> None:
        while self._seq < seq:
            changes = self._store.changes(self._seq, self.BATCH)
            if not changes:
                return
            fresh = [c for c in {(c.text_id, c.success): c for c in changes if c.live}.values() if (c.text_id, c.success) not in self._rows]
            gone = [(c.text_id, c.success) for c in changes if not c.live and not self._store.has_live(c.text_id, c.success)]
            if fresh:
                vectors = self._embedding([c.text for c in fresh])
                start = len(self._matrix)
                self._matrix = np.vstack([self._matrix, vectors]) if start else vectors
                self._rows |= {(c.text_id, c.success): start + offset for offset, c in enumerate(fresh)}
            for pair in gone:
                self._rows.pop(pair, None)
            self._seq = changes[-1].seq

    def close(self) -> None:
        self._embedding.close()
